// What protects the records of one direction of a connection after its handshake: a key, and a count of the records
// that it has sealed or opened (RFC 8446 §5.2, §5.3, §7.3). No I/O; the handshake is OpenSSL's (handshake.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.hpp"
#include "core/crypto.hpp"
#include "core/secret.hpp"

namespace sallyport::tls {

// RFC 8446 §B.1.
enum class ContentType : std::uint8_t { none = 0, alert = 21, handshake = 22, application_data = 23 };

// The sizes of a record: its header, the most content, what is around the content, and the most that a record may be
// with the padding that its sender may add (RFC 8446 §5.2).
inline constexpr std::size_t record_header_size = 5;
inline constexpr std::size_t record_content_limit = 1 << 14;
inline constexpr std::size_t record_overhead = record_header_size + 1 + core::crypto::Aead::tag_size;
inline constexpr std::size_t record_limit = record_header_size + record_content_limit + 256;

// As its header says, header included.
inline std::size_t record_size_of(core::ConstBytes header) noexcept {
  return record_header_size + (std::to_integer<std::size_t>(header[3]) << 8 | std::to_integer<std::size_t>(header[4]));
}

struct CipherSuite {
  core::crypto::AeadAlgorithm cipher;
  core::crypto::Hash hash;
};

// By its number (RFC 8446 §B.4): the three that OpenSSL offers. Nothing for any other.
std::optional<CipherSuite> cipher_suite_of(std::uint16_t number) noexcept;

class RecordProtection {
 public:
  // traffic_secret: one side's application_traffic_secret_0. records_before: what OpenSSL has sealed under it.
  RecordProtection(CipherSuite suite, core::Secret traffic_secret, std::uint64_t records_before = 0);

  // Makes a record of out[begin..], which is room for a header and then at most record_content_limit bytes of content;
  // it grows by the rest of record_overhead.
  void seal(ContentType type, core::Bytes& out, std::size_t begin);

  struct Content {
    ContentType type;  // as it was said; none where there was nothing but padding
    std::size_t size;
  };
  // Opens a whole record, header included, into `into`: its first `size` bytes are the content then.
  // into.size() == room_to_open(record); it may lie within the record. Nothing, with `into` wiped, when it is not
  // authentic.
  std::optional<Content> open(core::ConstBytes record, core::MutableBytes into);

  // What open() needs room for: the content, its type and its padding. 0 for a record too short to be one.
  static std::size_t room_to_open(core::ConstBytes record) noexcept;

  // Under the next key, for what follows a KeyUpdate (RFC 8446 §4.6.3, §7.2).
  RecordProtection next() const;

  // True when so much has passed under one key that it should be the next one's turn (RFC 8446 §5.5).
  bool is_worn() const noexcept { return records_ >= records_under_one_key; }

 private:
  // AES-GCM bears 2^24.5 full records; one limit for all.
  static constexpr std::uint64_t records_under_one_key = std::uint64_t{1} << 24;

  core::crypto::Aead::Nonce next_nonce();

  CipherSuite suite_;
  core::Secret traffic_secret_;
  core::crypto::Aead aead_;
  core::crypto::Aead::Nonce write_iv_{};
  std::uint64_t records_ = 0;
};

}  // namespace sallyport::tls
