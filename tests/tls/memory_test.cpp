// Where memory ends.
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "tests/support/catch.hpp"
#include "tls/transport.hpp"

using namespace sallyport;

namespace {

std::size_t largest_allocation = SIZE_MAX;

// As long as it lives nothing larger can be had.
struct NoMoreThan {
  explicit NoMoreThan(std::size_t size) { largest_allocation = size; }
  ~NoMoreThan() { largest_allocation = SIZE_MAX; }
};

template <class Work>
bool runs_out_of_memory(std::size_t largest, Work work) try {
  const NoMoreThan limit(largest);
  work();
  return false;
} catch (const std::bad_alloc&) {
  return true;
}

struct Bystander final : tls::ReadySet::Watcher {
  void ready(std::uint32_t) override { ++times; }
  int times = 0;
};

}  // namespace

void* operator new(std::size_t size) {
  void* const place = size > largest_allocation ? nullptr : std::malloc(size);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }

TEST_CASE("who cannot keep what a slow peer does not take says so, and leaves nothing to the next") {
  boost::asio::io_context io{1};
  core::TimerWheel wheel{core::TimePoint{}};
  tls::Loop loop{io, wheel};
  int both[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) == 0);
  const core::Descriptor peer(both[1]);
  tls::Transport transport(tls::Socket(both[0]), loop);
  loop.outbox.resize(16 << 20);
  CHECK(runs_out_of_memory(1 << 20, [&] { transport.send_outbox(); }));
  CHECK(transport.bytes_sent() > 0);
  CHECK(loop.outbox.empty());
}

TEST_CASE("to be told later needs no memory") {
  tls::ReadySet set;
  std::vector<Bystander> many(1000);
  CHECK_FALSE(runs_out_of_memory(0, [&] {
    for (auto& each : many) set.tell_later(each);
  }));
  set.wait(core::Duration::zero());
  CHECK(std::ranges::all_of(many, [](const Bystander& each) { return each.times == 1; }));
}
