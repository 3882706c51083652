// A session with a PKCS#11 token, logged in, reduced to the calls that pkcs11.cpp needs. Only that file uses it.
#pragma once

#include <p11-kit/pkcs11.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "envelope/pkcs11.hpp"

namespace sallyport::envelope {

// The loaded and initialized PKCS#11 library. Constructor and slot_of() throw HolderFailed.
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
  bool initialized_here_ = false;  // false: other code of this process initialized it before, and finalizes it
};

// A call that the token refuses throws HolderFailed with its reason in words, unless said otherwise.
class Pkcs11Token {
 public:
  // `ask_pin` is called once, if the token requires a login.
  Pkcs11Token(const std::filesystem::path& module, std::string label, const AskPin& ask_pin);
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;
  ~Pkcs11Token();

  // The objects that match the template. Throws also when there are 1024 or more.
  std::vector<CK_OBJECT_HANDLE> find(const std::vector<CK_ATTRIBUTE>& like) const;
  // Empty when the object has no such attribute, does not reveal it, or it is longer than 4096 bytes.
  core::Bytes attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;

  // The x coordinate (32 bytes) of the point that key and peer share (CKM_ECDH1_DERIVE without a derivation function).
  core::Secret derive(CK_OBJECT_HANDLE key, core::ConstBytes peer_point) const;

  // False when the token does not support the mechanism for this key. On true, finish_decryption() must follow. Gives
  // the token the PIN again if the key has CKA_ALWAYS_AUTHENTICATE.
  bool start_decryption(CK_OBJECT_HANDLE key, CK_MECHANISM mechanism) const;
  // The plaintext, at most `most` bytes. Errors: not_authentic, when the token rejects the ciphertext.
  core::Result<core::Secret> finish_decryption(CK_OBJECT_HANDLE key, core::ConstBytes ciphertext,
                                               std::size_t most) const;

 private:
  void log_in(const AskPin& ask_pin);
  void show_pin(CK_USER_TYPE user) const;
  bool wants_pin_at_each_use(CK_OBJECT_HANDLE key) const;
  CK_FLAGS flags() const;  // 0 when the token is gone
  bool still_has(CK_OBJECT_HANDLE object) const;
  [[noreturn]] void fail(CK_RV code, const char* what) const;

  std::string label_;
  Pkcs11Module module_;
  CK_SLOT_ID slot_;
  CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
  core::Secret pin_;  // empty: the token asks for it on its own pad
};

}  // namespace sallyport::envelope
