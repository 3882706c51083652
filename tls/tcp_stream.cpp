#include "tls/tcp_stream.hpp"

#include <utility>

namespace sallyport::tls {

using core::Result;
using core::Task;

Task<Result<std::size_t>> TcpStream::read_some(core::MutableBytes into) {
  for (;;) {
    if (const std::size_t size = transport_.take(into)) co_return size;
    if (transport_.ended()) {
      if (auto ending = transport_.ending(); !ending) co_return ending.error();
      co_return std::size_t{0};
    }
    if (auto filled = co_await transport_.fill(); !filled) co_return filled.error();
  }
}

Task<Result<void>> TcpStream::write_all(std::span<const core::ConstBytes> pieces) {
  core::Bytes& outbox = transport_.loop().outbox;
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  outbox.reserve(size);  // or throw now: another stream would send what half a copy left in the outbox
  for (const auto piece : pieces) outbox.insert(outbox.end(), piece.begin(), piece.end());
  if (auto sent = transport_.send_outbox(); !sent) co_return sent.error();
  if (!transport_.has_unsent()) co_return Result<void>();
  co_return co_await transport_.flush();
}

void TcpStream::watch(std::function<void()> left) {
  on_peer_left_ = std::move(left);
  if (!on_peer_left_) return transport_.watch({});
  transport_.watch([this] { check_for_end(); });
}

void TcpStream::check_for_end() {
  if (!transport_.peer_closed()) return;  // bytes came; they stay for the next read
  if (auto tell = std::exchange(on_peer_left_, {})) tell();
}

}  // namespace sallyport::tls
