// A private key in an HSM, a smart card or any other token with a PKCS#11 module. It never leaves the token.
//
// With a P-256 key, the token does the ECDH of HPKE; the key derivation is done here. With an RSA key, the token does
// RSA-OAEP with SHA-256 if it can; otherwise it does the bare RSA operation, and the padding is removed here. For an
// RSA key with CKA_ALWAYS_AUTHENTICATE the PIN is kept in memory, and given to the token again at each decryption.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/secret.hpp"
#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

struct Pkcs11Reference {
  std::filesystem::path module;  // the shared library that speaks PKCS#11 for the token
  std::string token;             // the token's label
  std::string object;            // the key's label; empty: all P-256 and RSA keys on the token
};

// Gives a token's PIN. `has_pad`: the token has a PIN pad (CKF_PROTECTED_AUTHENTICATION_PATH); an empty PIN then means
// that the user enters it there.
using AskPin = std::function<core::Secret(bool has_pad)>;

class Pkcs11Holder final : public KeyHolder {
 public:
  // `ask_pin` is called once, if the token requires a login. Throws HolderFailed: the module, the token or the key is
  // missing, or the PIN is missing, wrong, expired or locked.
  Pkcs11Holder(const Pkcs11Reference& reference, const AskPin& ask_pin);
  ~Pkcs11Holder() override;

  // One for each key; they belong in the gateway's configuration.
  std::vector<Recipient> recipients() const override;
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

}  // namespace sallyport::envelope
