// JsonScanner's strings, literals and numbers; json_scanner.cpp has the structure around them.
#include <cstring>

#include "core/find_byte.hpp"
#include "routing/json_scanner.hpp"

namespace sallyport::routing {
namespace {

using Byte = unsigned char;

bool is_digit(Byte c) { return static_cast<Byte>(c - '0') < 10; }
const Byte* skip_digits(const Byte* at, const Byte* end) {
  while (at != end && is_digit(*at)) ++at;
  return at;
}

bool is_hexadecimal(Byte c) { return is_digit(c) || static_cast<Byte>((c | 0x20) - 'a') < 6; }

// Skips the bytes of a string that need no attention. It stops at a quote, a backslash, a control character or a byte
// of a UTF-8 sequence, which is negative here.
const Byte* skip_plain(const Byte* at, const Byte* end) {
  const std::string_view text(reinterpret_cast<const char*>(at), static_cast<std::size_t>(end - at));
  return at + core::find_byte(text, [](auto c) { return c < 0x20 || c == '"' || c == '\\'; });
}

}  // namespace

const Byte* JsonScanner::string(const Byte* at, const Byte* end) {
  if (continuation_left_ > 0) return not_ascii(at, end);
  at = skip_plain(at, end);
  if (at == end) return at;
  if (*at == '"') return string_end(at);
  key_is_plain_ = false;
  if (*at >= 0x80) return not_ascii(at, end);
  if (*at < 0x20) return fail(at);
  state_ = State::escape;
  return at + 1;
}

const Byte* JsonScanner::string_end(const Byte* at) {
  if (!key_string_) {
    value_ended(at + 1);
    return at + 1;
  }
  key_string_ = false;
  state_ = State::colon;
  if (keeping_key_ && !choose_slot(at)) return at;
  return at + 1;
}

const Byte* JsonScanner::escape(const Byte* at) {
  if (*at == 'u') {
    state_ = State::hexadecimal;
    hexadecimal_left_ = 4;
    return at + 1;
  }
  if (*at == 0 || std::strchr("\"\\/bfnrt", *at) == nullptr) return fail(at);
  state_ = State::string;
  return at + 1;
}

const Byte* JsonScanner::hexadecimal(const Byte* at) {
  if (!is_hexadecimal(*at)) return fail(at);
  if (--hexadecimal_left_ == 0) state_ = State::string;
  return at + 1;
}

// Accepts only well-formed UTF-8 (Unicode 15, table 3-7): no overlong form, no surrogate, nothing above U+10FFFF.
const Byte* JsonScanner::not_ascii(const Byte* at, const Byte* end) {
  for (; at != end; ++at) {
    const Byte c = *at;
    if (continuation_left_ > 0) {
      if (c < continuation_low_ || c > continuation_high_) return fail(at);
      --continuation_left_;
      continuation_low_ = 0x80;
      continuation_high_ = 0xbf;
      continue;
    }
    if (c < 0x80) return at;
    if (c < 0xc2 || c > 0xf4) return fail(at);
    continuation_left_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (c == 0xe0) continuation_low_ = 0xa0;
    if (c == 0xed) continuation_high_ = 0x9f;
    if (c == 0xf0) continuation_low_ = 0x90;
    if (c == 0xf4) continuation_high_ = 0x8f;
  }
  return at;
}

const Byte* JsonScanner::literal(const Byte* at, const Byte* end) {
  while (at != end && !literal_left_.empty()) {
    if (*at != static_cast<Byte>(literal_left_.front())) return fail(at);
    literal_left_.remove_prefix(1);
    ++at;
  }
  if (literal_left_.empty()) value_ended(at);
  return at;
}

// RFC 8259 section 6. A number ends at the first byte that is not part of it; that byte may be in the next piece.
const Byte* JsonScanner::number(const Byte* at, const Byte* end) {
  for (; at != end; ++at) {
    if (state_ == State::integer || state_ == State::fraction || state_ == State::exponent_digits) {
      at = skip_digits(at, end);
      if (at == end) break;
    }
    state_ = next_in_number(state_, *at);
    if (state_ == State::failed) return fail(at);
    if (state_ == State::after_value) {
      value_ended(at);
      break;
    }
  }
  return at;
}

// The state after `c`. The caller has already skipped digits where any number of them is allowed.
JsonScanner::State JsonScanner::next_in_number(State state, Byte c) {
  const bool exponent_begins = c == 'e' || c == 'E';
  switch (state) {
    case State::minus:
      return c == '0' ? State::zero : is_digit(c) ? State::integer : State::failed;
    case State::zero:
    case State::integer:
      return c == '.' ? State::point : exponent_begins ? State::exponent : State::after_value;
    case State::point:
      return is_digit(c) ? State::fraction : State::failed;
    case State::fraction:
      return exponent_begins ? State::exponent : State::after_value;
    case State::exponent:
      if (c == '+' || c == '-') return State::exponent_sign;
      [[fallthrough]];
    case State::exponent_sign:
      return is_digit(c) ? State::exponent_digits : State::failed;
    default:
      return State::after_value;
  }
}

}  // namespace sallyport::routing
