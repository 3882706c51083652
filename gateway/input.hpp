// Input: what has been received from a stream and not been used yet, in a block that is borrowed only while it is, and
// wiped when it is given back: it held prompts, answers and credentials.
#pragma once

#include <string_view>

#include "core/byte_stream.hpp"
#include "gateway/buffer_pool.hpp"

namespace sallyport::gateway {

class Input {
 public:
  Input(core::ByteStream& stream, BufferPool& pool) : stream_(stream), pool_(pool) {}
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() { release(); }

  core::ConstBytes bytes() const noexcept { return {data() + begin_, end_ - begin_}; }
  core::MutableBytes mutable_bytes() noexcept { return {data() + begin_, end_ - begin_}; }
  std::string_view text() const noexcept { return core::text_of(bytes()); }
  bool empty() const noexcept { return begin_ == end_; }

  // Marks bytes as used. Views into them stay good until the next more() or release().
  void consume(std::size_t size) noexcept { begin_ += size; }

  // Receives more behind what is there; gives how many, 0 at the peer's clean end. Bytes may move: views end here.
  // Grows up to `limit` unused bytes; at the limit the error is head_too_large.
  core::Task<core::Result<std::size_t>> more(std::size_t limit = BufferPool::block_size);

  // Wipes the block and gives it back. Only when empty; views end here.
  void release() noexcept;
  // Waits for the peer while holding no block. Only when empty.
  core::Task<core::Result<void>> wait();

 private:
  std::byte* data() const noexcept { return large_.empty() ? block_.get() : large_.data(); }
  bool make_room(std::size_t limit);
  void wipe() noexcept;

  core::ByteStream& stream_;
  BufferPool& pool_;
  BufferPool::Block block_;
  mutable core::Bytes large_;  // for a head that outgrew one block
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t filled_ = 0;  // the furthest that end_ has been in this block
};

}  // namespace sallyport::gateway
