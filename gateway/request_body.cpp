#include "gateway/request_body.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include "core/crypto.hpp"
#include "core/descriptor.hpp"
#include "core/secret.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::crypto::Aes256Gcm;

namespace {
constexpr std::uint64_t first_block = 16 * 1024;
constexpr std::uint64_t growth = 4;  // the next has this much of what has come

// Without a name from the start; where the file system cannot do that (NFS, overlayfs of older kernels), with one for a
// moment. Not open when there is none to be had.
core::Descriptor open_unnamed(const std::filesystem::path& directory) {
  core::Descriptor unnamed(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (unnamed.is_open() || errno != EOPNOTSUPP) return unnamed;
  std::string name = directory / "sallyport-XXXXXX";
  core::Descriptor named(::mkostemp(name.data(), O_CLOEXEC));
  if (named.is_open()) ::unlink(name.c_str());
  return named;
}
}  // namespace

bool ByteBudget::take(std::uint64_t bytes) noexcept {
  const std::uint64_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= limit_) return true;
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

// The part of a body that does not stay in memory: blocks of one size, each sealed on its own.
class RequestBody::Spool {
 public:
  static constexpr std::size_t sealed_size = block_size + Aes256Gcm::tag_size;
  static constexpr std::size_t memory_bytes = 2 * sealed_size;  // what it holds at the most, however long the body

  Spool(const std::filesystem::path& directory, ByteBudget& disk)
      : file_(open_unnamed(directory)), disk_(disk), cipher_(new_key().reveal()), filling_(sealed_size) {}
  ~Spool() {
    disk_.give_back(blocks_ * sealed_size);
    core::wipe(filling_);
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
    return opened_.bytes().subspan(within);
  }

  Result<core::SharedBytes> share(std::uint64_t offset) {
    const auto bytes = part(offset);
    if (!bytes) return bytes.error();
    const bool is_opened = bytes->data() == opened_.bytes().data();
    return is_opened ? opened_ : core::SharedBytes::copy_of(*bytes);
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
    if (!file_.is_open() || !disk_.take(sealed_size)) return Error(Reason::overloaded);
    const std::uint64_t block = blocks_++;  // whatever comes of it: its nonce is used
    cipher_.seal(nonce_of(block), {}, core::ConstBytes(filling_).first(block_size), filling_);  // in place
    filled_ = 0;
    const auto at = static_cast<off_t>(block * sealed_size);
    const bool written =
        ::pwrite(file_.number(), filling_.data(), sealed_size, at) == static_cast<ssize_t>(sealed_size);
    return written ? Result<void>() : Error(Reason::overloaded, errno);
  }

  Result<void> read_block(std::uint64_t block) {
    if (block == opened_block_) return {};
    const auto at = static_cast<off_t>(block * sealed_size);
    opened_ = {};  // first: no more blocks than memory_bytes says
    opened_block_ = UINT64_MAX;
    core::ByteBlock read(sealed_size);
    const core::MutableBytes sealed = read.room();
    if (::pread(file_.number(), sealed.data(), sealed_size, at) != static_cast<ssize_t>(sealed_size) ||
        !cipher_.open(nonce_of(block), {}, sealed, sealed.first(block_size))) {
      return Error(Reason::internal, errno);
    }
    read.grow(block_size);
    opened_ = read.share();
    opened_block_ = block;
    return {};
  }

  const core::Descriptor file_;
  ByteBudget& disk_;
  Aes256Gcm cipher_;
  core::Bytes filling_;  // with room for the tag
  core::SharedBytes opened_;
  std::size_t filled_ = 0;
  std::uint64_t blocks_ = 0;  // on disk
  std::uint64_t opened_block_ = UINT64_MAX;
};

RequestBody::RequestBody(BodyLimits limits, BodyBudgets budgets, const std::filesystem::path& spool_directory)
    : limits_(limits), budgets_(budgets), spool_directory_(spool_directory) {}

RequestBody::~RequestBody() { release(); }

void RequestBody::release() noexcept {
  blocks_.clear();
  spool_.reset();
  budgets_.memory.give_back(std::exchange(charged_, 0));
}

// False: what memory the body may have is full. Blocks grow with what has come, so that one who only announces much
// holds little.
Result<bool> RequestBody::make_room(std::uint64_t coming) {
  if (!blocks_.empty() && !blocks_.back().bytes.room().empty()) return true;
  const std::uint64_t to_come = expected_ > size_ ? expected_ - size_ : block_size;
  const std::uint64_t capacity = std::min({to_come, std::max(first_block, growth * (size_ + coming)),
                                           std::uint64_t{block_size}, limits_.memory_bytes - in_memory()});
  if (capacity == 0) return false;
  if (!budgets_.memory.take(capacity)) return Error(Reason::overloaded);
  charged_ += capacity;
  blocks_.push_back({size_, core::ByteBlock(static_cast<std::size_t>(capacity))});
  return true;
}

Result<void> RequestBody::append(core::ConstBytes piece) {
  if (piece.size() > limits_.bytes - size_) return Error(Reason::body_too_large);
  while (!piece.empty()) {
    const auto has_room = make_room(piece.size());
    if (!has_room) return has_room.error();
    if (!*has_room) return spool(piece);
    const std::size_t taken = blocks_.back().bytes.append(piece);
    size_ += taken;
    piece = piece.subspan(taken);
  }
  return {};
}

Result<core::MutableBytes> RequestBody::room() {
  if (expected_ <= size_) return core::MutableBytes();
  const auto has_room = make_room(0);
  if (!has_room) return has_room.error();
  return *has_room ? blocks_.back().bytes.room() : core::MutableBytes();
}

void RequestBody::grow(std::size_t size) noexcept {
  blocks_.back().bytes.grow(size);
  size_ += size;
}

Result<void> RequestBody::spool(core::ConstBytes piece) {
  if (!spool_) {
    if (!budgets_.memory.take(Spool::memory_bytes)) return Error(Reason::overloaded);
    charged_ += Spool::memory_bytes;
    spool_ = std::make_unique<Spool>(spool_directory_, budgets_.disk);
  }
  if (auto spooled = spool_->append(piece); !spooled) return spooled;
  size_ += piece.size();
  return {};
}

const core::ByteBlock& RequestBody::block_at(std::uint64_t offset) const noexcept {
  const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), offset,
                                       [](std::uint64_t wanted, const Block& block) { return wanted < block.begin; });
  return std::prev(behind)->bytes;
}

Result<core::ConstBytes> RequestBody::part(std::uint64_t offset) {
  if (offset < in_memory()) return block_at(offset).bytes();
  if (!spool_ || offset >= size_) return core::ConstBytes();
  return spool_->part(offset - in_memory());
}

// A block that is not full is not shared: its owners would be charged for less than they hold.
Result<core::SharedBytes> RequestBody::share(std::uint64_t offset) {
  if (offset < in_memory() && block_at(offset).is_full()) return block_at(offset).share();
  if (offset >= in_memory() && spool_) return spool_->share(offset - in_memory());
  const auto bytes = part(offset);
  if (!bytes) return bytes.error();
  return core::SharedBytes::copy_of(*bytes);
}

}  // namespace sallyport::gateway
