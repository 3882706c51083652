// PieceCursor: cuts the pieces of content that a caller writes into the contents of records.
#pragma once

#include <algorithm>
#include <span>

#include "core/bytes.hpp"

namespace sallyport::tls {

// Reads the pieces as if they were one. The pieces, and the array that lists them, must outlive it.
class PieceCursor {
 public:
  explicit PieceCursor(std::span<const core::ConstBytes> pieces) : pieces_(pieces) { skip_empty(); }
  bool is_done() const noexcept { return pieces_.empty(); }

  // Appends the next `most` bytes to `out`, or as many as are left.
  void append_to(core::Bytes& out, std::size_t most) {
    while (!is_done() && most > 0) {
      const core::ConstBytes rest = pieces_.front().subspan(offset_);
      const core::ConstBytes part = rest.first(std::min(rest.size(), most));
      out.insert(out.end(), part.begin(), part.end());
      offset_ += part.size();
      most -= part.size();
      skip_empty();
    }
  }

 private:
  void skip_empty() {
    while (!is_done() && offset_ == pieces_.front().size()) pieces_ = pieces_.subspan(1), offset_ = 0;
  }

  std::span<const core::ConstBytes> pieces_;
  std::size_t offset_ = 0;
};

}  // namespace sallyport::tls
