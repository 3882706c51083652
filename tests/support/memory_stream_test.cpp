#include "tests/support/memory_stream.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

using namespace sallyport;
using core::Reason;
using tests::memory_pair;
using tests::run;

namespace {

// All that comes until the end, or the error.
core::Task<core::Result<std::string>> read_all(core::ByteStream& stream) {
  std::string text;
  std::array<std::byte, 4> buffer;
  for (;;) {
    const auto size = co_await stream.read_some(buffer);
    if (!size) co_return size.error();
    if (*size == 0) co_return text;
    text += core::text_of(core::ConstBytes(buffer).first(*size));
  }
}

template <class T>
Reason refusal(const core::Result<T>& result) {
  return result ? Reason::none : result.error().reason;
}

}  // namespace

TEST_CASE("A memory stream gives what its peer sent, then the end, at any pace") {
  for (const std::size_t at_most : {1u, 3u, 100u}) {
    boost::asio::io_context context;
    auto [stream, peer] = memory_pair(context.get_executor());
    peer.read_at_most(at_most);
    if (at_most == 3) peer.be_slow();
    peer.send("hello ");
    peer.send_byte_by_byte("world");
    CHECK(stream->has_unread());
    peer.end();
    CHECK(run(context, read_all(*stream)).value() == "hello world");
  }
}

TEST_CASE("A memory stream fails when and how its test says") {
  boost::asio::io_context context;
  auto [stream, peer] = memory_pair(context.get_executor());
  peer.send("abcdefgh");
  peer.fail_read(2, Reason::truncated);
  CHECK(refusal(run(context, read_all(*stream))) == Reason::truncated);
  peer.fail_write(2, Reason::io_failed, 2);
  CHECK(refusal(run(context, stream->write_all(core::bytes_of("x")))) == Reason::none);
  CHECK(refusal(run(context, stream->write_all(core::bytes_of("yzz")))) == Reason::io_failed);
  CHECK(peer.received() == "xyz");
  CHECK(stream->bytes_sent() == 3);
  peer.fail(Reason::tls_failed);
  CHECK(refusal(run(context, read_all(*stream))) == Reason::tls_failed);
}

TEST_CASE("A waiting read is woken by bytes, by time, by cancellation and by its coroutine's cancellation") {
  using namespace boost::asio::experimental::awaitable_operators;
  boost::asio::io_context context;
  auto [stream, peer] = memory_pair(context.get_executor());
  std::array<std::byte, 8> buffer;
  const auto after = [&](auto what) {
    boost::asio::post(context, [&context, what] { boost::asio::post(context, what); });
  };

  after([&] { peer.send("abc"); });
  CHECK(run(context, stream->read_some(buffer)).value() == 3);

  stream->set_deadline(core::TimePoint(std::chrono::seconds(5)));
  after([&] { peer.time_is(core::TimePoint(std::chrono::seconds(5))); });
  CHECK(refusal(run(context, stream->read_some(buffer))) == Reason::timeout);
  stream->set_deadline(core::TimePoint::max());

  const auto cut_short = [&]() -> core::Task<core::Result<std::size_t>> {
    boost::asio::steady_timer soon(context.get_executor(), std::chrono::milliseconds(1));
    const auto both = co_await (stream->read_some(buffer) || soon.async_wait(core::use_task));
    co_return both.index() == 1 ? core::Error(Reason::timeout) : core::Error(Reason::internal);
  };
  CHECK(refusal(run(context, cut_short())) == Reason::timeout);

  after([&] { stream->cancel(); });
  CHECK(refusal(run(context, stream->read_some(buffer))) == Reason::cancelled);
}

TEST_CASE("A stalled write waits until the peer takes it") {
  boost::asio::io_context context;
  auto [stream, peer] = memory_pair(context.get_executor());
  peer.stall_writes(true);
  auto& end = peer;
  boost::asio::post(context, [&] {
    CHECK(end.received().empty());
    end.stall_writes(false);
  });
  CHECK(refusal(run(context, stream->write_all(core::bytes_of("x")))) == Reason::none);
  CHECK(peer.received() == "x");
}

TEST_CASE("A watch is called once, from the event loop, and may destroy its stream") {
  boost::asio::io_context context;
  auto pair = memory_pair(context.get_executor());
  int calls = 0;
  pair.stream->watch([&] {
    ++calls;
    pair.stream.reset();
  });
  pair.peer.send("x");
  context.poll();
  CHECK(calls == 0);
  pair.peer.end();
  CHECK(calls == 0);
  context.restart();
  context.poll();
  CHECK(calls == 1);
  CHECK(pair.peer.destroyed());
}
