// Whether a segment's key block is sound and, with a key, whether its frames were sealed with the segment's key.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/frame_walker.hpp"
#include "logging/segment_opener.hpp"
#include "logging/verify.hpp"

namespace sallyport::logging {

class KeyAudit {
 public:
  // `holder`: null without a key. May block in it.
  KeyAudit(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder* holder);

  struct Found {
    FindingKind kind{};
    std::string words;
    bool proven = true;
  };
  // Of the key block.
  const std::vector<Found>& findings() const noexcept { return findings_; }

  // Of the walker's frame. True once at most: one such finding a segment is enough.
  bool finds_forged(const FrameWalker& walker);

  // With a key. Tenants whose content it opens, and those whose it does not, though somebody can.
  bool opens_segment() const noexcept { return opens_segment_; }
  const std::vector<std::string>& opened() const noexcept { return opened_; }
  const std::vector<std::string>& closed() const noexcept { return closed_; }

 private:
  void open(const std::filesystem::path& segment, const ParsedHeader& header, envelope::KeyHolder& holder);
  void judge_tenants(const ParsedHeader& header, bool with_key);
  void find(UnlockProblem problem);
  bool is_genuine(const FrameWalker& walker);

  std::vector<Found> findings_;
  KeyBlock block_;
  bool readable_ = false;  // block_
  bool opens_segment_ = false;
  bool genuine_ = false;  // block_, by its MAC
  std::vector<std::string> opened_, closed_;
  std::optional<PartOpener> opener_;
};

// Whose content the key opens, over all segments.
class TenantAudit {
 public:
  void take(const KeyAudit& keys, std::uint64_t segment);
  // After all of them: says it, and takes back that a tenant's key is not for a segment in which nothing is for it,
  // from before there was this tenant or after its content was erased.
  void settle(LogReport& report) const;

 private:
  bool something_is_for_it(std::uint64_t segment) const;

  bool opens_segments_ = false;
  std::set<std::string> opened_;                              // tenants, in some segment
  std::map<std::string, std::set<std::uint64_t>> closed_in_;  // tenants, and where it does not open theirs
};

}  // namespace sallyport::logging
