// Finds the first byte of a kind in a text, sixteen bytes at a time with the processor's SIMD instructions.
#pragma once

#include <cstddef>
#include <experimental/simd>
#include <string_view>

namespace sallyport::core {

// The position of the first byte for which `wanted` is true; text.size() when there is none. `wanted` is called with
// one signed char or with a block of them, so it must be a generic lambda of comparisons, && and ||. Bytes above 0x7f
// are negative there.
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
