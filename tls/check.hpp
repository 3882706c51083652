// What an operator should know about certificate and key files before they are used. Opens the files; blocks.
#pragma once

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

// A chain, the server's or client's own certificate first, and its private key: both can be read, belong together, are
// strong enough for this OpenSSL, and are valid at `now`. Findings about the key never show any of it.
struct PairFindings {
  std::vector<Finding> chain;
  std::vector<Finding> key;
};
PairFindings check_certificate(const std::filesystem::path& chain, const std::filesystem::path& key,
                               core::WallTime now);

// Authorities to trust: at least one certificate, each valid at `now`.
std::vector<Finding> check_ca(const std::filesystem::path& file, core::WallTime now);

}  // namespace sallyport::tls
