// Looking for a byte of some kind, sixteen at once on whatever the processor has for it.
#pragma once

#include <cstddef>
#include <experimental/simd>
#include <string_view>

namespace sallyport::core {

// Where the first byte is that `wanted` holds for; text.size() when there is none. `wanted` is asked about one signed
// char or about a block of them: a generic lambda of comparisons, && and ||. Bytes over 0x7f are negative there.
template <class Wanted>
std::size_t find_byte(std::string_view text, Wanted wanted) noexcept {
  using Block = std::experimental::simd<signed char, std::experimental::simd_abi::deduce_t<signed char, 16>>;
  const auto* const begin = reinterpret_cast<const signed char*>(text.data());
  const auto* const end = begin + text.size();
  const auto* at = begin;
  if (text.size() >= Block::size()) {
    for (const auto* const last = end - Block::size(); at <= last; at += Block::size()) {
      const auto found = wanted(Block(at, std::experimental::element_aligned));
      if (any_of(found)) return static_cast<std::size_t>(at + find_first_set(found) - begin);
    }
  }
  while (at != end && !wanted(*at)) ++at;
  return static_cast<std::size_t>(at - begin);
}

}  // namespace sallyport::core
