#include "gateway/config/config_text.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

#include "core/text.hpp"

namespace sallyport::gateway {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> size_units{
    {{"", 1}, {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}}};
constexpr std::array<Unit, 5> duration_units{{{"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"d", 86'400'000'000'000}}};

// Digits and then one of the units; nothing when the product does not fit.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units) noexcept {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest == text.data()) return std::nullopt;
  const std::string_view name(rest, text.size() - static_cast<std::size_t>(rest - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_ipv6(const std::string& host) noexcept {
  in6_addr parsed{};
  return inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}
bool is_ipv4(const std::string& host) noexcept {
  in_addr parsed{};
  return inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

bool is_host_name(std::string_view host) noexcept {
  return !host.empty() && host.size() <= 253 && host.front() != '.' && host.front() != '-' &&
         host.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == host.npos;
}

struct HostPort {
  std::string host;
  std::string_view port;  // empty: none given
  bool bracketed = false;
};

// Splits "host", "host:port", "[v6]" and "[v6]:port".
std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort parts;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == text.npos) return std::nullopt;
    parts.host = text.substr(1, end - 1);
    parts.bracketed = true;
    text.remove_prefix(end + 1);
    if (text.empty()) return parts;
    if (!text.starts_with(':') || text.size() == 1) return std::nullopt;
    parts.port = text.substr(1);
    return parts;
  }
  const auto colon = text.find(':');
  parts.host = text.substr(0, colon);
  if (colon == text.npos) return parts;
  parts.port = text.substr(colon + 1);
  if (parts.port.empty() || parts.port.find(':') != parts.port.npos) return std::nullopt;
  return parts;
}

// Edit distance (Levenshtein); a swap of neighbours counts as one (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

bool is_host(const std::string& text) noexcept { return is_host_name(text) || is_ipv6(text); }

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept { return parse_quantity(text, size_units); }

std::optional<core::Duration> parse_duration(std::string_view text, core::Duration most) noexcept {
  if (text == "0") return core::Duration::zero();
  const auto nanoseconds = parse_quantity(text, duration_units);
  if (!nanoseconds || *nanoseconds > static_cast<std::uint64_t>(most.count())) return std::nullopt;
  return core::Duration(static_cast<core::Duration::rep>(*nanoseconds));
}

std::string text_of(core::Duration duration) {
  const auto nanoseconds = static_cast<std::uint64_t>(duration.count());
  if (nanoseconds == 0) return "0s";
  for (auto unit = duration_units.rbegin(); unit != duration_units.rend(); ++unit) {
    if (nanoseconds % unit->factor == 0) return std::to_string(nanoseconds / unit->factor) + std::string(unit->name);
  }
  return std::to_string(nanoseconds / duration_units[0].factor) + "ms";
}

std::optional<Address> parse_address(std::string_view text) {
  const auto parts = split_host_port(text);
  if (!parts || parts->port.empty()) return std::nullopt;
  if (parts->bracketed ? !is_ipv6(parts->host) : !is_ipv4(parts->host)) return std::nullopt;
  const auto port = parse_port(parts->port);
  if (!port) return std::nullopt;
  return Address{parts->host, *port};
}

std::optional<Address> parse_host_address(std::string_view text) {
  const auto parts = split_host_port(text);
  if (!parts || parts->port.empty()) return std::nullopt;
  if (parts->bracketed ? !is_ipv6(parts->host) : !is_host_name(parts->host)) return std::nullopt;
  const auto port = parse_port(parts->port);
  if (!port || *port == 0) return std::nullopt;
  return Address{parts->host, *port};
}

std::string text_of(const Address& address) { return core::with_port(address.host, address.port); }

bool is_loopback(const Address& address) {
  in_addr parsed{};
  if (inet_pton(AF_INET, address.host.c_str(), &parsed) == 1) return (ntohl(parsed.s_addr) >> 24) == 127;
  in6_addr parsed6{};
  return inet_pton(AF_INET6, address.host.c_str(), &parsed6) == 1 && IN6_IS_ADDR_LOOPBACK(&parsed6);
}

std::optional<routing::Endpoint> parse_endpoint(std::string_view text, std::string& problem) {
  routing::Endpoint endpoint;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    endpoint.plaintext = true;
  } else {
    problem = "must start with https:// (or http:// where the upstream says `plaintext: allowed`)";
    return std::nullopt;
  }
  if (text.find_first_of("/?#") != text.npos) {
    problem = "has a path; give scheme, host and port only: a request's own path is passed on";
    return std::nullopt;
  }
  if (text.find('@') != text.npos) {
    problem = "carries credentials; an endpoint is scheme, host and port only";
    return std::nullopt;
  }
  const auto parts = split_host_port(text);
  std::optional<std::uint16_t> port = endpoint.plaintext ? 80 : 443;
  if (parts && !parts->port.empty()) port = parse_port(parts->port);
  if (!parts || !port || *port == 0 || (parts->bracketed ? !is_ipv6(parts->host) : !is_host_name(parts->host))) {
    problem = "is not a host and port, such as https://10.0.0.5:8000 or https://[fd00::5]:8000";
    return std::nullopt;
  }
  endpoint.host = parts->host;
  endpoint.port = *port;
  return endpoint;
}

bool is_name(std::string_view text) noexcept {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-";
  return !text.empty() && text.size() <= 128 && text.find_first_not_of(letters) == text.npos &&
         std::string_view("._:/@+-").find(text.front()) == std::string_view::npos;
}

std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;  // farther is another word
  for (const std::string& candidate : candidates) {
    const std::size_t away = distance(word, candidate);
    if (away >= best_distance || away >= candidate.size()) continue;
    best = candidate;
    best_distance = away;
  }
  return best;
}

}  // namespace sallyport::gateway
