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

}  // namespace

TEST_CASE("the operator is told once that an endpoint fails and why, and once that it works again") {
  Watched operators;
  operators.watch.dialled(upstream, first, Reason::none);
  for (int i = 0; i < 3; ++i) operators.watch.dialled(upstream, first, refused);
  operators.watch.dialled(upstream, second, Reason::none);
  operators.watch.dialled(upstream, first, Reason::cancelled);
  for (int i = 0; i < 3; ++i) operators.watch.dialled(upstream, first, Reason::none);
  CHECK(operators.told ==
        std::vector<std::string>{first_fails, "info upstream_works upstream=gpu endpoint=https://10.0.0.5:8000"});
}

TEST_CASE("the operator is told when an endpoint fails for another reason") {
  Watched operators;
  operators.watch.dialled(upstream, first, refused);
  operators.watch.dialled(upstream, first, Reason::upstream_certificate_expired);
  CHECK(operators.told == std::vector<std::string>{first_fails,
                                                   "error upstream_fails upstream=gpu endpoint=https://10.0.0.5:8000 "
                                                   "reason=upstream_certificate_expired"});
}

TEST_CASE("what still fails after a reload is told again") {
  Watched operators;
  operators.watch.dialled(upstream, first, refused);
  operators.watch.forget();
  operators.watch.dialled(upstream, first, refused);
  CHECK(operators.told == std::vector<std::string>{first_fails, first_fails});
}
