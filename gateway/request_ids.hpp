// Request ids: 128 random bits as 32 hex digits, drawn from a buffer so that one call of the random generator serves
// many requests. One worker's own.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base64.hpp"
#include "core/crypto.hpp"

namespace sallyport::gateway {

class RequestIds {
 public:
  std::string next() { return core::to_hex(take(16)); }

  // A number for choosing among weights.
  std::uint32_t number() {
    const auto bytes = take(4);
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
           static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
  }

  // A client's own id is kept when it is short and plain, so that it cannot forge a log line or a header.
  static bool acceptable(std::string_view id) noexcept {
    if (id.empty() || id.size() > 128) return false;
    for (const char c : id) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                         c == '_' || c == '.' || c == ':';
      if (!plain) return false;
    }
    return true;
  }

 private:
  core::ConstBytes take(std::size_t size) {
    if (used_ + size > pool_.size()) {
      core::crypto::random(pool_);
      used_ = 0;
    }
    used_ += size;
    return core::ConstBytes(pool_).subspan(used_ - size, size);
  }

  std::array<std::byte, 1024> pool_;
  std::size_t used_ = sizeof pool_;
};

}  // namespace sallyport::gateway
