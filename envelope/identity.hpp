// Identity: the private key of a recipient, read from a key file. It is used where logs are read, never in the gateway.
#pragma once

#include <filesystem>
#include <variant>

#include "core/hybrid_key.hpp"
#include "core/private_key.hpp"
#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

class Identity final : public KeyHolder {
 public:
  // `file`: a private key in PEM (PKCS#8, or an older form that OpenSSL reads), with the permissions that
  // core/private_file.hpp demands. `ask` is called when the key is encrypted, and again if its first answer is empty;
  // what it throws is passed on. Throws std::runtime_error naming the file and what is wrong, never the content.
  static Identity load(const std::filesystem::path& file, const core::crypto::AskPassphrase& ask);

  // Throws std::invalid_argument for an Ed25519 key, which can only sign.
  explicit Identity(core::crypto::PrivateKey key);
  explicit Identity(core::crypto::HybridPrivateKey key);

  const Recipient& recipient() const noexcept { return recipient_; }
  std::vector<Recipient> recipients() const override { return {recipient_}; }
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  std::variant<core::crypto::PrivateKey, core::crypto::HybridPrivateKey> key_;
  Recipient recipient_;
  std::string id_;
};

}  // namespace sallyport::envelope
