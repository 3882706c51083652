// What one key opens of a log, segment by segment: the segments' own keys, or tenants' content keys alone. For readers:
// it blocks in the key holder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/segment_opener.hpp"

namespace sallyport::logging {

class ReaderKeys {
 public:
  explicit ReaderKeys(envelope::KeyHolder& holder) : holder_(holder) {}
  envelope::KeyHolder& holder() const noexcept { return holder_; }

  struct Trouble {
    std::uint64_t segment = 0;
    std::string words;
    bool closed = false;  // the segment cannot be read
    bool gone = false;    // in that its key block is not there
  };
  // Takes up a segment. The troubles may be of earlier ones: where a key opens nothing, it takes one that it does open
  // to tell a key that is wrong from one of a tenant, for whom nothing need be there.
  std::vector<Trouble> add(std::uint64_t segment, const std::filesystem::path& file, const ParsedHeader& header);
  // Those that were held back until now.
  std::vector<Trouble> settle();

  // Whether something that is for this key may stand in a segment just added, and does not open: its own word that a
  // tenant's key was erased is no trouble, but proves nothing either.
  bool misses_some(std::uint64_t segment, const ParsedHeader& header) const;

  bool opens(std::uint64_t segment) const;
  // Of a segment that was added:
  const std::filesystem::path& file(std::uint64_t segment) const { return known_.at(segment).file; }
  bool has_segment_key(std::uint64_t segment) const { return known_.at(segment).keys.has_value(); }
  // Tenants' keys are asked for only with `tenants`: who keeps the key may be slow.
  PartOpener opener(std::uint64_t segment, bool tenants);
  bool has(std::uint64_t segment, KeyNumber key);
  std::string tenant_of(std::uint64_t segment, KeyNumber key) const;  // empty: of none

  // With tenants' keys alone: whose.
  const std::set<std::string>& tenants() const noexcept { return tenants_; }

 private:
  struct Known {
    std::filesystem::path file;
    SegmentId id;
    std::map<KeyNumber, std::string> names;  // of all its tenants
    std::optional<SegmentKeys> keys;         // none: with tenants' keys alone
    std::vector<OpenedTenant> tenants;
    bool tenants_asked = false;
  };
  // Nothing in it is for this key.
  struct Closed {
    std::uint64_t segment = 0;
    std::vector<std::string> tenants;  // whose content somebody can open
  };
  UnlockProblem open(std::uint64_t segment, const std::filesystem::path& file, const ParsedHeader& header,
                     KeyBlock& block);
  void ask_for_tenants(Known& known);
  bool is_trouble(const Closed& closed) const;

  envelope::KeyHolder& holder_;
  std::map<std::uint64_t, Known> known_;  // by segment
  std::vector<Closed> closed_;            // held back
  bool opens_segments_ = false;
  std::set<std::string> tenants_;
};

}  // namespace sallyport::logging
