// Integers and byte strings in the order of the log format: big-endian, no padding (docs/log-format.md).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "core/bytes.hpp"

namespace sallyport::logging {

template <std::unsigned_integral T>
void store(std::byte* to, T value) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
}

template <std::unsigned_integral T>
T load(const std::byte* from) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | static_cast<T>(from[i]));
  return value;
}

class ByteWriter {
 public:
  explicit ByteWriter(core::Bytes& out) noexcept : out_(out) {}
  template <std::unsigned_integral T>
  void integer(T value) {
    std::byte encoded[sizeof(T)];
    store(encoded, value);
    bytes(encoded);
  }
  void bytes(core::ConstBytes data) { out_.insert(out_.end(), data.begin(), data.end()); }

 private:
  core::Bytes& out_;
};

// Reads from the front. What does not fit gives zeros, and ok() turns false for good.
class ByteReader {
 public:
  explicit ByteReader(core::ConstBytes data) noexcept : rest_(data) {}
  template <std::unsigned_integral T>
  T integer() noexcept {
    const core::ConstBytes taken = bytes(sizeof(T));
    return ok_ ? load<T>(taken.data()) : T{0};
  }
  template <std::size_t N>
  void into(std::array<std::byte, N>& out) noexcept {
    const core::ConstBytes taken = bytes(N);
    if (ok_) std::memcpy(out.data(), taken.data(), N);
  }
  core::ConstBytes bytes(std::size_t count) noexcept {
    if (count > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const core::ConstBytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  bool ok() const noexcept { return ok_; }
  std::size_t left() const noexcept { return rest_.size(); }

 private:
  core::ConstBytes rest_;
  bool ok_ = true;
};

}  // namespace sallyport::logging
