// What the fuzz targets share: how one says that a claim does not hold, and the ways in which it cuts its input.
//
// A target is one file with LLVMFuzzerTestOneInput(). libFuzzer calls it with inputs of its own making, prefers those
// that reach new code, and keeps the one that ends the process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"

namespace sallyport::fuzz {

inline void claim(bool holds, const char* words) {
  if (holds) return;
  std::fprintf(stderr, "This does not hold: %s\n", words);
  std::abort();
}

inline core::ConstBytes input_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

// Each in memory of its own, so that the sanitizer sees who reads past its end or keeps a view for too long.
using Pieces = std::vector<core::Bytes>;

template <class NextSize>
Pieces cut(core::ConstBytes input, NextSize next_size) {
  Pieces pieces;
  while (!input.empty()) {
    const core::ConstBytes piece = input.first(std::min<std::size_t>(input.size(), next_size()));
    pieces.emplace_back(piece.begin(), piece.end());
    input = input.subspan(piece.size());
  }
  return pieces;
}

inline Pieces whole(core::ConstBytes input) {
  return cut(input, [&] { return input.size(); });
}

// Byte by byte while that is cheap, and at places that depend on the input alone: a finding can be repeated.
inline std::vector<Pieces> cuttings(core::ConstBytes input) {
  constexpr std::size_t cheap = 1024;
  std::vector<Pieces> all;
  if (input.size() <= cheap) all.push_back(cut(input, [] { return std::size_t{1}; }));
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string_view>()(core::text_of(input))));
  for (const unsigned most : {8u, 200u}) all.push_back(cut(input, [&] { return 1 + random() % most; }));
  return all;
}

}  // namespace sallyport::fuzz
