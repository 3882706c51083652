// A SoftHSM2 token in a directory of its own: a real PKCS#11 module to test against.
#pragma once

#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

// While one lives, SOFTHSM2_CONF names its configuration, for this process and those it starts.
class SoftHsm {
 public:
  SoftHsm();
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;
  ~SoftHsm();

  static constexpr const char* pin = "1234-user";
  static constexpr const char* security_officer_pin = "5678-officer";

  path module() const;
  path directory() const { return directory_.where(); }

  void add_token(const std::string& label) const;
  // Made in the token by C_GenerateKeyPair, and never outside it.
  enum class WantsPin : unsigned char { once, at_each_use };
  void generate_p256(const std::string& token, const std::string& label, WantsPin = WantsPin::once) const;
  void generate_p384(const std::string& token, const std::string& label) const;
  void generate_rsa(const std::string& token, const std::string& label, unsigned long bits,
                    WantsPin = WantsPin::once) const;
  // The private key's PEM, unencrypted PKCS#8.
  void import(const std::string& token, const std::string& label, const path& pem) const;
  // One of those with this label; its private key stays.
  void remove_public_key(const std::string& token, std::string label) const;
  // As if it were pulled out of its slot.
  void lose_tokens() const;

 private:
  void utility(const std::vector<std::string>& arguments) const;
  TemporaryDirectory directory_;
};

}  // namespace sallyport::tests
