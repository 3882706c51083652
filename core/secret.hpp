// Secret: bytes that are wiped when freed and cannot be printed, compared with == or copied by accident.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/bytes.hpp"

namespace sallyport::core {

// Overwrites the bytes with zeros in a way that the compiler may not remove.
void wipe(MutableBytes bytes) noexcept;

// Reserves room for at least `size` elements in a vector or string of bytes. When the content moves, its old memory is
// wiped.
template <class Container>
void reserve_wiping(Container& content, std::size_t size) {
  if (size <= content.capacity()) return;
  Container larger(content.get_allocator());
  larger.reserve(std::max(size, 2 * content.capacity()));
  larger.insert(larger.end(), content.begin(), content.end());
  content.swap(larger);
  wipe(std::as_writable_bytes(std::span(larger)));
}

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

  // The only access to the content; "reveal" is easy to search for in review. The views are valid while this object
  // lives and is not moved from or assigned to.
  ConstBytes reveal() const noexcept { return bytes_; }
  MutableBytes reveal_for_writing() noexcept { return bytes_; }
  std::string_view reveal_text() const noexcept { return text_of(bytes_); }

  // Compares in constant time in the content; the lengths are not secret.
  bool equals(ConstBytes other) const noexcept;

 private:
  Bytes bytes_;
};

}  // namespace sallyport::core
