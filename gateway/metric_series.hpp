// Exchanges counted by listener, model, upstream and kind of call. One table a worker; labels are configured names.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "gateway/config/config.hpp"
#include "gateway/counters.hpp"
#include "logging/record.hpp"

namespace sallyport::gateway {

// gen_ai.operation.name of the OpenTelemetry conventions; none for calls without a model.
enum class Operation : std::uint8_t { none, chat, text_completion, embeddings, other };
std::string_view name(Operation operation) noexcept;
Operation operation_of(std::string_view path) noexcept;

// Which names may be labels. Thread-safe.
class MetricNames {
 public:
  void configure(const Config& config);
  // The name itself, a model's public name for its alias, "" for "", and "other" for what is not configured.
  std::string listener(std::string_view name) const;
  std::string model(std::string_view name) const;
  std::string upstream(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::string> listeners_, upstreams_;
  std::unordered_map<std::string, std::string> models_;  // names and aliases → public name
};

struct Series {
  std::array<Counter, 6> requests;  // by the status' first digit; 0: nothing was answered
  Counter request_bytes, response_bytes;
  DurationHistogram duration;  // of calls that were given an upstream
  FirstTokenHistogram first_token;
  TokenHistogram input_tokens, output_tokens;

  void count(const logging::Record& record) noexcept;
};

// A view of the labels: valid while what it was made from is.
struct SeriesKey {
  std::string_view listener, model, upstream;
  Operation operation = Operation::none;
  friend auto operator<=>(const SeriesKey&, const SeriesKey&) = default;
};

// find() is its worker's; for_each() may run meanwhile on another thread.
class SeriesTable {
 public:
  static constexpr std::size_t limit = 10'000;  // series; what would be one more is counted under "other"

  explicit SeriesTable(const MetricNames& names) : names_(names) {}

  // One hash lookup for a key seen before. Never fails.
  Series& find(const SeriesKey& key);
  void for_each(const std::function<void(const SeriesKey&, const Series&)>& visit) const;

 private:
  struct OwnedKey {
    std::string listener, model, upstream;
    Operation operation = Operation::none;
    operator SeriesKey() const noexcept { return {listener, model, upstream, operation}; }
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const SeriesKey& key) const noexcept;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const SeriesKey& a, const SeriesKey& b) const noexcept { return a == b; }
  };
  Series& insert(OwnedKey key);

  const MetricNames& names_;
  mutable std::mutex mutex_;  // held to insert and to iterate; the worker's own lookups need none
  std::unordered_map<OwnedKey, std::unique_ptr<Series>, Hash, Equal> series_;
};

}  // namespace sallyport::gateway
