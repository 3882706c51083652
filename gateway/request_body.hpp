// RequestBody: one request's body, held until its model is known. The first part stays in memory; the rest goes to a
// temporary file without a name, encrypted under a key that lives and dies with this object, so nothing plain touches
// a disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "core/bytes.hpp"
#include "core/result.hpp"

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

  // Errors: body_too_large, overloaded (one of the process's budgets, or no room to spool).
  core::Result<void> append(core::ConstBytes piece);
  std::uint64_t size() const noexcept { return size_; }

  // The body's part at `offset`: as much as is at hand, empty at the end. The view ends with the next call.
  // Errors: internal (the spool cannot be read back).
  core::Result<core::ConstBytes> part(std::uint64_t offset);

  // Gives back all it holds: nobody reads it any more. size() stays.
  void release() noexcept;

 private:
  class Spool;
  core::Result<void> charge(std::uint64_t bytes);
  core::Result<void> spool(core::ConstBytes piece);

  BodyLimits limits_;
  BodyBudgets budgets_;
  const std::filesystem::path& spool_directory_;
  core::Bytes memory_;
  std::unique_ptr<Spool> spool_;
  std::uint64_t size_ = 0;
  std::uint64_t charged_ = 0;  // of the memory budget
};

}  // namespace sallyport::gateway
