#include "routing/spliced_body.hpp"

#include <algorithm>

namespace sallyport::routing {

SplicedBody::SplicedBody(std::uint64_t body_size, std::vector<Splice> splices)
    : splices_(std::move(splices)), size_(body_size) {
  for (const auto& splice : splices_) size_ = size_ - splice.remove + splice.insert.size();
}

const std::vector<core::ConstBytes>& SplicedBody::pass(core::ConstBytes piece) {
  out_.clear();
  while (!piece.empty()) {
    const bool skipping = offset_ < skip_until_;
    std::uint64_t until = skipping ? skip_until_ : UINT64_MAX;
    if (!skipping && next_ < splices_.size()) until = splices_[next_].offset;
    const auto part = piece.first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), until - offset_)));
    if (!skipping) emit(part);
    piece = piece.subspan(part.size());
    offset_ += part.size();
    if (skipping || offset_ < until) continue;
    const Splice& splice = splices_[next_++];
    emit(core::bytes_of(splice.insert));
    skip_until_ = until + splice.remove;
  }
  return out_;
}

void SplicedBody::emit(core::ConstBytes bytes) {
  if (!bytes.empty()) out_.push_back(bytes);
}

}  // namespace sallyport::routing
