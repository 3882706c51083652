#include "logging/frame_walker.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "logging/byte_codec.hpp"

namespace sallyport::logging {

namespace {

constexpr std::size_t read_ahead = 256 * 1024;

// Whether the part heads that are there contradict the frame's length. A length that was changed shows here.
bool contradicts(const FrameHead& head, core::ConstBytes seen) {
  std::size_t at = frame_head_size;
  for (unsigned part = 0; part < head.parts; ++part) {
    if (at + part_head_size > seen.size()) return at + part_head_size + digest_size > head.length;
    at += part_head_size + decode_part_head(seen.data() + at).length;
    if (at + digest_size > head.length) return true;
  }
  return at + digest_size != head.length;
}

}  // namespace

std::string_view words(FrameWalker::Step step) noexcept {
  switch (step) {
    case FrameWalker::Step::frame:
      return "a good frame";
    case FrameWalker::Step::end_of_data:
      return "the data ends here";
    case FrameWalker::Step::torn:
      return "torn tail";
    case FrameWalker::Step::altered:
      return "its bytes are not those that were written";
    case FrameWalker::Step::missing:
      return "one or more frames are missing";
    case FrameWalker::Step::repeated:
      return "a frame is repeated";
    case FrameWalker::Step::reordered:
      return "frames are out of order";
    case FrameWalker::Step::trailing:
      return "bytes follow the clean end";
  }
  return "";
}

HeaderProblem FrameWalker::open() {
  buffer_.resize(max_header_size);
  buffer_.resize(source_.read(0, buffer_));
  const HeaderProblem problem = parse_header(buffer_, header_);
  if (problem != HeaderProblem::none) return problem;
  at_ = header_.size;
  link_ = {PreviousEnd::torn, header_.header.id, header_.chain, 0, header_.size};
  return problem;
}

bool FrameWalker::have(std::size_t count) {
  if (buffer_.size() - at_ >= count) return true;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(std::max(count, read_ahead));
  const std::size_t got = source_.read(link_.bytes + kept, core::MutableBytes(buffer_).subspan(kept));
  buffer_.resize(kept + got);
  return buffer_.size() >= count;
}

FrameWalker::Step FrameWalker::next() {
  frame_ = {};
  if (!have(frame_head_size)) {
    if (available().empty()) return Step::end_of_data;
    return link_.end == PreviousEnd::sealed ? Step::trailing : incomplete();
  }
  if (link_.end == PreviousEnd::sealed) return Step::trailing;
  head_ = decode_frame_head(available().data());
  if (head_.length < min_frame_size || head_.length > max_frame_size) {
    return only_zeros(0) ? incomplete() : Step::altered;
  }
  const bool whole = have(head_.length);
  const core::ConstBytes seen = available().first(std::min<std::size_t>(available().size(), head_.length));
  const bool out_of_place = head_.sequence != link_.frames;
  if (out_of_place || contradicts(head_, seen)) {
    if (only_zeros(seen.size() - 1)) return incomplete();
    return out_of_place ? wrong_place() : Step::altered;
  }
  if (!whole) return incomplete();

  const core::ConstBytes frame = available().first(head_.length);
  const core::ConstBytes chained = frame.first(frame.size() - digest_size);
  const Digest chain = chain_of_frame(link_.chain, chained);
  if (std::memcmp(chain.data(), frame.data() + chained.size(), digest_size) != 0) {
    return only_zeros(frame.size() - 1) ? incomplete() : Step::altered;
  }
  accept(frame.size());
  return Step::frame;
}

void FrameWalker::accept(std::size_t size) {
  frame_ = available().first(size);
  at_ += size;
  chain_before_ = link_.chain;
  std::memcpy(link_.chain.data(), frame_.data() + size - digest_size, digest_size);
  link_.frames += 1;
  link_.bytes += size;
  if (has_record(head_.kind)) ++records_;
  if (head_.kind == FrameKind::segment_end) link_.end = PreviousEnd::sealed;
}

// What was read ahead is forgotten: the writer may have written more since.
FrameWalker::Step FrameWalker::incomplete() {
  buffer_.resize(at_);
  return Step::torn;
}

// The rest of the file, from `from` bytes after the start of this frame: a file system may leave zeros after a crash.
// It may be long: it goes through one piece of memory.
bool FrameWalker::only_zeros(std::size_t from) {
  const std::uint64_t begin = link_.bytes + from;
  core::Bytes piece(read_ahead);
  for (std::uint64_t at = begin;; at += piece.size()) {
    const std::size_t got = source_.read(at, piece);
    const auto end = piece.begin() + static_cast<std::ptrdiff_t>(got);
    if (std::any_of(piece.begin(), end, [](std::byte b) { return b != std::byte{0}; })) return false;
    if (got < piece.size()) return at + got > begin;
  }
}

// A frame with another sequence number than expected: do the following ones show where the expected one went?
FrameWalker::Step FrameWalker::wrong_place() {
  if (head_.sequence < link_.frames) return Step::repeated;
  std::array<std::byte, frame_head_size> head;
  for (std::uint64_t at = link_.bytes; source_.read(at, head) == head.size();) {
    const FrameHead later = decode_frame_head(head.data());
    if (later.length < min_frame_size || later.length > max_frame_size) break;
    if (later.sequence == link_.frames) return Step::reordered;
    at += later.length;
  }
  return Step::missing;
}

std::optional<ParsedHeader> read_header(const std::filesystem::path& segment) {
  FileSource source(segment);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return std::nullopt;
  return walker.header();
}

}  // namespace sallyport::logging
