#include "auth/token_text.hpp"

#include "core/base64.hpp"
#include "core/crypto.hpp"

namespace sallyport::auth {
namespace {

constexpr std::string_view prefix = "sp-";
constexpr std::size_t random_size = 32;
constexpr std::size_t body_size = 43;  // base64url of random_size bytes
constexpr std::size_t checksum_size = 6;
constexpr std::size_t token_size = prefix.size() + body_size + checksum_size;
constexpr std::size_t id_random_size = 8;

// 5 bytes make 7 base64url digits; the first 6 of them are 36 bits.
std::string checksum(std::string_view text) {
  const core::crypto::Digest digest = core::crypto::sha256(core::bytes_of(text));
  return core::to_base64url(core::ConstBytes(digest).first(5)).substr(0, checksum_size);
}

// Arithmetic instead of a table and branches, so that the time does not depend on the characters.
bool is_base64url(std::string_view text) noexcept {
  unsigned wrong = 0;
  for (const unsigned char c : text) {
    const unsigned letter = unsigned((c | 0x20u) - 'a') < 26u;
    const unsigned digit = unsigned(c - '0') < 10u;
    wrong |= ~(letter | digit | unsigned(c == '-') | unsigned(c == '_')) & 1u;
  }
  return wrong == 0;
}

}  // namespace

core::Secret make_token_text() {
  core::Secret random(random_size);
  core::crypto::random(random.reveal_for_writing());
  std::string body = core::to_base64url(random.reveal());
  std::string text;
  text.reserve(token_size);  // a reallocation would leave an unwiped copy
  text.append(prefix).append(body);
  core::Secret::take(body);
  text.append(checksum(text));
  return core::Secret::take(text);
}

bool is_well_formed_token(std::string_view text) {
  if (text.size() != token_size || !text.starts_with(prefix) || !is_base64url(text)) return false;
  const std::string_view covered = text.substr(0, token_size - checksum_size);
  return core::crypto::equal(core::bytes_of(checksum(covered)), core::bytes_of(text.substr(covered.size())));
}

TokenHash hash_token(std::string_view text) { return core::crypto::sha256(core::bytes_of(text)); }

std::string make_token_id() {
  std::array<std::byte, id_random_size> random;
  core::crypto::random(random);
  return "tk-" + core::to_hex(random);
}

}  // namespace sallyport::auth
