// The small words a configuration is made of: sizes, durations, addresses, endpoints, names. Text in, values out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

// "512", "32KiB", "64MiB", "1GiB", "2TiB". Powers of two only: "MB" would leave a doubt.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

// "250ms", "10s", "5m", "1h", "30d"; more than `most` is refused, and a bare number, which has no unit, except "0".
inline constexpr core::Duration ten_years = std::chrono::hours(24 * 3650), century = std::chrono::hours(24 * 36600);
std::optional<core::Duration> parse_duration(std::string_view text, core::Duration most = ten_years) noexcept;
// The shortest form parse_duration reads back: "90s" stays "90s", "3600s" becomes "1h".
std::string text_of(core::Duration duration);

// "127.0.0.1:8443", "[::1]:8443": a numeric address, never a name. Port 0 lets the system choose.
std::optional<Address> parse_address(std::string_view text);
// The same, or a name with a port: "valkey.internal:6379". Port 0 is refused.
std::optional<Address> parse_host_address(std::string_view text);
std::string text_of(const Address& address);
bool is_loopback(const Address& address);

// "llama.internal", "10.0.0.5", "fd00::5": what a certificate may be issued to, without a zone or a wildcard.
bool is_host(const std::string& text) noexcept;

// "https://10.0.0.5:8000", "http://[::1]:8000", "https://llama.internal". Default ports 443 and 80.
// What is wrong goes to `problem`, in words that follow the value: "has a path; …".
std::optional<routing::Endpoint> parse_endpoint(std::string_view text, std::string& problem);

// Names appear in logs, labels and tables: 1 to 128 of A-Z a-z 0-9 . _ : / @ + -, first a letter or digit.
bool is_name(std::string_view text) noexcept;

// The candidate a hurried typist may have meant, or "".
std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sallyport::gateway
