#include "logging/log_readers.hpp"

#include <stdexcept>
#include <utility>

namespace sallyport::logging {

void LogReaders::set(std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants) {
  if (tenants.size() > max_tenants) throw std::invalid_argument("the log has more tenants than fit in a segment");
  const std::lock_guard guard(mutex_);
  SegmentReaders readers{std::move(recipients), {}};
  for (Tenant& tenant : tenants) {
    if (tenant.name.empty() || tenant.name.size() > max_tenant_name || tenant.recipients.empty()) {
      throw std::invalid_argument("a tenant needs a recipient, and a name of 1 to 64 bytes");
    }
    if (!readers.tenants.emplace(number_for(tenant.name), std::move(tenant)).second) {
      throw std::invalid_argument("two of the log's tenants have one name");
    }
  }
  next_ = std::move(readers);
}

// A name's number is its own for the whole run; only a new name needs one that is free.
KeyNumber LogReaders::number_for(const std::string& tenant) {
  if (const auto found = numbers_.find(tenant); found != numbers_.end()) return found->second;
  const std::size_t next = content_key + 1 + numbers_.size();
  if (next >= no_key) throw std::invalid_argument("there were more tenants than numbers since the gateway's start");
  return numbers_.emplace(tenant, static_cast<KeyNumber>(next)).first->second;
}

std::optional<SegmentReaders> LogReaders::take() {
  const std::lock_guard guard(mutex_);
  return std::exchange(next_, std::nullopt);
}

KeyNumber LogReaders::number_of(std::string_view tenant) const {
  const std::lock_guard guard(mutex_);
  const auto found = numbers_.find(tenant);
  return found != numbers_.end() ? found->second : no_key;
}

}  // namespace sallyport::logging
