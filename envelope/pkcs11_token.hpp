// A PKCS#11 token with somebody logged in, as few calls as this folder needs. Only pkcs11.cpp uses it.
#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/private_key.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace sallyport::envelope {

// The loaded library. Throws HolderFailed.
class Pkcs11Module {
 public:
  explicit Pkcs11Module(const std::filesystem::path& file);
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;
  ~Pkcs11Module();

  const CK_FUNCTION_LIST& call() const noexcept { return *functions_; }
  CK_SLOT_ID slot_of(const std::string& token_label) const;

 private:
  void* library_ = nullptr;
  CK_FUNCTION_LIST* functions_ = nullptr;
  bool ours_to_finish_ = false;  // not when somebody else in this process had started it
};

// A session of one token. What the token refuses throws HolderFailed with words for it, unless said otherwise.
class Pkcs11Token {
 public:
  Pkcs11Token(const std::filesystem::path& module, std::string label, const core::crypto::AskPassphrase& ask_pin);
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;
  ~Pkcs11Token();

  std::vector<CK_OBJECT_HANDLE> find(const std::vector<CK_ATTRIBUTE>& like) const;
  // Empty when the object has no such attribute, or does not show it.
  core::Bytes attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

  // The x coordinate of the point that key and peer share (CKM_ECDH1_DERIVE without a derivation function).
  core::Secret derive(CK_OBJECT_HANDLE key, core::ConstBytes peer_point) const;

  // Whether the token takes the mechanism for this key at all.
  bool start_decryption(CK_OBJECT_HANDLE key, CK_MECHANISM mechanism) const;
  // After it: at most `most` bytes. Errors: not_authentic, when it is the ciphertext that the token does not like.
  core::Result<core::Secret> finish_decryption(CK_OBJECT_HANDLE key, core::ConstBytes ciphertext,
                                               std::size_t most) const;

 private:
  void log_in(const core::crypto::AskPassphrase& ask_pin);
  CK_FLAGS flags() const;  // none when the token is gone
  bool still_has(CK_OBJECT_HANDLE object) const;
  [[noreturn]] void fail(CK_RV code, const char* what) const;

  std::string label_;
  Pkcs11Module module_;
  CK_SLOT_ID slot_;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

}  // namespace sallyport::envelope
