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
  outbox.reserve(size);  // all or nothing: half of it must not wait there for whoever sends next
  for (const auto piece : pieces) outbox.insert(outbox.end(), piece.begin(), piece.end());
  if (auto sent = transport_.send_outbox(); !sent) co_return sent.error();
  if (!transport_.has_unsent()) co_return Result<void>();
  co_return co_await transport_.flush();
}

void TcpStream::watch(std::function<void()> left) {
  left_ = std::move(left);
  if (!left_) return transport_.watch({});
  transport_.watch([this] { look(); });
}

void TcpStream::look() {
  if (!transport_.peer_closed()) return;  // what has come is for later
  if (auto tell = std::exchange(left_, {})) tell();
}

}  // namespace sallyport::tls
