#include <benchmark/benchmark.h>

#include "gateway/metrics.hpp"

namespace sallyport {
namespace {

void count_exchange(benchmark::State& state) {
  gateway::Config config;
  config.listeners.push_back({"public", {"127.0.0.1", 1}, std::nullopt});
  routing::Model model;
  model.name = "llama-3";
  config.models.push_back(model);
  gateway::Metrics metrics(config, 1);
  logging::Record record;
  record.listener = "public";
  record.path = "/v1/chat/completions";
  record.model = "llama-3";
  record.status = 200;
  record.duration = std::chrono::milliseconds(70);
  record.prompt_tokens = 250;
  record.completion_tokens = 200;
  for (auto _ : state) {
    metrics.worker(0).exchange_started();
    metrics.worker(0).exchange_finished(record);
  }
}
BENCHMARK(count_exchange);

}  // namespace
}  // namespace sallyport
