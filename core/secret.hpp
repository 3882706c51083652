// Secret: bytes that wipe themselves and cannot be printed, compared with == or copied by accident.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "core/bytes.hpp"

namespace sallyport::core {

// Overwrites the bytes in a way the compiler may not remove.
void wipe(MutableBytes bytes) noexcept;

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : bytes_(size) {}
  explicit Secret(ConstBytes bytes) : bytes_(bytes.begin(), bytes.end()) {}
  explicit Secret(std::string_view text) : Secret(bytes_of(text)) {}
  // Takes the text and wipes the caller's copy.
  static Secret take(std::string& text);

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(bytes_); }

  Secret copy() const { return Secret(ConstBytes(bytes_)); }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

  // The only doors to the content; easy to search for in review.
  ConstBytes reveal() const noexcept { return bytes_; }
  MutableBytes reveal_for_writing() noexcept { return bytes_; }
  std::string_view reveal_text() const noexcept { return text_of(bytes_); }

  // Constant time in the content; lengths are not secret.
  bool equals(ConstBytes other) const noexcept;

 private:
  Bytes bytes_;
};

}  // namespace sallyport::core
