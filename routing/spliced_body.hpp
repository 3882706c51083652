// Replaces a few ranges of a body while it passes: takes pieces, gives views, copies nothing. No I/O.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.hpp"
#include "routing/model_call.hpp"

namespace sallyport::routing {

class SplicedBody {
 public:
  // body_size: bytes of the body before the changes. splices: within these bytes, sorted, without overlaps, as from
  // splices_for.
  SplicedBody(std::uint64_t body_size, std::vector<Splice> splices);

  // The body's size after the changes: the new Content-Length.
  std::uint64_t size() const noexcept { return size_; }

  // Takes the next piece of the original body, in order from its start, and gives the bytes to send for it: views into
  // `piece` or into this object. The list is valid until the next call.
  const std::vector<core::ConstBytes>& pass(core::ConstBytes piece);

 private:
  void emit(core::ConstBytes bytes);

  std::vector<Splice> splices_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;      // of the next piece in the body
  std::uint64_t skip_until_ = 0;  // where the replaced range ends
  std::size_t next_ = 0;          // the next splice
  std::vector<core::ConstBytes> out_;
};

}  // namespace sallyport::routing
