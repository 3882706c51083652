// Bytes with several owners. A ByteBlock fills them once; SharedBytes share them and only read. They are wiped when the
// last owner is destroyed. Owners may live on different threads; only the ByteBlock's thread fills.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace sallyport::core {

class ByteBlock;

// A reading owner. Empty unless it comes from a ByteBlock.
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

// The filling owner. Its capacity is fixed. Bytes that were shared do not change any more; new ones go behind them.
class ByteBlock {
 public:
  explicit ByteBlock(std::size_t capacity) : memory_(std::make_shared<Memory>(capacity)) {}

  ConstBytes bytes() const noexcept { return {memory_->bytes.get(), memory_->size}; }
  std::size_t size() const noexcept { return memory_->size; }
  bool is_full() const noexcept { return memory_->size == memory_->capacity; }
  SharedBytes share() const { return SharedBytes(memory_, bytes()); }

  // The free space behind the content. The caller fills some of it, then calls grow() with the number of bytes.
  MutableBytes room() noexcept { return MutableBytes(memory_->bytes.get(), memory_->capacity).subspan(memory_->size); }
  void grow(std::size_t size) noexcept { memory_->size += std::min(size, room().size()); }
  // Copies as many bytes as there is room for and returns their number.
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

    const std::unique_ptr<std::byte[]> bytes;  // uninitialised until filled
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
