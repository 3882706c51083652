#include "routing/json_scanner.hpp"

#include <algorithm>
#include <cstring>

#include "routing/json_text.hpp"

namespace sallyport::routing {
namespace {

using Byte = unsigned char;

bool is_space(Byte c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(Byte c) { return static_cast<Byte>(c - '0') < 10; }

// The number of bytes at the front of `written` that a reader which ignores letter case would take for the letter `c`;
// 0 for another letter. Covers ASCII and the two letters that Unicode folds into ASCII (U+017F long s, U+212A kelvin),
// as Go's encoding/json does.
std::size_t same_letter(std::string_view written, char c) {
  if (written.empty()) return 0;
  const char first = written.front();
  if (first == c || (c >= 'a' && c <= 'z' && first == c - 'a' + 'A')) return 1;
  if (c == 's' && written.starts_with("\u017f")) return 2;
  return c == 'k' && written.starts_with("\u212a") ? 3 : 0;
}

// Whether a reader that ignores letter case would take `written` for `wanted`.
bool same_letters(std::string_view written, std::string_view wanted) {
  if (written.size() < wanted.size()) return false;  // no letter is shorter than the one it folds into
  for (const char c : wanted) {
    const std::size_t taken = same_letter(written, c);
    if (taken == 0) return false;
    written.remove_prefix(taken);
  }
  return written.empty();
}

std::uint64_t bit_of(std::size_t size) { return 1ull << std::min<std::size_t>(size, 63); }

}  // namespace

JsonScanner::JsonScanner(std::span<const std::string_view> keys, std::size_t value_limit, std::size_t once)
    : keys_(keys), value_limit_(value_limit), once_(once), slots_(keys.size()) {
  for (const std::string_view key : keys) sizes_ |= bit_of(key.size());
}

core::Result<void> JsonScanner::feed(core::ConstBytes piece) {
  piece_ = reinterpret_cast<const Byte*>(piece.data());
  const Byte* const end = piece_ + piece.size();
  if (keeping_key_ || keeping_value_) kept_from_ = piece_;
  read(piece_, end);
  if (state_ == State::failed) return core::Error(reason_);
  keep(end);
  offset_ += piece.size();
  return {};
}

core::Result<void> JsonScanner::finish() {
  const bool number_ends = state_ == State::zero || state_ == State::integer || state_ == State::fraction ||
                           state_ == State::exponent_digits;
  const bool whole = depth_ == 0 && (state_ == State::after_value || number_ends);
  if (!whole) fail(nullptr, reason_ == core::Reason::none ? core::Reason::malformed_json : reason_);
  if (state_ == State::failed) return core::Error(reason_);
  return {};
}

const JsonScanner::Member* JsonScanner::member(std::size_t index) const noexcept {
  return slots_[index].ended ? &slots_[index].member : nullptr;
}

// Reads to the end of the piece, or to its first malformed byte.
void JsonScanner::read(const Byte* at, const Byte* end) {
  while (at != end) {
    if (state_ <= last_structural && is_space(*at)) {
      ++at;
      continue;
    }
    switch (state_) {
      case State::value:
        at = begin_value(at);
        break;
      case State::first_element:
        at = *at == ']' ? close(at, false) : begin_value(at);
        break;
      case State::first_key:
        at = *at == '}' ? close(at, true) : begin_key(at);
        break;
      case State::key:
        at = begin_key(at);
        break;
      case State::colon:
        at = colon(at);
        break;
      case State::after_value:
        at = after_value(at);
        break;
      case State::string:
        at = string(at, end);
        break;
      case State::escape:
        at = escape(at);
        break;
      case State::hexadecimal:
        at = hexadecimal(at);
        break;
      case State::literal:
        at = literal(at, end);
        break;
      case State::failed:
        return;
      default:
        at = number(at, end);
    }
  }
}

const Byte* JsonScanner::begin_value(const Byte* at) {
  if (wanted_ != none && depth_ == 1) {
    slots_[wanted_].member.offset = offset_of(at);
    keeping_value_ = true;
    kept_from_ = at;
  }
  const auto begin_literal = [&](std::string_view rest) {
    literal_left_ = rest;
    state_ = State::literal;
    return at + 1;
  };
  switch (*at) {
    case '"':
      state_ = State::string;
      return at + 1;
    case '{':
      return open(at, true);
    case '[':
      return open(at, false);
    case 't':
      return begin_literal("rue");
    case 'f':
      return begin_literal("alse");
    case 'n':
      return begin_literal("ull");
    case '-':
      state_ = State::minus;
      return at + 1;
    case '0':
      state_ = State::zero;
      return at + 1;
    default:
      if (!is_digit(*at)) return fail(at);
      state_ = State::integer;
      return at + 1;
  }
}

const Byte* JsonScanner::begin_key(const Byte* at) {
  if (*at != '"') return fail(at);
  key_string_ = true;
  if (depth_ == 1) {
    keeping_key_ = key_is_plain_ = true;
    kept_from_ = at + 1;
    key_size_ = 0;
  }
  state_ = State::string;
  return at + 1;
}

const Byte* JsonScanner::open(const Byte* at, bool object) {
  if (depth_ == depth_limit) return fail(at);
  if (depth_ == 0 && object) object_offset_ = offset_of(at) + 1;
  objects_[depth_++] = object;
  state_ = object ? State::first_key : State::first_element;
  return at + 1;
}

const Byte* JsonScanner::close(const Byte* at, bool object) {
  if (depth_ == 0 || in_object() != object) return fail(at);
  --depth_;
  value_ended(at + 1);
  return at + 1;
}

const Byte* JsonScanner::colon(const Byte* at) {
  if (*at != ':') return fail(at);
  state_ = State::value;
  return at + 1;
}

const Byte* JsonScanner::after_value(const Byte* at) {
  if (*at == ']' || *at == '}') return close(at, *at == '}');
  if (*at != ',' || depth_ == 0) return fail(at);
  state_ = in_object() ? State::key : State::value;
  return at + 1;
}

const Byte* JsonScanner::fail(const Byte* at, core::Reason reason) {
  state_ = State::failed;
  reason_ = reason;
  return at;
}

void JsonScanner::value_ended(const Byte* at) {
  state_ = State::after_value;
  if (!keeping_value_ || depth_ != 1) return;
  keep(at);
  keeping_value_ = false;
  Slot& slot = slots_[wanted_];
  slot.member.size = offset_of(at) - slot.member.offset;
  slot.ended = true;
  wanted_ = none;
}

void JsonScanner::keep(const Byte* until) {
  if (keeping_key_) {
    const auto size = static_cast<std::size_t>(until - kept_from_);
    if (key_size_ < key_limit) std::memcpy(key_.data() + key_size_, kept_from_, std::min(size, key_limit - key_size_));
    key_size_ += size;
  } else if (keeping_value_) {
    std::string& text = slots_[wanted_].member.text;
    const auto size = static_cast<std::size_t>(until - kept_from_);
    text.append(reinterpret_cast<const char*>(kept_from_), std::min(size, value_limit_ - text.size()));
  }
}

// The key that ends at `end`, even when it came in several pieces. Of a key that is too long, only its beginning.
std::string_view JsonScanner::whole_key(const Byte* end) {
  if (key_size_ == 0) return {reinterpret_cast<const char*>(kept_from_), static_cast<std::size_t>(end - kept_from_)};
  keep(end);
  return {key_.data(), std::min(key_size_, key_limit)};
}

bool JsonScanner::choose_slot(const Byte* key_end) {
  const std::string_view key = whole_key(key_end);
  keeping_key_ = false;
  if (std::max(key.size(), key_size_) > key_limit) return true;
  if (key_is_plain_) return choose_slot(key);
  const auto unescaped = unescape_json(key);
  if (!unescaped) return fail(nullptr), false;
  return choose_slot(*unescaped);
}

bool JsonScanner::choose_slot(std::string_view key) {
  if (key_is_plain_ && (sizes_ & bit_of(key.size())) == 0) return true;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (key_is_plain_ && key.size() != keys_[i].size()) continue;  // a plain key folds only into one of its size
    const bool same = key == keys_[i];
    if (!same && (i >= once_ || !same_letters(key, keys_[i]))) continue;
    if (!same || (slots_[i].seen && i < once_)) return fail(nullptr, core::Reason::duplicate_field), false;
    if (slots_[i].seen) slots_[i] = Slot{};
    slots_[i].seen = true;
    wanted_ = i;
    break;
  }
  return true;
}

void find_values(std::string_view object, std::span<const std::string_view> keys, std::span<std::string_view> values) {
  JsonScanner scanner(keys, 0);
  if (!scanner.feed(core::bytes_of(object)) || !scanner.finish()) return;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (const auto* member = scanner.member(i)) values[i] = object.substr(member->offset, member->size);
  }
}

}  // namespace sallyport::routing
