#include <benchmark/benchmark.h>

#include "envelope/identity.hpp"
#include "logging/record.hpp"
#include "logging/segment_writer.hpp"

namespace sallyport {
namespace {

using logging::PartType;
using logging::SegmentWriter;

logging::Record a_record() {
  logging::Record record;
  record.request_id = "req-0123456789abcdef";
  record.listener = "public";
  record.client_address = "192.0.2.7";
  record.principal = "team-a";
  record.principal_id = "tk-0123456789abcdef";
  record.method = "POST";
  record.path = "/v1/chat/completions";
  record.model = record.upstream_model = "llama-3";
  record.upstream = "llama";
  record.endpoint = "https://10.0.0.5:8000";
  record.status = 200;
  record.prompt_tokens = 250;
  record.completion_tokens = 200;
  return record;
}

// One short chat: record, prompt and answer in one frame, and the chain over it.
void seal_frame(benchmark::State& state) {
  const envelope::Identity reader(core::crypto::PrivateKey::generate_p256());
  auto start = logging::SegmentStart::random();
  start.origin = "bench.example";
  SegmentWriter writer(std::move(start), std::vector{reader.recipient()});
  std::string record;
  append_json(record, a_record());
  const std::string content(static_cast<std::size_t>(state.range(0)), 'x');
  const SegmentWriter::Part parts[] = {{PartType::record, core::bytes_of(record)},
                                       {PartType::request_body, core::bytes_of(content)},
                                       {PartType::response_body, core::bytes_of(content)}};
  std::uint64_t number = 0;
  for (auto _ : state) {
    writer.append(logging::FrameKind::exchange, ++number, parts);
    writer.taken();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(record.size() + 2 * content.size()));
}
BENCHMARK(seal_frame)->Arg(1'000)->Arg(16'000);

// What each commit adds: new keys, the old ones wiped.
void ratchet(benchmark::State& state) {
  logging::Ratchet ratchet{core::Secret(std::size_t{32})};
  for (auto _ : state) ratchet.advance();
}
BENCHMARK(ratchet);

void write_record(benchmark::State& state) {
  const logging::Record record = a_record();
  std::string text;
  for (auto _ : state) {
    text.clear();
    append_json(text, record);
    benchmark::DoNotOptimize(text.data());
  }
}
BENCHMARK(write_record);

}  // namespace
}  // namespace sallyport
