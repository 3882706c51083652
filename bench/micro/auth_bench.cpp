#include <benchmark/benchmark.h>

#include "auth/authenticator.hpp"
#include "auth/limiter.hpp"

namespace sallyport {
namespace {

struct Caller {
  std::string field = "Bearer ";
  std::vector<auth::Token> tokens = std::vector<auth::Token>(1);

  Caller() {
    const core::Secret text = auth::make_token_text();
    field += text.reveal_text();
    auth::Token& token = tokens.front();
    token.grant = {.id = auth::make_token_id(),
                   .name = "team-a",
                   .models = {"*"},
                   .routes = {},
                   .allowance = {.requests_per_minute = auth::max_per_minute,
                                 .tokens_per_minute = auth::max_per_minute,
                                 .concurrent_requests = 100}};
    token.hash = auth::hash_token(text.reveal_text());
  }
  auth::Credentials shown() const { return {.authorization = {field}, .api_key = {}, .peer = nullptr}; }
};

void identify(benchmark::State& state) {
  const Caller caller;
  const auth::Authenticator authenticator(caller.tokens, {});
  const auth::Credentials shown = caller.shown();
  for (auto _ : state) benchmark::DoNotOptimize(authenticator.identify(shown, core::WallTime()));
}
BENCHMARK(identify);

void admit_and_settle(benchmark::State& state) {
  const Caller caller;
  const auth::Authenticator authenticator(caller.tokens, {});
  const auth::Principal principal = authenticator.identify(caller.shown(), core::WallTime()).value();
  auth::Limiter limiter;
  auth::Standings standings;
  core::TimePoint now{std::chrono::hours(1)};
  for (auto _ : state) {
    now += std::chrono::microseconds(20);
    auto admission = limiter.admit(principal, 500, now, standings);
    if (!admission) return state.SkipWithError("refused");
    admission->settle(450);
  }
}
BENCHMARK(admit_and_settle);

}  // namespace
}  // namespace sallyport
