#include "http/authority.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "http/grammar.hpp"
#include "http/message.hpp"

namespace sallyport::http {
namespace {

bool valid_port(std::string_view port) noexcept {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc{} && end == port.data() + port.size() && number != 0 && port.size() <= 5;
}

bool valid_ipv6(std::string_view address) noexcept {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.size() >= sizeof text) return false;
  std::copy(address.begin(), address.end(), text);
  in6_addr ignored;
  return inet_pton(AF_INET6, text, &ignored) == 1;
}

// The length of the uri-host at the start, 0 when there is none.
std::size_t host_length(std::string_view text) noexcept {
  if (!text.starts_with('[')) return grammar::skip(grammar::host_byte, text, 0);
  const std::size_t close = text.find(']');
  if (close == text.npos || !valid_ipv6(text.substr(1, close - 1))) return 0;
  return close + 1;
}

std::optional<std::string_view> without_scheme(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (same_name(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

bool valid_authority(std::string_view text) noexcept {
  const std::size_t host = host_length(text);
  if (host == 0) return false;
  return host == text.size() || (text[host] == ':' && valid_port(text.substr(host + 1)));
}

std::optional<Target> read_target(std::string_view method, std::string_view target) noexcept {
  if (target.starts_with('/')) return Target{target, {}};
  if (target == "*" && method == "OPTIONS") return Target{target, {}};
  const auto rest = without_scheme(target);
  if (!rest) return std::nullopt;
  const std::size_t slash = rest->find('/');
  const std::string_view authority = rest->substr(0, slash);
  if (!valid_authority(authority)) return std::nullopt;  // refuses "http://host?query" too: it has no path
  if (slash != rest->npos) return Target{rest->substr(slash), authority};
  return Target{method == "OPTIONS" ? "*" : "/", authority};  // RFC 9112 §3.2.4, §3.2.1
}

}  // namespace sallyport::http
