// A ByteStream without a socket. The test holds the other end (MemoryPeer): it sends, ends, fails, stalls, moves time,
// and can be cruel. Both ends on one io_context, which must outlive them.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/byte_stream.hpp"

namespace sallyport::tests {

// What the two ends share.
struct MemoryWire {
  explicit MemoryWire(core::Executor on) : executor(on), read_wakes(on), write_wakes(on) {}

  core::Executor executor;
  std::deque<std::string> arrivals;                 // sent by the peer, not yet read
  std::optional<core::Error> ending;                // after the arrivals; Reason::none is the clean end
  std::string written;                              // what the stream's owner wrote
  std::size_t read_at_most = SIZE_MAX;              // bytes a read gives
  std::size_t reads = 0, writes = 0;                // calls so far
  std::size_t failing_read = 0, failing_write = 0;  // the call that fails, counted from 1; 0: none
  std::size_t written_before_failing = 0;           // bytes of the failing write that still go out
  std::uint64_t sent = 0;                           // bytes written in all
  core::Error failure = core::Reason::io_failed;
  bool slow = false;     // every call waits a turn of the event loop
  bool stalled = false;  // writes wait
  bool cancelled = false, closed = false, aborted = false, destroyed = false;
  core::TimePoint now{}, deadline = core::TimePoint::max();
  std::function<void()> left;
  boost::asio::steady_timer read_wakes, write_wakes;  // never expire: cancelled when something has changed

  bool at_end() const { return arrivals.empty() && ending.has_value(); }
  void take(std::string_view bytes) {
    written += bytes;
    sent += bytes.size();
  }
  void changed() {
    read_wakes.cancel();
    write_wakes.cancel();
  }
};

class MemoryPeer {
 public:
  explicit MemoryPeer(std::shared_ptr<MemoryWire> wire) : wire_(std::move(wire)) {}

  // One arrival: a read gives bytes of one arrival only.
  void send(std::string_view bytes) {
    wire_->arrivals.emplace_back(bytes);
    wire_->changed();
  }
  void send_byte_by_byte(std::string_view bytes) {
    for (const char& byte : bytes) send({&byte, 1});
  }
  void end() { fail(core::Reason::none); }  // cleanly, after what was sent
  void fail(core::Error error) {
    wire_->ending = error;
    wire_->changed();
    boost::asio::post(wire_->executor, [wire = wire_] {
      if (const auto left = std::exchange(wire->left, {})) left();
    });
  }
  std::string received() const { return wire_->written; }
  std::string take_received() { return std::exchange(wire_->written, {}); }

  void read_at_most(std::size_t bytes) { wire_->read_at_most = bytes; }
  void fail_read(std::size_t nth, core::Error error = core::Reason::io_failed) {
    wire_->failing_read = nth;
    wire_->failure = error;
  }
  void fail_write(std::size_t nth, core::Error error = core::Reason::io_failed, std::size_t after_bytes = 0) {
    wire_->failing_write = nth;
    wire_->failure = error;
    wire_->written_before_failing = after_bytes;
  }
  void be_slow() { wire_->slow = true; }
  void stall_writes(bool stalled) {
    wire_->stalled = stalled;
    wire_->changed();
  }
  void time_is(core::TimePoint now) {
    wire_->now = now;
    wire_->changed();
  }

  std::size_t unread() const {
    std::size_t size = 0;
    for (const auto& arrival : wire_->arrivals) size += arrival.size();
    return size;
  }
  std::size_t reads() const { return wire_->reads; }
  std::size_t writes() const { return wire_->writes; }
  bool watched() const { return static_cast<bool>(wire_->left); }
  bool closed() const { return wire_->closed; }  // with a goodbye
  bool aborted() const { return wire_->aborted; }
  bool destroyed() const { return wire_->destroyed; }  // the connection is gone, with a goodbye or without
  core::TimePoint deadline() const { return wire_->deadline; }

