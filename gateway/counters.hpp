// Numbers that one thread writes and any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/error.hpp"

namespace sallyport::gateway {

// One writer: a plain load and store, no locked instruction.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Counts by upper bound. Whole numbers inside (nanoseconds, tokens); `unit` of them make one of what is shown.
template <const auto& bounds, std::uint64_t unit>
class Histogram {
 public:
  void observe(std::uint64_t value) noexcept {
    std::size_t bucket = 0;
    while (bucket < bounds.size() && value > bounds[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_.add(value);
  }

  struct Totals {
    std::array<std::uint64_t, bounds.size() + 1> buckets{};
    std::uint64_t sum = 0;
  };
  void add_to(Totals& totals) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) totals.buckets[i] += buckets_[i].value();
    totals.sum += sum_.value();
  }

  static constexpr const auto& upper_bounds = bounds;
  static constexpr double scale = 1.0 / static_cast<double>(unit);

 private:
  std::array<Counter, bounds.size() + 1> buckets_;
  Counter sum_;
};

// The buckets that the OpenTelemetry conventions for generative AI advise, in nanoseconds and in tokens.
inline constexpr std::uint64_t millisecond = 1'000'000;
inline constexpr std::array<std::uint64_t, 14> duration_bounds = {
    10 * millisecond,     20 * millisecond,     40 * millisecond,     80 * millisecond,    160 * millisecond,
    320 * millisecond,    640 * millisecond,    1'280 * millisecond,  2'560 * millisecond, 5'120 * millisecond,
    10'240 * millisecond, 20'480 * millisecond, 40'960 * millisecond, 81'920 * millisecond};
inline constexpr std::array<std::uint64_t, 16> first_token_bounds = {
    1 * millisecond,     5 * millisecond,     10 * millisecond,    20 * millisecond,
    40 * millisecond,    60 * millisecond,    80 * millisecond,    100 * millisecond,
    250 * millisecond,   500 * millisecond,   750 * millisecond,   1'000 * millisecond,
    2'500 * millisecond, 5'000 * millisecond, 7'500 * millisecond, 10'000 * millisecond};
inline constexpr std::array<std::uint64_t, 14> token_bounds = {
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};

using DurationHistogram = Histogram<duration_bounds, 1'000'000'000>;
using FirstTokenHistogram = Histogram<first_token_bounds, 1'000'000'000>;
using TokenHistogram = Histogram<token_bounds, 1>;

inline constexpr std::size_t reason_count = static_cast<std::size_t>(core::Reason::internal) + 1;

}  // namespace sallyport::gateway
