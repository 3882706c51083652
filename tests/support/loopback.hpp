// Addresses of loopback, of either family, as the kernel wants them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace sallyport::tests {

enum class Family { ipv4, ipv6 };

class Loopback {
 public:
  explicit Loopback(Family family, std::uint16_t port = 0) : is_ipv6_(family == Family::ipv6) {
    ipv4_.sin_family = AF_INET;
    ipv4_.sin_port = htons(port);
    ipv4_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ipv6_.sin6_family = AF_INET6;
    ipv6_.sin6_port = htons(port);
    ipv6_.sin6_addr = in6addr_loopback;
  }
  int family() const noexcept { return is_ipv6_ ? AF_INET6 : AF_INET; }
  const sockaddr* address() const noexcept {
    return is_ipv6_ ? reinterpret_cast<const sockaddr*>(&ipv6_) : reinterpret_cast<const sockaddr*>(&ipv4_);
  }
  socklen_t size() const noexcept { return is_ipv6_ ? sizeof ipv6_ : sizeof ipv4_; }

 private:
  bool is_ipv6_;
  sockaddr_in ipv4_{};
  sockaddr_in6 ipv6_{};
};

// Where a bound socket listens; 0 when the kernel does not say.
inline std::uint16_t port_of(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  // The port is at the same place in both.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

}  // namespace sallyport::tests
