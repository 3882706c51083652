#include "gateway/upstream_watch.hpp"

#include <cerrno>
#include <vector>

#include "tests/support/catch.hpp"

using namespace sallyport;
using core::Error;
using core::Reason;
using gateway::LogLevel;

namespace {

struct Watched {
  std::vector<std::string> told;
  gateway::UpstreamWatch watch{[this](LogLevel level, std::string_view event, gateway::OperatorLogger::Fields fields) {
    told.push_back((level == LogLevel::error ? "error " : "info ") +
                   gateway::format_event(gateway::LogFormat::text, event, fields));
  }};
};

constexpr auto interval = gateway::UpstreamWatch::failure_interval;
const core::TimePoint start{std::chrono::seconds(5)};  // sooner after the machine's than an interval

const routing::Upstream upstream = [] {
  routing::Upstream named;
  named.name = "gpu";
  return named;
}();
const routing::Endpoint first{"10.0.0.5", 8000, false}, second{"10.0.0.6", 8000, false};
const Error refused(Reason::upstream_unreachable, ECONNREFUSED);
const std::string first_fails =
    "error upstream_fails upstream=gpu endpoint=https://10.0.0.5:8000 reason=\"upstream_unreachable: Connection "
    "refused\"";
const std::string first_works = "info upstream_works upstream=gpu endpoint=https://10.0.0.5:8000";

}  // namespace

TEST_CASE("the operator is told once that an endpoint fails and why, and once that it works again") {
  Watched operators;
  operators.watch.dialled(upstream, first, Reason::none, start);
  for (int i = 0; i < 3; ++i) operators.watch.dialled(upstream, first, refused, start);
  operators.watch.dialled(upstream, second, Reason::none, start);
  operators.watch.dialled(upstream, first, Reason::cancelled, start);
  for (int i = 0; i < 3; ++i) operators.watch.dialled(upstream, first, Reason::none, start);
  CHECK(operators.told == std::vector<std::string>{first_fails, first_works});
}

TEST_CASE("the operator is told when an endpoint fails for another reason") {
  Watched operators;
  operators.watch.dialled(upstream, first, refused, start);
  operators.watch.dialled(upstream, first, Reason::upstream_certificate_expired, start + interval);
  CHECK(operators.told == std::vector<std::string>{first_fails,
                                                   "error upstream_fails upstream=gpu endpoint=https://10.0.0.5:8000 "
                                                   "reason=upstream_certificate_expired"});
}

TEST_CASE("an endpoint that comes and goes is told of once an interval, and a failure that lasts after it") {
  Watched operators;
  const auto fails = [&](core::Duration after) { operators.watch.dialled(upstream, first, refused, start + after); };
  const auto works = [&](core::Duration after) {
    operators.watch.dialled(upstream, first, Reason::none, start + after);
  };
  for (auto second = core::Duration::zero(); second < interval; second += std::chrono::seconds(1)) {
    fails(second);
    works(second);
  }
  CHECK(operators.told == std::vector<std::string>{first_fails, first_works});
  operators.told.clear();
  fails(interval - std::chrono::milliseconds(1));
  CHECK(operators.told.empty());
  fails(interval);
  CHECK(operators.told == std::vector<std::string>{first_fails});
}

TEST_CASE("what still fails after a reload is told again") {
  Watched operators;
  operators.watch.dialled(upstream, first, refused, start);
  operators.watch.forget();
  operators.watch.dialled(upstream, first, refused, start);
  CHECK(operators.told == std::vector<std::string>{first_fails, first_fails});
}
