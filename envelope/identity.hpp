// Identity: the private half of a recipient, from a key file. Lives where logs are read, never in the gateway.
#pragma once

#include <filesystem>
#include <variant>

#include "core/hybrid_key.hpp"
#include "core/private_key.hpp"
#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

class Identity final : public KeyHolder {
 public:
  // From a PEM file, PKCS#8, that only its owner may read. `ask` is called once, when it is encrypted.
  // Throws std::runtime_error naming the file and what is wrong with it, never its content.
  static Identity load(const std::filesystem::path& file, const core::crypto::AskPassphrase& ask);

  // Throws std::invalid_argument when no recipient has this type of key (Ed25519).
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
