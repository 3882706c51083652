// The main of every test program. A run that found no test has failed, and so has a test that asserted nothing: Catch2
// 2.13 ends with 0 in both cases.
#define CATCH_CONFIG_RUNNER  // for 2.13
#include "tests/support/catch.hpp"

#include <iostream>

namespace {

#if CATCH_VERSION_MAJOR >= 3
using Listener = Catch::EventListenerBase;
#else
using Listener = Catch::TestEventListenerBase;
#endif

bool proves_nothing = false;

void complain(const std::string& words) {
  std::cerr << "FAILED: " << words << '\n';
  proves_nothing = true;
}

struct Proof final : Listener {
  using Listener::Listener;
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    Listener::testCaseEnded(stats);
    if (stats.totals.assertions.total() == 0) {
      complain("\"" + Catch::getResultCapture().getCurrentTestName() + "\" asserted nothing");
    }
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    Listener::testRunEnded(stats);
    if (stats.totals.testCases.total() == 0) complain("no test was found");
  }
};

}  // namespace

CATCH_REGISTER_LISTENER(Proof)

int main(int argc, char** argv) {
  const int result = Catch::Session().run(argc, argv);
  return result == 0 && proves_nothing ? 1 : result;
}
