#include <benchmark/benchmark.h>

#include "bench/answers.hpp"
#include "routing/model_call.hpp"
#include "routing/usage_meter.hpp"

namespace sallyport {
namespace {

void read_model_call(benchmark::State& state) {
  const std::string body = bench::chat_request({}, static_cast<std::uint64_t>(state.range(0)));
  for (auto _ : state) {
    routing::ModelCallReader reader;
    benchmark::DoNotOptimize(reader.feed(core::bytes_of(body)));
    benchmark::DoNotOptimize(reader.finish());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(read_model_call)->Arg(1'000)->Arg(200'000)->Arg(4'000'000);

void meter_plain_answer(benchmark::State& state) {
  const std::string body = bench::plain_answer({}, 1000);
  for (auto _ : state) {
    routing::UsageMeter meter(routing::Family::openai_chat, false, false);
    benchmark::DoNotOptimize(meter.pass_last(core::bytes_of(body)));
  }
}
BENCHMARK(meter_plain_answer);

void meter_event(benchmark::State& state) {
  bench::EventText event(250);
  const std::string text(event.stamped(1));
  routing::UsageMeter meter(routing::Family::openai_chat, true, state.range(0) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(meter.pass(core::bytes_of(text)));
}
BENCHMARK(meter_event)->ArgName("hides_usage")->Arg(0)->Arg(1);

}  // namespace
}  // namespace sallyport
