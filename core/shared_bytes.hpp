// Content with several owners, wiped when the last one lets go. Its first owner fills it; from when another has it,
// nobody writes.
#pragma once

#include <algorithm>
#include <memory>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace sallyport::core {

class SharedBytes {
 public:
  SharedBytes() = default;

  // Empty, with memory for `capacity` bytes that is not touched before it is used.
  static SharedBytes with_room(std::size_t capacity) { return SharedBytes(std::make_shared<Block>(capacity)); }
  static SharedBytes copy_of(ConstBytes bytes) {
    SharedBytes copy = with_room(bytes.size());
    copy.append(bytes);
    return copy;
  }

  ConstBytes bytes() const noexcept { return block_ ? ConstBytes(block_->bytes.get(), block_->size) : ConstBytes(); }
  std::size_t size() const noexcept { return block_ ? block_->size : 0; }
  bool empty() const noexcept { return size() == 0; }

  // What may still be filled, behind what is there; grow() says how much of it has been.
  MutableBytes room() noexcept {
    return block_ ? MutableBytes(block_->bytes.get(), block_->capacity).subspan(block_->size) : MutableBytes();
  }
  void grow(std::size_t size) noexcept { block_->size += size; }
  void append(ConstBytes bytes) noexcept {  // at most what there is room for
    std::copy(bytes.begin(), bytes.end(), room().begin());
    grow(bytes.size());
  }

 private:
  struct Block {
    explicit Block(std::size_t given) : bytes(std::make_unique_for_overwrite<std::byte[]>(given)), capacity(given) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { wipe({bytes.get(), size}); }

    const std::unique_ptr<std::byte[]> bytes;
    const std::size_t capacity;
    std::size_t size = 0;
  };
  explicit SharedBytes(std::shared_ptr<Block> block) : block_(std::move(block)) {}

  std::shared_ptr<Block> block_;
};

}  // namespace sallyport::core
