// ByteStream: the interface to one connected peer, TLS or plain. The other rooms see bytes, never a socket.
//
// At most one read and one write run at a time; they may belong to different coroutines of the same worker. All calls
// come from the worker's thread.
// A stream has one deadline. Moving it is cheap: no timer of the operating system is touched. Once it has passed, every
// operation that would have to wait ends with Reason::timeout, until the deadline is moved again. Bytes that have
// arrived by then can still be read.
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

  // Waits until bytes have arrived or the peer has ended the stream. Only a part of a TLS record may be there, so
  // read_some may still have to wait. It needs no buffer, so that an idle connection holds none. Errors: timeout,
  // cancelled; a failure of the stream is reported by the next read_some.
  virtual Task<Result<void>> wait_readable() = 0;

  // Waits for at least one byte and gives what is there, up to into.size(); 0 is the peer's clean end. `into` must
  // live until completion. Errors: truncated, timeout, cancelled, io_failed, tls_failed;
  // upstream_rejected_certificate, because in TLS 1.3 a server refuses a client certificate after the handshake;
  // internal, after an allocation failed within the stream.
  virtual Task<Result<std::size_t>> read_some(MutableBytes into) = 0;

  // Sends all pieces in order, packed into as few TLS records as possible. Completes when the kernel has taken the last
  // byte; the pieces must live until then. Errors: timeout, cancelled, io_failed, tls_failed. After an error some of
  // the bytes may have been sent.
  virtual Task<Result<void>> write_all(std::span<const ConstBytes> pieces) = 0;

  virtual void set_deadline(TimePoint deadline) noexcept = 0;

  // Calls `left` once, from the event loop, when the peer ends the stream or the connection fails. For times when
  // nobody reads: bytes that arrive stay for the next read. Behind such bytes the end of the connection is noticed, but
  // a close_notify alone is not. `left` may destroy the stream. Neither the deadline nor cancel() ends the watch; an
  // empty function does.
  virtual void watch(std::function<void()> left) = 0;

  // True when bytes, an end or a failure have arrived that nobody has read. A pooled connection in this state must not
  // be used again.
  virtual bool has_unread() const noexcept = 0;

  // Bytes that the kernel has taken from this stream so far, handshake included. If a failed write_all did not change
  // this number, none of its bytes left this machine.
  virtual std::uint64_t bytes_sent() const noexcept = 0;

  // Ends every pending and every later operation with Reason::cancelled. A read may still give bytes that the stream
  // had already taken from the kernel.
  virtual void cancel() noexcept = 0;

  // Sends close_notify and FIN, best effort, without waiting. The destructor closes the socket without a close_notify.
  virtual void close() noexcept = 0;

  // Closes with RST, so that the peer sees a failure and never a clean end: a truncated answer must look truncated.
  virtual void abort() noexcept = 0;

  Task<Result<void>> write_all(ConstBytes piece) {
    const ConstBytes pieces[] = {piece};
    co_return co_await write_all(std::span<const ConstBytes>(pieces));
  }
};

}  // namespace sallyport::core
