#include <benchmark/benchmark.h>

#include "bench/answers.hpp"
#include "http/reader.hpp"
#include "http/sse.hpp"

namespace sallyport {
namespace {

constexpr std::string_view request_head =
    "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.example\r\n"
    "Authorization: Bearer sp-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjK\r\n"
    "Content-Type: application/json\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\n"
    "User-Agent: OpenAI/Python 1.40.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Runtime: CPython\r\n"
    "Connection: keep-alive\r\nContent-Length: 1000\r\n\r\n";

void parse_head(benchmark::State& state) {
  http::RequestHead head;
  for (auto _ : state) benchmark::DoNotOptimize(http::parse_request_head(request_head, {}, head));
}
BENCHMARK(parse_head);

// Bytes a call: what one read brings, from one event to many.
void split_events(benchmark::State& state) {
  bench::EventText event(250);
  std::string stream;
  for (int i = 0; i < state.range(0); ++i) stream.append(event.stamped(i));
  http::SseSplitter splitter;
  for (auto _ : state) {
    std::string_view rest = stream;
    while (!rest.empty()) rest.remove_prefix(std::min(splitter.find_event_end(rest), rest.size()));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(split_events)->Arg(1)->Arg(64);

}  // namespace
}  // namespace sallyport
