// What anyone can do to a segment who may write its file: there is no secret in the chain.
#pragma once

#include <algorithm>

#include "logging/byte_codec.hpp"
#include "logging/format.hpp"

namespace sallyport::fuzz {

// Numbers the frames and makes the chain right, as far as the bytes look like a segment.
inline void rechain(core::Bytes& segment) {
  using namespace logging;
  constexpr std::size_t size_at = 12, least_header = header_fixed_size + 2 * digest_size;
  if (segment.size() < least_header) return;
  const std::size_t header = load<std::uint32_t>(segment.data() + size_at);
  if (header < least_header || header > segment.size()) return;
  const auto write = [&](const Digest& chain, std::size_t end) {
    std::copy(chain.begin(), chain.end(), segment.begin() + static_cast<std::ptrdiff_t>(end - digest_size));
  };
  Digest chain = chain_of_header(core::ConstBytes(segment).first(header - digest_size));
  write(chain, header);
  std::uint64_t sequence = 0;
  for (std::size_t at = header; at + min_frame_size <= segment.size();) {
    FrameHead head = decode_frame_head(segment.data() + at);
    if (head.length < min_frame_size || head.length > segment.size() - at) return;
    head.sequence = sequence++;
    encode(head, segment.data() + at);
    chain = chain_of_frame(chain, core::ConstBytes(segment).subspan(at, head.length - digest_size));
    at += head.length;
    write(chain, at);
  }
}

}  // namespace sallyport::fuzz
