#include "routing/spliced_body.hpp"

#include <algorithm>

namespace sallyport::routing {

SplicedBody::SplicedBody(std::uint64_t body_size, std::vector<Splice> splices)
    : splices_(std::move(splices)), body_size_(body_size), size_(body_size) {
  for (const auto& splice : splices_) size_ = size_ - splice.remove + splice.insert.size();
}

const std::vector<core::ConstBytes>& SplicedBody::pass(core::ConstBytes piece) {
  out_.clear();
  while (!piece.empty()) {
    if (next_ < splices_.size() && splices_[next_].offset == offset_) {
      const Splice& splice = splices_[next_++];
      emit(core::bytes_of(splice.insert));
      skip_until_ = splice.offset + splice.remove;
      continue;
    }
    const bool skipping = offset_ < skip_until_;
    std::uint64_t until = skipping ? skip_until_ : body_size_;
    if (!skipping && next_ < splices_.size()) until = splices_[next_].offset;
    // Never beyond the piece; and all of it when more comes than the body was said to have.
    const auto size = until > offset_ ? static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), until - offset_))
                                      : piece.size();
    if (!skipping) emit(piece.first(size));
    piece = piece.subspan(size);
    offset_ += size;
  }
  return out_;
}

void SplicedBody::restart() noexcept { offset_ = skip_until_ = next_ = 0; }

void SplicedBody::emit(core::ConstBytes bytes) {
  if (!bytes.empty()) out_.push_back(bytes);
}

}  // namespace sallyport::routing
