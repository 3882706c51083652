// Looking for a byte of some kind, sixteen at once on whatever the processor has for it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <experimental/simd>
#include <string_view>

namespace sallyport::core {

// Where the first byte is that `wanted` holds for; text.size() when there is none. `wanted` is asked about one signed
// char or about a block of them: a generic lambda of comparisons, && and ||. Bytes over 0x7f are negative there.
template <class Wanted>
std::size_t find_byte(std::string_view text, Wanted wanted) noexcept {
  using Block = std::experimental::simd<signed char, std::experimental::simd_abi::deduce_t<signed char, 16>>;
  const auto* const bytes = reinterpret_cast<const signed char*>(text.data());
  std::size_t at = 0;
  if (text.size() >= Block::size()) {
    // The last block reaches back over bytes that have been seen, instead of leaving a rest.
    for (const std::size_t last = text.size() - Block::size();; at = std::min(at + Block::size(), last)) {
      const auto found = wanted(Block(bytes + at, std::experimental::element_aligned));
      if (any_of(found)) return at + static_cast<std::size_t>(find_first_set(found));
      if (at == last) return text.size();
    }
  }
  while (at != text.size() && !wanted(bytes[at])) ++at;
  return at;
}

}  // namespace sallyport::core
