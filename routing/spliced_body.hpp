// A body on its way with a few places changed: pieces in, views out, nothing copied. Sans-I/O.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.hpp"
#include "routing/model_call.hpp"

namespace sallyport::routing {

class SplicedBody {
 public:
  // splices: sorted, not overlapping, inside the body's body_size bytes, as splices_for gives them.
  SplicedBody(std::uint64_t body_size, std::vector<Splice> splices);

  // The body's size after the changes: the new Content-Length.
  std::uint64_t size() const noexcept { return size_; }

  // Takes the next piece of the body as it came, from its start, and gives what goes out for it: views into `piece` or
  // into this object. The list is valid until the next call.
  const std::vector<core::ConstBytes>& pass(core::ConstBytes piece);

 private:
  void emit(core::ConstBytes bytes);

  std::vector<Splice> splices_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;      // of the next piece in the body
  std::uint64_t skip_until_ = 0;  // where what was replaced ends
  std::size_t next_ = 0;          // the next splice
  std::vector<core::ConstBytes> out_;
};

}  // namespace sallyport::routing
