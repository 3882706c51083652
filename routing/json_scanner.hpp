// An incremental JSON parser (RFC 8259), the only one for bodies of requests and answers. It is fed pieces as they
// arrive, checks the whole grammar at every depth, and finds the members of the outermost object that have one of the
// wanted keys. It builds no tree, keeps only the wanted values, and allocates nothing for values that it skips. No I/O.
// docs/adr/0001-incremental-json.md has the reasons.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"

namespace sallyport::routing {

class JsonScanner {
 public:
  static constexpr std::size_t depth_limit = 512;  // of nested objects and arrays
  static constexpr std::size_t key_limit = 256;    // bytes of a key as written; a longer key is never a wanted one

  struct Member {
    std::uint64_t offset = 0;  // of the value's first byte, in bytes from the start of the text
    std::uint64_t size = 0;    // bytes of the value as written
    std::string text;          // the value as written; only its first value_limit bytes when it is longer
    bool whole() const noexcept { return text.size() == size; }
  };

  // `keys` are lower-case ASCII and must outlive the scanner. The scanner keeps at most value_limit bytes of each
  // wanted value. The first `once` of the keys are refused the second time; of the others the last counts, as it does
  // for most servers, and only as it is written here.
  JsonScanner(std::span<const std::string_view> keys, std::size_t value_limit, std::size_t once);
  JsonScanner(std::span<const std::string_view> keys, std::size_t value_limit)
      : JsonScanner(keys, value_limit, keys.size()) {}

  // Reads the next piece, which need not live longer than the call. Errors: malformed_json (also: too deep, not UTF-8,
  // half a surrogate pair or U+0000 in a key of the outermost object); duplicate_field (such a key for the second
  // time, or in other letter case: some servers take "Model" for "model"). Every later call gives the same error.
  core::Result<void> feed(core::ConstBytes piece);
  // Ends the text. Errors: malformed_json when it is not one whole value; feed()'s error again.
  core::Result<void> finish();

  // The member with keys[index]; null when it has not been found, or its value has not ended yet.
  const Member* member(std::size_t index) const noexcept;
  // The offset just after the '{' of the outermost object; nullopt until it has begun, or for another outermost value.
  std::optional<std::uint64_t> object_offset() const noexcept { return object_offset_; }

 private:
  using Byte = unsigned char;
  enum class State : std::uint8_t {
    value,
    first_element,
    first_key,
    key,
    colon,
    after_value,
    string,
    escape,
    hexadecimal,
    literal,
    minus,
    zero,
    integer,
    point,
    fraction,
    exponent,
    exponent_sign,
    exponent_digits,
    failed,
  };
  static constexpr State last_structural = State::after_value;
  struct Slot {
    Member member;
    bool seen = false, ended = false;
  };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void read(const Byte* at, const Byte* end);
  // Each takes the position to read from and gives the position to continue at. After an error the state is `failed`.
  const Byte* begin_value(const Byte* at);
  const Byte* begin_key(const Byte* at);
  const Byte* open(const Byte* at, bool object);
  const Byte* close(const Byte* at, bool object);
  const Byte* colon(const Byte* at);
  const Byte* after_value(const Byte* at);
  const Byte* string(const Byte* at, const Byte* end);
  const Byte* string_end(const Byte* at);
  const Byte* escape(const Byte* at);
  const Byte* hexadecimal(const Byte* at);
  const Byte* not_ascii(const Byte* at, const Byte* end);
  const Byte* literal(const Byte* at, const Byte* end);
  const Byte* number(const Byte* at, const Byte* end);
  static State next_in_number(State state, Byte c);
  const Byte* fail(const Byte* at, core::Reason reason = core::Reason::malformed_json);

  bool in_object() const noexcept { return depth_ > 0 && objects_[depth_ - 1]; }
  std::uint64_t offset_of(const Byte* at) const noexcept { return offset_ + static_cast<std::uint64_t>(at - piece_); }
  void value_ended(const Byte* at);
  void keep(const Byte* until);           // appends the piece's bytes of the key or value that is being kept
  bool choose_slot(const Byte* key_end);  // for the key just read; false when the key must be refused
  bool choose_slot(std::string_view key);
  std::string_view whole_key(const Byte* end);

  std::span<const std::string_view> keys_;
  std::size_t value_limit_, once_;
  std::uint64_t sizes_ = 0;  // that keys have: most keys of a text have none of them
  std::vector<Slot> slots_;
  std::size_t wanted_ = none;  // the slot whose value comes next or is being read

  State state_ = State::value;
  core::Reason reason_ = core::Reason::none;
  std::bitset<depth_limit> objects_;  // for each open container: object or array
  std::size_t depth_ = 0;
  std::optional<std::uint64_t> object_offset_;

  bool key_string_ = false;    // the string being read is a key
  bool key_is_plain_ = false;  // so far the key being kept is ASCII without escapes
  std::uint8_t hexadecimal_left_ = 0;
  std::uint8_t continuation_left_ = 0;                       // bytes that the UTF-8 sequence still needs,
  Byte continuation_low_ = 0x80, continuation_high_ = 0xbf;  // and the bounds of the next byte
  std::string_view literal_left_;

  // The current piece, and where in it the key or value being kept begins; valid only while one is being kept.
  const Byte* piece_ = nullptr;
  const Byte* kept_from_ = nullptr;
  bool keeping_key_ = false, keeping_value_ = false;
  std::uint64_t offset_ = 0;  // of the current piece in the text
  std::array<char, key_limit> key_;
  std::size_t key_size_ = 0;
};

// The values, as written, that `object` has under `keys`: views into `object`, empty for a key that is not there. All
// are empty when `object` is not one whole well-formed object, or has one of the keys twice or in other letter case.
template <std::size_t N>
std::array<std::string_view, N> values_of(std::string_view object, const std::array<std::string_view, N>& keys);
void find_values(std::string_view object, std::span<const std::string_view> keys, std::span<std::string_view> values);

template <std::size_t N>
std::array<std::string_view, N> values_of(std::string_view object, const std::array<std::string_view, N>& keys) {
  std::array<std::string_view, N> values;
  find_values(object, keys, values);
  return values;
}

}  // namespace sallyport::routing
