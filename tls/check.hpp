// Checks certificate and key files before they are used, and words the findings for an operator. Reads the files;
// blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"

namespace sallyport::tls {

struct Finding {
  bool error = true;  // false: a warning, the file works today
  std::string what;   // "expired on 2026-03-01 12:00 UTC; …": words that follow the file's name
};

inline constexpr auto expiry_warning = std::chrono::hours(14 * 24);

// Checks a chain, whose first certificate is the server's or client's own, and its private key: both can be read,
// belong together and are strong enough for this OpenSSL; each certificate is valid at `now`. Findings never show any
// of the key. A warning where the other side may refuse it in this role.
struct PairFindings {
  std::vector<Finding> chain;
  std::vector<Finding> key;
};
enum class ShownBy : std::uint8_t { server, client };
PairFindings check_certificate(const std::filesystem::path& chain, const std::filesystem::path& key, ShownBy role,
                               core::WallTime now);

// Checks a file of trusted CAs: it holds at least one certificate, and each is valid at `now` and marked as a CA.
std::vector<Finding> check_ca(const std::filesystem::path& file, core::WallTime now);

}  // namespace sallyport::tls
