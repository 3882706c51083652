#include "gateway/request_body.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/crypto.hpp"
#include "core/secret.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::crypto::Aes256Gcm;

bool ByteBudget::take(std::uint64_t bytes) noexcept {
  const std::uint64_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= limit_) return true;
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// The part of a body that does not stay in memory: blocks of one size, each sealed on its own.
class RequestBody::Spool {
 public:
  static constexpr std::size_t block_size = 64 * 1024;
  static constexpr std::size_t sealed_size = block_size + Aes256Gcm::tag_size;
  static constexpr std::size_t memory_bytes = 2 * block_size + sealed_size;  // what it holds, however long the body

  Spool(const std::filesystem::path& directory, ByteBudget& disk)
      : file_(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)),
        disk_(disk),
        cipher_(new_key().reveal()),
        filling_(block_size),
        opened_(block_size),
        sealed_(sealed_size) {}
  ~Spool() {
    if (file_ >= 0) ::close(file_);
    disk_.give_back(blocks_ * sealed_size);
    core::wipe(filling_);
    core::wipe(opened_);
  }

  Result<void> append(core::ConstBytes piece) {
    while (!piece.empty()) {
      const std::size_t size = std::min(piece.size(), block_size - filled_);
      std::copy_n(piece.begin(), size, filling_.begin() + static_cast<std::ptrdiff_t>(filled_));
      filled_ += size;
      piece = piece.subspan(size);
      if (filled_ < block_size) break;
      if (auto written = write_block(); !written) return written;
    }
    return {};
  }

  // The last, shorter block stays in memory.
  Result<core::ConstBytes> part(std::uint64_t offset) {
    const std::uint64_t block = offset / block_size;
    const auto within = static_cast<std::size_t>(offset % block_size);
    if (block == blocks_) return core::ConstBytes(filling_).first(filled_).subspan(std::min(within, filled_));
    if (auto read = read_block(block); !read) return read.error();
    return core::ConstBytes(opened_).subspan(within);
  }

 private:
  static core::Secret new_key() {
    core::Secret key(Aes256Gcm::key_size);
    core::crypto::random(key.reveal_for_writing());
    return key;
  }

  // Safe: the key seals this spool only, each block's number once.
  static Aes256Gcm::Nonce nonce_of(std::uint64_t block) {
    Aes256Gcm::Nonce nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] = static_cast<std::byte>(block >> (8 * i));
    return nonce;
  }

  Result<void> write_block() {
    if (!disk_.take(sealed_size)) return Error(Reason::overloaded);
    cipher_.seal(nonce_of(blocks_), {}, filling_, sealed_);
    const auto at = static_cast<off_t>(blocks_ * sealed_size);
    if (file_ < 0 || ::pwrite(file_, sealed_.data(), sealed_.size(), at) != static_cast<ssize_t>(sealed_.size())) {
      disk_.give_back(sealed_size);
      return Error(Reason::overloaded, errno);
    }
    ++blocks_;
    filled_ = 0;
    return {};
  }

  Result<void> read_block(std::uint64_t block) {
    if (block == opened_block_) return {};
    const auto at = static_cast<off_t>(block * sealed_size);
    if (::pread(file_, sealed_.data(), sealed_.size(), at) != static_cast<ssize_t>(sealed_.size()) ||
        !cipher_.open(nonce_of(block), {}, sealed_, opened_)) {
      return Error(Reason::internal, errno);
    }
    opened_block_ = block;
    return {};
  }

  const int file_;
  ByteBudget& disk_;
  Aes256Gcm cipher_;
  core::Bytes filling_, opened_, sealed_;
  std::size_t filled_ = 0;
  std::uint64_t blocks_ = 0;  // on disk
  std::uint64_t opened_block_ = UINT64_MAX;
};

RequestBody::RequestBody(BodyLimits limits, BodyBudgets budgets, const std::filesystem::path& spool_directory)
    : limits_(limits), budgets_(budgets), spool_directory_(spool_directory) {}

RequestBody::~RequestBody() { release(); }

void RequestBody::release() noexcept {
  core::wipe(memory_);
  memory_ = {};
  spool_.reset();
  budgets_.memory.give_back(std::exchange(charged_, 0));
}

// Grows the charge by doubling, so that a long body asks a few times and a short one once.
Result<void> RequestBody::charge(std::uint64_t bytes) {
  if (bytes <= charged_) return {};
  const std::uint64_t wanted = std::max<std::uint64_t>({bytes, 2 * charged_, 4096});
  if (!budgets_.memory.take(wanted - charged_)) return Error(Reason::overloaded);
  charged_ = wanted;
  return {};
}

Result<void> RequestBody::append(core::ConstBytes piece) {
  if (piece.size() > limits_.bytes - size_) return Error(Reason::body_too_large);
  size_ += piece.size();
  const auto room = static_cast<std::size_t>(limits_.memory_bytes - memory_.size());
  const auto in_memory = piece.first(std::min(room, piece.size()));
  if (!in_memory.empty()) {
    if (auto charged = charge(memory_.size() + in_memory.size()); !charged) return charged;
    memory_.insert(memory_.end(), in_memory.begin(), in_memory.end());
    piece = piece.subspan(in_memory.size());
  }
  return piece.empty() ? Result<void>() : spool(piece);
}

Result<void> RequestBody::spool(core::ConstBytes piece) {
  if (!spool_) {
    if (!budgets_.memory.take(Spool::memory_bytes)) return Error(Reason::overloaded);
    charged_ += Spool::memory_bytes;
    spool_ = std::make_unique<Spool>(spool_directory_, budgets_.disk);
  }
  return spool_->append(piece);
}

Result<core::ConstBytes> RequestBody::part(std::uint64_t offset) {
  if (offset < memory_.size()) return core::ConstBytes(memory_).subspan(static_cast<std::size_t>(offset));
  if (!spool_ || offset >= size_) return core::ConstBytes();
  return spool_->part(offset - memory_.size());
}

}  // namespace sallyport::gateway
