// Published test vectors (tests/vectors/*.json; each file names its source) and the hex they are written in.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "core/base64.hpp"
#include "core/private_key.hpp"

namespace sallyport::tests {

inline nlohmann::json read_vectors(const std::string& name) {
  std::ifstream file(std::string(SOURCE_DIR "/tests/vectors/") + name);
  if (!file) throw std::runtime_error("no such vectors: " + name);
  return nlohmann::json::parse(file);
}

inline core::Bytes hex(const std::string& text) {
  auto bytes = core::from_hex(text);
  if (!bytes) throw std::invalid_argument("not hex: " + text);
  return *std::move(bytes);
}

inline core::Bytes hex(const nlohmann::json& vector, const char* name) {
  return hex(vector.at(name).get<std::string>());
}

inline core::crypto::PrivateKey private_key_from_der(const core::Bytes& der) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\n" + core::to_base64(der) + "\n-----END PRIVATE KEY-----\n";
  return core::crypto::PrivateKey::from_pem(core::bytes_of(pem), {});
}

// A P-256 key given as a number: PKCS#8 (RFC 5208) around an ECPrivateKey (RFC 5915) without its public half.
inline core::crypto::PrivateKey p256_key(const std::string& scalar) {
  const std::string padded = std::string(64, '0') + scalar;
  return private_key_from_der(hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420" +
                                  padded.substr(padded.size() - 64)));
}

}  // namespace sallyport::tests
