#include "tls/record_protection.hpp"

#include <algorithm>
#include <utility>

#include "tls/expand_label.hpp"

namespace sallyport::tls {

using core::crypto::Aead;
using core::crypto::AeadAlgorithm;
using core::crypto::Hash;

namespace {

constexpr std::size_t tag_size = Aead::tag_size;

// The header of every record after the handshake says application data of TLS 1.2; the real type is inside (§5.2).
void write_header(core::MutableBytes header, std::size_t sealed_size) {
  header[0] = static_cast<std::byte>(ContentType::application_data);
  header[1] = header[2] = std::byte{3};
  header[3] = static_cast<std::byte>(sealed_size >> 8);
  header[4] = static_cast<std::byte>(sealed_size);
}

core::Secret key_of(const CipherSuite& suite, core::ConstBytes secret) {
  core::Secret key(Aead::key_size_of(suite.cipher));
  expand_label(suite.hash, secret, "key", {}, key.reveal_for_writing());
  return key;
}

}  // namespace

std::optional<CipherSuite> cipher_suite_of(std::uint16_t number) noexcept {
  switch (number) {
    case 0x1301:
      return CipherSuite{AeadAlgorithm::aes_128_gcm, Hash::sha256};
    case 0x1302:
      return CipherSuite{AeadAlgorithm::aes_256_gcm, Hash::sha384};
    case 0x1303:
      return CipherSuite{AeadAlgorithm::chacha20_poly1305, Hash::sha256};
    default:
      return std::nullopt;
  }
}

RecordProtection::RecordProtection(CipherSuite suite, core::Secret traffic_secret, std::uint64_t records_before)
    : suite_(suite),
      traffic_secret_(std::move(traffic_secret)),
      aead_(suite.cipher, key_of(suite, traffic_secret_.reveal()).reveal()),
      records_(records_before) {
  expand_label(suite.hash, traffic_secret_.reveal(), "iv", {}, write_iv_);
}

RecordProtection RecordProtection::next() const {
  core::Secret next(traffic_secret_.size());
  expand_label(suite_.hash, traffic_secret_.reveal(), "traffic upd", {}, next.reveal_for_writing());
  return {suite_, std::move(next)};
}

// No nonce is used twice under one key: the count goes up by one a record, begins behind what OpenSSL has sealed, or at
// 0 for a new key, and 64 bits do not run out.
Aead::Nonce RecordProtection::next_nonce() {
  Aead::Nonce nonce = write_iv_;
  const std::uint64_t number = records_++;
  for (std::size_t i = 0; i < sizeof number; ++i)
    nonce[nonce.size() - 1 - i] ^= static_cast<std::byte>(number >> 8 * i);
  return nonce;
}

void RecordProtection::seal(ContentType type, core::Bytes& out, std::size_t begin) {
  out.push_back(static_cast<std::byte>(type));
  out.resize(out.size() + tag_size);
  const core::MutableBytes record = core::MutableBytes(out).subspan(begin);
  const core::MutableBytes header = record.first(record_header_size), sealed = record.subspan(record_header_size);
  write_header(header, sealed.size());
  aead_.seal(next_nonce(), header, sealed.first(sealed.size() - tag_size), sealed);
}

std::size_t RecordProtection::room_to_open(core::ConstBytes record) noexcept {
  return record.size() < record_overhead ? 0 : record.size() - record_header_size - tag_size;
}

std::optional<RecordProtection::Content> RecordProtection::open(core::ConstBytes record, core::MutableBytes into) {
  if (into.empty()) return std::nullopt;
  if (!aead_.open(next_nonce(), record.first(record_header_size), record.subspan(record_header_size), into)) {
    return std::nullopt;
  }
  // RFC 8446 §5.4: padding is zeros; the last byte before it is the type.
  std::size_t size = into.size();
  while (size > 0 && into[size - 1] == std::byte{0}) --size;
  if (size == 0) return Content{ContentType::none, 0};
  return Content{static_cast<ContentType>(into[size - 1]), size - 1};
}

}  // namespace sallyport::tls