 private:
  std::shared_ptr<MemoryWire> wire_;
};

class MemoryStream final : public core::ByteStream {
 public:
  explicit MemoryStream(std::shared_ptr<MemoryWire> wire) : wire_(std::move(wire)) {}
  ~MemoryStream() override {
    wire_->destroyed = true;
    wire_->left = {};
  }

  core::Task<core::Result<void>> wait_readable() override {
    co_return co_await until(wire_->read_wakes, [this] { return !wire_->arrivals.empty() || wire_->ending; });
  }

  core::Task<core::Result<std::size_t>> read_some(core::MutableBytes into) override {
    const auto wire = wire_;
    if (++wire->reads == wire->failing_read) co_return wire->failure;
    const auto readable = co_await wait_readable();
    if (!readable) co_return readable.error();
    if (wire->at_end()) {
      if (wire->ending->reason == core::Reason::none) co_return 0;
      co_return *wire->ending;
    }
    std::string& arrival = wire->arrivals.front();
    const std::size_t size = std::min({into.size(), arrival.size(), wire->read_at_most});
    std::memcpy(into.data(), arrival.data(), size);
    arrival.erase(0, size);
    if (arrival.empty()) wire->arrivals.pop_front();
    co_return size;
  }

  using ByteStream::write_all;
  core::Task<core::Result<void>> write_all(std::span<const core::ConstBytes> pieces) override {
    const auto wire = wire_;
    if (++wire->writes == wire->failing_write) {
      std::string text;
      for (const auto piece : pieces) text += core::text_of(piece);
      wire->take(text.substr(0, wire->written_before_failing));
      co_return wire->failure;
    }
    const auto writable = co_await until(wire->write_wakes, [this] { return !wire_->stalled; });
    if (!writable) co_return writable.error();
    if (wire->ending && wire->ending->reason != core::Reason::none) co_return *wire->ending;
    for (const auto piece : pieces) wire->take(core::text_of(piece));
    co_return core::Result<void>{};
  }

  void set_deadline(core::TimePoint deadline) noexcept override { wire_->deadline = deadline; }
  void watch(std::function<void()> left) override {
    wire_->left = std::move(left);
    if (!wire_->left || !wire_->ending) return;
    boost::asio::post(wire_->executor, [wire = wire_] {
      if (const auto call = std::exchange(wire->left, {})) call();
    });
  }
  bool has_unread() const noexcept override { return !wire_->arrivals.empty() || wire_->ending; }
  std::uint64_t bytes_sent() const noexcept override { return wire_->sent; }
  void cancel() noexcept override {
    wire_->cancelled = true;
    wire_->changed();
  }
  void close() noexcept override { wire_->closed = true; }
  void abort() noexcept override { wire_->aborted = true; }

 private:
  template <class Condition>
  core::Task<core::Result<void>> until(boost::asio::steady_timer& wakes, Condition holds) {
    const auto wire = wire_;
    if (wire->slow) co_await boost::asio::post(wire->executor, core::use_task);
    for (;;) {
      if (wire->cancelled) co_return core::Error(core::Reason::cancelled);
      if (wire->now >= wire->deadline) co_return core::Error(core::Reason::timeout);
      if (holds()) co_return core::Result<void>{};
      boost::system::error_code woken;
      wakes.expires_at(boost::asio::steady_timer::time_point::max());
      co_await wakes.async_wait(boost::asio::redirect_error(core::use_task, woken));
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none) co_return core::Error(core::Reason::cancelled);
    }
  }

  std::shared_ptr<MemoryWire> wire_;
};

// A new stream and its other end.
struct MemoryPair {
  std::unique_ptr<MemoryStream> stream;
  MemoryPeer peer;
};
inline MemoryPair memory_pair(core::Executor executor) {
  auto wire = std::make_shared<MemoryWire>(executor);
  return {std::make_unique<MemoryStream>(wire), MemoryPeer(wire)};
}

}  // namespace sallyport::tests
