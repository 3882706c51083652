// Who a request is for: Host fields and request targets (RFC 9112 §3.2). Private to http/.
#pragma once

#include <optional>
#include <string_view>

namespace sallyport::http {

// uri-host [":" port], stricter than RFC 3986: a name or IPv4 of unreserved bytes, or a real IPv6 address in brackets;
// a port of 1 to 65535. Neither user information, percent forms, nor an empty port.
bool valid_authority(std::string_view text) noexcept;

struct Target {
  std::string_view origin;     // origin form, or "*"; a view into the target or static storage
  std::string_view authority;  // of an absolute form, else empty
};
// Origin form, absolute form of http and https, or "*" with OPTIONS; nothing for anything else.
std::optional<Target> read_target(std::string_view method, std::string_view target) noexcept;

}  // namespace sallyport::http
