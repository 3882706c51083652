// ByteStream: the one interface to a peer, TLS or plain. The rest of the house sees bytes, never a socket.
//
// One reader and one writer at a time; they may be different coroutines of the same worker. All on the worker's thread.
// Deadline: one per stream, moved cheaply (no timer is touched). When it has passed nothing waits any more: what would
// have to ends with Reason::timeout, until the deadline is moved again. What has come by then can still be read.
#pragma once

#include <functional>
#include <span>

#include "core/bytes.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/task.hpp"

namespace sallyport::core {

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Completes when bytes have come, or the end. Of a record only a part may be there: read_some may still wait. Holds no
  // buffer of the caller's, so an idle connection costs none.
  virtual Task<Result<void>> wait_readable() = 0;

  // Waits for at least one byte and gives what is there, up to into.size(); 0 is the peer's clean end. `into` must
  // live until completion. Errors: truncated, timeout, cancelled, io_failed, tls_failed.
  virtual Task<Result<std::size_t>> read_some(MutableBytes into) = 0;

  // Sends all pieces in order, packed into as few TLS records as they fit. The pieces must live until completion,
  // which comes when the kernel has taken the last byte. Errors as for read_some.
  virtual Task<Result<void>> write_all(std::span<const ConstBytes> pieces) = 0;

  virtual void set_deadline(TimePoint deadline) noexcept = 0;

  // While nobody reads: calls `left` once, from the event loop, when the peer ends or fails. What it sent before stays
  // for the next read; behind that an end of the connection is seen, and a close_notify without one is not. An empty
  // function ends the watch.
  virtual void watch(std::function<void()> left) = 0;

  // True when bytes, an end or a failure have arrived that nobody has read: a pooled connection in this state is dead.
  virtual bool has_unread() const noexcept = 0;

  // Bytes the kernel has taken from this stream so far, handshake included. Unchanged across a failed write_all means
  // that nothing of it left this machine.
  virtual std::uint64_t bytes_sent() const noexcept = 0;

  // What is pending, and all that follows, ends with Reason::cancelled.
  virtual void cancel() noexcept = 0;

  // Says goodbye (close_notify, FIN), best effort, does not wait. The destructor closes without a word.
  virtual void close() noexcept = 0;

  // Closes so that the peer sees a failure (RST), never a clean end: an answer that was cut must look cut.
  virtual void abort() noexcept = 0;

  Task<Result<void>> write_all(ConstBytes piece) {
    const ConstBytes pieces[] = {piece};
    co_return co_await write_all(std::span<const ConstBytes>(pieces));
  }
};

}  // namespace sallyport::core
