// Goes through a segment frame by frame and follows the chain. Needs no key.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "logging/format.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

class FrameWalker {
 public:
  enum class Step : std::uint8_t {
    frame,        // one more whole frame, its chain hash right
    end_of_data,  // the bytes end where a frame ends
    torn,         // the bytes end within a frame, or turn to zeros as after a power cut
    altered,      // bytes that are not what the writer chained
    missing,      // frames are gone: a later one stands here
    repeated,     // a frame that was already there stands here
    reordered,    // the frame that belongs here stands later
    trailing,     // bytes after the clean end
  };

  explicit FrameWalker(ByteSource& source) : source_(source) {}

  // First. Anything but none: there is nothing to walk.
  HeaderProblem open();
  const ParsedHeader& header() const noexcept { return header_; }

  // After end_of_data or torn it may be called again: an open segment grows. After the others it says the same again.
  Step next();

  // Of the frame that next() found; valid until the next call.
  const FrameHead& head() const noexcept { return head_; }
  core::ConstBytes frame() const noexcept { return frame_; }
  std::uint64_t offset() const noexcept { return link_.bytes - frame_.size(); }
  const Digest& chain_before() const noexcept { return chain_before_; }

  // The segment as far as it was walked, as a successor would declare it.
  const SegmentLink& link() const noexcept { return link_; }
  std::uint64_t records() const noexcept { return records_; }

 private:
  bool have(std::size_t count);  // that many bytes at the place where the next frame starts
  core::ConstBytes available() const noexcept { return core::ConstBytes(buffer_).subspan(at_); }
  Step incomplete();
  Step wrong_place();
  bool only_zeros(std::size_t from);
  void accept(std::size_t size);

  ByteSource& source_;
  ParsedHeader header_;
  FrameHead head_;
  core::ConstBytes frame_;
  Digest chain_before_{};
  SegmentLink link_;
  std::uint64_t records_ = 0;
  core::Bytes buffer_;
  std::size_t at_ = 0;  // of the next frame in buffer_
};

std::string_view words(FrameWalker::Step step) noexcept;

// A segment file's header; nothing when there is none that can be read.
std::optional<ParsedHeader> read_header(const std::filesystem::path& segment);

}  // namespace sallyport::logging
