// ByteStream over a plain socket: only for addresses the configuration names as plain.
#pragma once

#include <memory>

#include "core/byte_stream.hpp"
#include "tls/transport.hpp"

namespace sallyport::tls {

class TcpStream final : public core::ByteStream {
 public:
  TcpStream(Socket socket, Loop& loop) : transport_(std::move(socket), loop) {}

  core::Task<core::Result<void>> wait_readable() override { return transport_.fill(); }
  core::Task<core::Result<std::size_t>> read_some(core::MutableBytes into) override;
  using core::ByteStream::write_all;
  core::Task<core::Result<void>> write_all(std::span<const core::ConstBytes> pieces) override;
  void set_deadline(core::TimePoint deadline) noexcept override { transport_.set_deadline(deadline); }
  void watch(std::function<void()> left) override;
  bool has_unread() const noexcept override { return transport_.has_unread(); }
  std::uint64_t bytes_sent() const noexcept override { return transport_.bytes_sent(); }
  void cancel() noexcept override { transport_.cancel(); }
  void close() noexcept override { transport_.shut_down(); }
  void abort() noexcept override { transport_.reset(); }

 private:
  void check_for_end();

  Transport transport_;
  std::function<void()> on_peer_left_;
};

}  // namespace sallyport::tls
