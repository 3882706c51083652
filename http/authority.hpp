// Parses the host that a request names: Host fields and request targets (RFC 9112 §3.2). Private to http/.
#pragma once

#include <optional>
#include <string_view>

namespace sallyport::http {

// uri-host [":" port], stricter than RFC 3986: a name or an IPv4 address of unreserved bytes, or a valid IPv6 address
// in brackets; a port from 1 to 65535. No user information, no percent-encoding, no empty port.
bool valid_authority(std::string_view text) noexcept;

struct Target {
  std::string_view origin;     // origin form, or "*"; a view into the target or into static storage
  std::string_view authority;  // of an absolute form, else empty
};
// Accepts origin form, absolute form with http or https, and "*" with OPTIONS; nullopt for anything else.
std::optional<Target> read_target(std::string_view method, std::string_view target) noexcept;

}  // namespace sallyport::http
