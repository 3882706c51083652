#include "gateway/input.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/secret.hpp"

namespace sallyport::gateway {

using core::Reason;
using core::Result;
using core::Task;

bool Input::make_room(std::size_t limit) {
  if (!block_ && large_.empty()) {
    block_ = pool_.borrow();
    capacity_ = BufferPool::block_size;
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ < capacity_) return true;
  if (begin_ > 0) {
    std::memmove(data(), data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  if (capacity_ >= limit) return false;
  const std::size_t larger = std::min(2 * capacity_, limit);
  core::Bytes grown(larger);
  std::memcpy(grown.data(), data(), end_);
  wipe();
  large_ = std::move(grown);
  capacity_ = larger;
  pool_.give_back(std::move(block_));
  return true;
}

Task<Result<std::size_t>> Input::more(std::size_t limit) {
  if (!make_room(limit)) co_return core::Error(Reason::head_too_large);
  auto got = co_await stream_.read_some({data() + end_, capacity_ - end_});
  if (got) end_ += *got;
  filled_ = std::max(filled_, end_);
  co_return got;
}

void Input::wipe() noexcept { core::wipe({data(), std::exchange(filled_, 0)}); }

void Input::release() noexcept {
  wipe();
  begin_ = end_ = capacity_ = 0;
  large_ = {};
  pool_.give_back(std::move(block_));
}

Task<Result<void>> Input::wait() {
  release();
  return stream_.wait_readable();
}

}  // namespace sallyport::gateway
