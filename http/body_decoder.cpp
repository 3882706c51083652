#include "http/body_decoder.hpp"

#include <algorithm>
#include <utility>

#include "http/grammar.hpp"
#include "http/head_scan.hpp"

namespace sallyport::http {

BodyDecoder::BodyDecoder(Framing framing)
    : framing_(framing), left_(framing.kind == BodyKind::sized ? framing.size : 0) {
  const bool empty = framing.kind == BodyKind::none || (framing.kind == BodyKind::sized && framing.size == 0);
  if (empty) {
    phase_ = Phase::done;
  } else if (framing.kind != BodyKind::chunked) {
    phase_ = Phase::data;
  }
}

core::Result<BodyDecoder::Step> BodyDecoder::decode(core::ConstBytes received) {
  if (finished()) return Step{0, {}, true};
  if (framing_.kind == BodyKind::until_close) return Step{received.size(), received, false};
  if (framing_.kind == BodyKind::chunked) return decode_chunked(received);
  const core::ConstBytes content = take_data(received);
  if (left_ == 0) phase_ = Phase::done;
  return Step{content.size(), content, finished()};
}

core::Result<BodyDecoder::Step> BodyDecoder::decode_chunked(core::ConstBytes received) {
  Step step;
  while (step.consumed < received.size() && !finished()) {
    const core::ConstBytes rest = received.subspan(step.consumed);
    if (phase_ == Phase::data) {
      if (!step.content.empty()) break;
      step.content = take_data(rest);
      step.consumed += step.content.size();
      if (left_ == 0) phase_ = Phase::data_cr;
      continue;
    }
    const auto taken = take_framing(core::text_of(rest));
    if (!taken) {
      phase_ = Phase::failed;
      return core::Reason::malformed_body;
    }
    step.consumed += *taken;
  }
  step.finished = finished();
  return step;
}

core::ConstBytes BodyDecoder::take_data(core::ConstBytes received) {
  const auto taken = received.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, received.size())));
  left_ -= taken.size();
  return taken;
}

// Gives the number of framing bytes taken from `text`, at least one; nullopt when they are malformed.
std::optional<std::size_t> BodyDecoder::take_framing(std::string_view text) {
  if (phase_ == Phase::trailer) return take_trailer(text);
  if (!take_framing_byte(text.front())) return std::nullopt;
  return 1;
}

bool BodyDecoder::take_framing_byte(char byte) {
  switch (phase_) {
    case Phase::size:
      return take_size_byte(byte);
    case Phase::extension:
      return take_extension_byte(byte);
    case Phase::size_lf:
      phase_ = left_ == 0 ? Phase::trailer : Phase::data;
      return byte == '\n';
    case Phase::data_cr:
      phase_ = Phase::data_lf;
      return byte == '\r';
    case Phase::data_lf:
      phase_ = Phase::size;
      return byte == '\n';
    default:
      return false;
  }
}

bool BodyDecoder::take_size_byte(char byte) {
  if (const int value = grammar::hex_value(byte); value >= 0) {
    left_ = left_ * 16 + static_cast<unsigned>(value);
    return ++digits_ <= 16;
  }
  if (std::exchange(digits_, 0) == 0) return false;
  extension_bytes_ = 0;
  phase_ = byte == '\r' ? Phase::size_lf : Phase::extension;
  return byte == '\r' || take_extension_byte(byte);
}

// Extensions are printable ASCII, and a name follows each ';'. Any other first byte after the size is an error, white
// space too.
bool BodyDecoder::take_extension_byte(char byte) {
  const bool name_due = std::exchange(extension_name_due_, byte == ';');
  if (name_due && !grammar::is(grammar::token_byte, byte)) return false;
  if (extension_bytes_ == 0 && byte != ';') return false;
  if (byte == '\r') {
    phase_ = Phase::size_lf;
    return true;
  }
  ++extensions_bytes_;
  return byte >= 0x20 && byte < 0x7f && ++extension_bytes_ <= chunk_extension_limit &&
         extensions_bytes_ <= extensions_limit;
}

// Gives the number of bytes that belong to the trailer section; nullopt when it is malformed or too long.
std::optional<std::size_t> BodyDecoder::take_trailer(std::string_view text) {
  const std::size_t before = trailer_block_.size();
  if (before == 0 && text.starts_with("\r\n")) {  // no trailers, the usual case
    phase_ = Phase::done;
    return 2;
  }
  const std::size_t room = trailer_limit - before;
  trailer_block_.append(text.substr(0, room));

  const HeadLimits limits{trailer_limit, trailer_fields_limit, 0, trailer_name_limit};
  const auto length = scan_fields(trailer_block_, limits, trailers_);
  if (!length) return std::nullopt;
  if (*length) {
    phase_ = Phase::done;
    return **length - before;
  }
  if (trailer_block_.size() == trailer_limit) return std::nullopt;
  return text.size();
}

}  // namespace sallyport::http
