// RecordProtection: seals or opens the TLS records of one direction of a connection, after the handshake (RFC 8446
// §5.2, §5.3, §7.3). It holds the key and counts the records. No I/O; the handshake is OpenSSL's (handshake.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.hpp"
#include "core/crypto.hpp"
#include "core/secret.hpp"

namespace sallyport::tls {

// RFC 8446 §B.1.
enum class ContentType : std::uint8_t { none = 0, alert = 21, handshake = 22, application_data = 23 };

// Bytes of a record: the header; the most content; header, type and tag together; the most that a whole record may
// have, with the padding that its sender may add (RFC 8446 §5.2).
inline constexpr std::size_t record_header_size = 5;
inline constexpr std::size_t record_content_limit = 1 << 14;
inline constexpr std::size_t record_overhead = record_header_size + 1 + core::crypto::Aead::tag_size;
inline constexpr std::size_t record_limit = record_header_size + record_content_limit + 256;

// The size of a record, header included, as its header says. `header` holds at least record_header_size bytes.
inline std::size_t record_size_of(core::ConstBytes header) noexcept {
  return record_header_size + (std::to_integer<std::size_t>(header[3]) << 8 | std::to_integer<std::size_t>(header[4]));
}

struct CipherSuite {
  core::crypto::AeadAlgorithm cipher;
  core::crypto::Hash hash;
};

// The suite with this number (RFC 8446 §B.4), of the three that OpenSSL offers by default; nothing for any other.
std::optional<CipherSuite> cipher_suite_of(std::uint16_t number) noexcept;

class RecordProtection {
 public:
  // traffic_secret: one side's application_traffic_secret_0. records_before: how many records OpenSSL has sealed with
  // it.
  RecordProtection(CipherSuite suite, core::Secret traffic_secret, std::uint64_t records_before = 0);

  // Turns out[begin..] into a record, in place. It is given as record_header_size bytes of room, then the content, at
  // most record_content_limit bytes; `out` grows by the type and the tag.
  void seal(ContentType type, core::Bytes& out, std::size_t begin);

  struct Content {
    ContentType type;  // as the peer sent it; none when there was only padding
    std::size_t size;
  };
  // Opens a whole record, header included; the first `size` bytes of `into` are the content. `into` has
  // room_to_open(record) bytes, and may be the record's own buffer behind its header. Nothing when the record is too
  // short or not authentic; `into` is then wiped.
  std::optional<Content> open(core::ConstBytes record, core::MutableBytes into);

  // The bytes that open() writes: the content, its type and its padding. 0 for a record that is too short.
  static std::size_t room_to_open(core::ConstBytes record) noexcept;

  // The protection of the records that follow a KeyUpdate, under the next key (RFC 8446 §4.6.3, §7.2).
  RecordProtection next() const;

  // True when the key has protected so many records that it should be replaced (RFC 8446 §5.5).
  bool is_worn() const noexcept { return records_ >= records_under_one_key; }

 private:
  // AES-GCM is safe for 2^24.5 full records; the same limit serves all ciphers.
  static constexpr std::uint64_t records_under_one_key = std::uint64_t{1} << 24;

  core::crypto::Aead::Nonce next_nonce();

  CipherSuite suite_;
  core::Secret traffic_secret_;
  core::crypto::Aead aead_;
  core::crypto::Aead::Nonce write_iv_{};
  std::uint64_t records_ = 0;
};

}  // namespace sallyport::tls
