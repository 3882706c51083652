// A log of two tenants and of the operator, one exchange of each a segment.
#pragma once

#include "tests/logging/tampering.hpp"

namespace sallyport::tests {

inline std::vector<logging::Tenant> two_tenants() {
  return {{"acme", {acme_key().recipient()}}, {"globex", {globex_key().recipient()}}};
}

struct TenantLog {
  // `tenants` of each segment.
  explicit TenantLog(const std::vector<std::vector<logging::Tenant>>& tenants = {two_tenants(), two_tenants()}) {
    for (const auto& of_segment : tenants) write_segment(of_segment);
  }
  void write_segment(const std::vector<logging::Tenant>& tenants) {
    const std::string run = std::to_string(++segments);
    logging::SealedLog log(log_settings(directory.where()), {reader_key().recipient()}, clock, tenants);
    REQUIRE(seal(log, "own-" + run, "own prompt", "own answer").has_value());
    for (const logging::Tenant& tenant : tenants) {
      const std::string& name = tenant.name;
      REQUIRE(seal(log, name + "-" + run, name + " prompt", name + " answer", name).has_value());
    }
  }
  path segment(std::uint64_t number) const { return directory / logging::segment_name(number); }
  path keys(std::uint64_t number) const { return directory / logging::keys_name(number); }
  std::vector<std::string> findings(envelope::KeyHolder* key = nullptr) const {
    return findings_of(directory.where(), key);
  }
  ReadLog read_by(envelope::KeyHolder& key) const { return read_log(directory.where(), key); }

  FakeClock clock;
  TemporaryDirectory directory;
  int segments = 0;
};

using Names = std::vector<std::string>;

}  // namespace sallyport::tests
