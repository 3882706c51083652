// For whom the log is sealed, as the workers set it and the writer takes it over. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logging/format.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

// Everyone who can open something of a segment.
struct SegmentReaders {
  std::vector<envelope::Recipient> recipients;  // of the segment's key
  std::map<KeyNumber, Tenant> tenants;
};

// A tenant's key has the same number in every segment of this run, so that an exchange which is open when the tenants
// change cannot be taken for another's.
class LogReaders {
 public:
  // Throws std::invalid_argument for tenants past the format's limits.
  void set(std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants);
  // What set() gave since the last call.
  std::optional<SegmentReaders> take();
  // no_key for one that was never set.
  KeyNumber number_of(std::string_view tenant) const;

 private:
  KeyNumber number_for(const std::string& tenant);

  mutable std::mutex mutex_;
  std::map<std::string, KeyNumber, std::less<>> numbers_;
  std::optional<SegmentReaders> next_;
};

}  // namespace sallyport::logging
