// Blocks of memory that a worker's connections borrow while there are bytes in them. One worker's own.
#pragma once

#include <memory>
#include <vector>

#include "core/bytes.hpp"

namespace sallyport::gateway {

class BufferPool {
 public:
  static constexpr std::size_t block_size = 16 * 1024;
  static constexpr std::size_t kept_blocks = 256;

  using Block = std::unique_ptr<std::byte[]>;

  Block borrow() {
    if (free_.empty()) return std::make_unique_for_overwrite<std::byte[]>(block_size);
    Block block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  void give_back(Block block) {
    if (block && free_.size() < kept_blocks) free_.push_back(std::move(block));
  }

 private:
  std::vector<Block> free_;
};

}  // namespace sallyport::gateway
