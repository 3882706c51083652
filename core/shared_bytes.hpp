// Content that several own: filled once, in a ByteBlock, then shared and only read. Wiped when the last owner lets go.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace sallyport::core {

class ByteBlock;

// An owner that reads. Empty unless it comes from a ByteBlock.
class SharedBytes {
 public:
  SharedBytes() = default;
  static SharedBytes copy_of(ConstBytes bytes);

  ConstBytes bytes() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  friend class ByteBlock;
  SharedBytes(std::shared_ptr<const void> owner, ConstBytes bytes) : owner_(std::move(owner)), bytes_(bytes) {}

  std::shared_ptr<const void> owner_;
  ConstBytes bytes_;
};

// The owner that fills it, within its capacity. What it has shared does not change any more.
class ByteBlock {
 public:
  explicit ByteBlock(std::size_t capacity) : memory_(std::make_shared<Memory>(capacity)) {}

  ConstBytes bytes() const noexcept { return {memory_->bytes.get(), memory_->size}; }
  std::size_t size() const noexcept { return memory_->size; }
  bool is_full() const noexcept { return memory_->size == memory_->capacity; }
  SharedBytes share() const { return SharedBytes(memory_, bytes()); }

  // What may still be filled, behind what is there; grow() says how much of it has been.
  MutableBytes room() noexcept { return MutableBytes(memory_->bytes.get(), memory_->capacity).subspan(memory_->size); }
  void grow(std::size_t size) noexcept { memory_->size += std::min(size, room().size()); }
  // Gives how much of it there was room for.
  std::size_t append(ConstBytes bytes) noexcept {
    const std::size_t size = std::min(bytes.size(), room().size());
    std::copy_n(bytes.begin(), size, room().begin());
    grow(size);
    return size;
  }

 private:
  struct Memory {
    explicit Memory(std::size_t given) : bytes(std::make_unique_for_overwrite<std::byte[]>(given)), capacity(given) {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { wipe({bytes.get(), size}); }

    const std::unique_ptr<std::byte[]> bytes;  // not touched before it is filled
    const std::size_t capacity;
    std::size_t size = 0;
  };

  std::shared_ptr<Memory> memory_;
};

inline SharedBytes SharedBytes::copy_of(ConstBytes bytes) {
  ByteBlock copy(bytes.size());
  copy.append(bytes);
  return copy.share();
}

}  // namespace sallyport::core
