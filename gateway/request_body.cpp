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

bool MemoryBudget::take(std::uint64_t bytes) noexcept {
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

  explicit Spool(const std::filesystem::path& directory)
      : file_(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)), cipher_(new_key().reveal()) {
    filling_.reserve(sealed_size);
  }
  ~Spool() {
    if (file_ >= 0) ::close(file_);
    core::wipe(filling_);
    core::wipe(opened_);
  }

  Result<void> append(core::ConstBytes piece) {
    while (!piece.empty()) {
      const std::size_t size = std::min(piece.size(), block_size - filling_.size());
      filling_.insert(filling_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
      piece = piece.subspan(size);
      if (filling_.size() < block_size) break;
      if (auto written = write_block(); !written) return written;
    }
    return {};
  }

  // The last, shorter block stays in memory.
  Result<core::ConstBytes> part(std::uint64_t offset) {
    const std::uint64_t block = offset / block_size;
    const auto within = static_cast<std::size_t>(offset % block_size);
    if (block == blocks_) return core::ConstBytes(filling_).subspan(std::min(within, filling_.size()));
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
    core::Bytes sealed(sealed_size);
    cipher_.seal(nonce_of(blocks_), {}, filling_, sealed);
    const auto at = static_cast<off_t>(blocks_ * sealed_size);
    if (file_ < 0 || ::pwrite(file_, sealed.data(), sealed.size(), at) != static_cast<ssize_t>(sealed.size())) {
      return Error(Reason::overloaded, errno);
    }
    ++blocks_;
    filling_.clear();
    return {};
  }

  Result<void> read_block(std::uint64_t block) {
    if (block == opened_block_) return {};
    core::Bytes sealed(sealed_size);
    opened_.resize(block_size);
    const auto at = static_cast<off_t>(block * sealed_size);
    if (::pread(file_, sealed.data(), sealed.size(), at) != static_cast<ssize_t>(sealed.size()) ||
        !cipher_.open(nonce_of(block), {}, sealed, opened_)) {
      return Error(Reason::internal, errno);
    }
    opened_block_ = block;
    return {};
  }

  int file_;
  Aes256Gcm cipher_;
  core::Bytes filling_, opened_;
  std::uint64_t blocks_ = 0;
  std::uint64_t opened_block_ = UINT64_MAX;
};

RequestBody::RequestBody(BodyLimits limits, MemoryBudget& budget, const std::filesystem::path& spool_directory)
    : limits_(limits), budget_(budget), spool_directory_(spool_directory) {}

RequestBody::~RequestBody() {
  core::wipe(memory_);
  budget_.give_back(charged_);
}

// Grows the charge by doubling, so that a long body asks a few times and a short one once.
Result<void> RequestBody::charge(std::uint64_t bytes) {
  if (bytes <= charged_) return {};
  const std::uint64_t wanted = std::max<std::uint64_t>({bytes, 2 * charged_, 4096});
  if (!budget_.take(wanted - charged_)) return Error(Reason::overloaded);
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
  if (piece.empty()) return {};
  if (!spool_) spool_ = std::make_unique<Spool>(spool_directory_);
  return spool_->append(piece);
}

Result<core::ConstBytes> RequestBody::part(std::uint64_t offset) {
  if (offset < memory_.size()) return core::ConstBytes(memory_).subspan(static_cast<std::size_t>(offset));
  if (!spool_ || offset >= size_) return core::ConstBytes();
  return spool_->part(offset - memory_.size());
}

}  // namespace sallyport::gateway
