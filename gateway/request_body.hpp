// RequestBody: one request's body, held until its model is known. The first part stays in memory, in blocks that the
// log may share; the rest goes to a temporary file without a name, encrypted under a key that lives and dies with this
// object, so nothing plain touches a disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/shared_bytes.hpp"

namespace sallyport::gateway {

// Bytes that all bodies of the process may use together. Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t limit) : limit_(limit) {}
  bool take(std::uint64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_{0};
};

struct BodyBudgets {
  ByteBudget& memory;
  ByteBudget& disk;
};

struct BodyLimits {
  std::uint64_t bytes = 0;         // the whole body
  std::uint64_t memory_bytes = 0;  // of it, in memory
};

class RequestBody {
 public:
  // The budgets and the directory must outlive it.
  RequestBody(BodyLimits limits, BodyBudgets budgets, const std::filesystem::path& spool_directory);
  ~RequestBody();
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  // How large it will be. Not needed; with it no more memory is taken than that.
  void expect(std::uint64_t size) noexcept { expected_ = size; }

  // Errors: body_too_large, overloaded (one of the process's budgets, or no room to spool).
  core::Result<void> append(core::ConstBytes piece);

  // Where the next bytes of a body of expected size may be received instead: what is received there, grow() appends.
  // Empty when the rest is for append(). The view ends with the next call. Errors: overloaded.
  core::Result<core::MutableBytes> room();
  void grow(std::size_t size) noexcept;

  std::uint64_t size() const noexcept { return size_; }

  // The body's part at `offset`, which is 0 or where a part ends: at most block_size bytes, empty at the end. The view
  // ends with the next call, or before in_memory() with release(). Errors: internal (the spool cannot be read back).
  core::Result<core::ConstBytes> part(std::uint64_t offset);
  std::uint64_t in_memory() const noexcept {
    return blocks_.empty() ? 0 : blocks_.back().begin + blocks_.back().bytes.size();
  }
  // The same for an owner that outlives it.
  core::Result<core::SharedBytes> share(std::uint64_t offset);
  static constexpr std::size_t block_size = 64 * 1024;

  // Gives back all it holds: nobody reads it any more. size() stays.
  void release() noexcept;

 private:
  class Spool;
  struct Block {
    std::uint64_t begin;  // its first byte's place in the body
    core::ByteBlock bytes;
  };
  core::Result<bool> make_room(std::uint64_t coming);
  core::Result<void> spool(core::ConstBytes piece);
  const core::ByteBlock& block_at(std::uint64_t offset) const noexcept;

  BodyLimits limits_;
  BodyBudgets budgets_;
  const std::filesystem::path& spool_directory_;
  std::vector<Block> blocks_;
  std::unique_ptr<Spool> spool_;
  std::uint64_t size_ = 0, expected_ = 0;
  std::uint64_t charged_ = 0;  // of the memory budget
};

}  // namespace sallyport::gateway
