// A key in an HSM, a smart card or any other token with a PKCS#11 module. The private half stays there.
//
// A P-256 key does HPKE's one step with the private key (ECDH); the derivation is done here. An RSA key opens OAEP with
// SHA-256 in the token where that can, else the token does the bare RSA operation and the padding is taken off here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/private_key.hpp"
#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

struct Pkcs11Reference {
  std::filesystem::path module;  // the shared library that speaks PKCS#11 for the token
  std::string token;             // the token's label
  std::string object;            // the key's label; empty: every key there that can open is taken
};

class Pkcs11Holder final : public KeyHolder {
 public:
  // `ask_pin` is called when the token wants a PIN. Throws HolderFailed: the module, the token or the key is missing,
  // the PIN is wrong or locked.
  Pkcs11Holder(const Pkcs11Reference& reference, const core::crypto::AskPassphrase& ask_pin);
  ~Pkcs11Holder() override;

  // From the public keys on the token: what goes into the gateway's configuration.
  std::vector<Recipient> recipients() const override;
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

}  // namespace sallyport::envelope
