#include "logging/checkpoint.hpp"

#include <algorithm>
#include <charconv>

#include "core/base64.hpp"
#include "logging/byte_codec.hpp"

namespace sallyport::logging {

namespace {

// A C2SP checkpoint's second line, here a number that grows as the log grows: the segments' high, its frames' low half.
constexpr std::uint64_t frames_limit = 1ull << 32;
constexpr std::uint64_t segments_limit = 1ull << 32;

std::uint64_t position_of(const Checkpoint& checkpoint) {
  return checkpoint.segment * frames_limit + checkpoint.frames;
}

// Takes words and numbers off the front of a text; any one that is not there makes all of it wrong.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}
  std::string_view until(char end) {
    const std::size_t at = rest_.find(end);
    if (at == rest_.npos || at == 0) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return taken;
  }
  void expect(std::string_view word) {
    if (rest_.starts_with(word)) {
      rest_.remove_prefix(word.size());
    } else {
      ok_ = false;
    }
  }
  std::uint64_t number(char end) {
    const std::string_view digits = until(end);
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    ok_ = ok_ && parsed.ec == std::errc{} && digits == std::to_string(value);
    return value;
  }
  template <std::size_t N>
  void fixed(std::array<std::byte, N>& out, const std::optional<core::Bytes>& bytes) {
    ok_ = ok_ && bytes && bytes->size() == N;
    if (ok_) std::copy(bytes->begin(), bytes->end(), out.begin());
  }
  std::string time() {
    expect("time ");
    const std::string_view text = until('\n');
    ok_ = ok_ && text.find_first_not_of("0123456789-:.TZ") == text.npos;
    return std::string(text);
  }
  bool done() const noexcept { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string text_of(const Checkpoint& checkpoint) {
  std::string text = checkpoint.origin + '\n' + std::to_string(position_of(checkpoint)) + '\n' +
                     core::to_base64(checkpoint.chain) + "\nsegment " + std::to_string(checkpoint.segment) + ' ' +
                     core::to_hex(checkpoint.id) + ' ' + std::to_string(checkpoint.frames) + ' ' +
                     std::to_string(checkpoint.bytes);
  return text.append("\ntime ").append(checkpoint.time) += '\n';
}

std::optional<Checkpoint> parse_checkpoint(std::string_view text) {
  Checkpoint checkpoint;
  TextReader get(text);
  checkpoint.origin = get.until('\n');
  const std::uint64_t position = get.number('\n');
  get.fixed(checkpoint.chain, core::from_base64(get.until('\n')));
  get.expect("segment ");
  checkpoint.segment = get.number(' ');
  get.fixed(checkpoint.id, core::from_hex(get.until(' ')));
  checkpoint.frames = get.number(' ');
  checkpoint.bytes = get.number('\n');
  checkpoint.time = get.time();
  const bool sound = get.done() && checkpoint.segment < segments_limit && checkpoint.frames < frames_limit &&
                     position == position_of(checkpoint);
  return sound ? std::optional(std::move(checkpoint)) : std::nullopt;
}

bool states(const Checkpoint& checkpoint, const SegmentLink& place) noexcept {
  return checkpoint.id == place.id && checkpoint.frames == place.frames && checkpoint.bytes == place.bytes &&
         checkpoint.chain == place.chain;
}

std::string text_of(const Tombstone& tombstone) {
  std::string text = tombstone.origin + "\ntombstone\nsegments 1 " + std::to_string(tombstone.last) + ' ' +
                     core::to_hex(tombstone.last_id);
  text.append("\nreason ").append(tombstone.reason);
  return text.append("\ntime ").append(tombstone.time) += '\n';
}

std::optional<Tombstone> parse_tombstone(std::string_view text) {
  Tombstone tombstone;
  TextReader get(text);
  tombstone.origin = get.until('\n');
  get.expect("tombstone\nsegments 1 ");
  tombstone.last = get.number(' ');
  get.fixed(tombstone.last_id, core::from_hex(get.until('\n')));
  get.expect("reason ");
  tombstone.reason = get.until('\n');
  tombstone.time = get.time();
  return get.done() && tombstone.last > 0 ? std::optional(std::move(tombstone)) : std::nullopt;
}

std::optional<NoteVerifier> signer_named_by(const SegmentHeader& header) {
  if (!is_note_name(header.origin)) return std::nullopt;
  auto key = core::crypto::PublicKey::from_ed25519(extension_of(header, signer_extension));
  return key ? std::optional(NoteVerifier(header.origin, std::move(*key))) : std::nullopt;
}

std::string_view note_in(core::ConstBytes frame) {
  const auto parts = parts_of(frame);
  if (!parts || parts->size() != 1) return {};
  const PartHead& head = parts->front().head;
  if (head.type != PartType::signed_note || head.key != no_key || head.flags != 0 || head.step != 0) return {};
  return core::text_of(parts->front().sealed);
}

}  // namespace sallyport::logging
