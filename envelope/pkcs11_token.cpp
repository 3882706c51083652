#include "envelope/pkcs11_token.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>

#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

namespace {

constexpr CK_ULONG most_objects = 1024;         // of one search
constexpr CK_ULONG most_attribute = 4096;       // bytes; an 8192-bit modulus has 1024
constexpr std::size_t shared_secret_size = 32;  // a coordinate of P-256

// PKCS #11 v3.0 section 5.1: the return codes that an operator can act on. The others are shown as numbers.
std::string words(CK_RV code) {
  switch (code) {
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_SLOT_ID_INVALID:
      return "the token is gone";
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
      return "the token has ended the session";
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
      return "the key is gone from the token";
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_KEY_TYPE_INCONSISTENT:
    case CKR_ACTION_PROHIBITED:
      return "the key is not allowed to do that (P-256 needs CKA_DERIVE, RSA CKA_DECRYPT)";
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_FUNCTION_NOT_SUPPORTED:
      return "the token cannot do that";
    case CKR_FUNCTION_CANCELED:
      return "it was cancelled there";
    case CKR_DEVICE_ERROR:
    case CKR_DEVICE_MEMORY:
      return "the token has a fault of its own";
    default:
      char number[32];
      std::snprintf(number, sizeof number, "PKCS#11 error 0x%lx", code);
      return number;
  }
}

// Labels are padded with blanks to 32 characters.
std::string label_in(const CK_TOKEN_INFO& info) {
  std::string label(reinterpret_cast<const char*>(info.label), sizeof info.label);
  label.erase(label.find_last_not_of(std::string_view(" \0", 2)) + 1);
  return label;
}

CK_BYTE* raw(core::ConstBytes bytes) { return const_cast<CK_BYTE*>(reinterpret_cast<const CK_BYTE*>(bytes.data())); }
CK_BYTE* raw(core::Secret& secret) { return reinterpret_cast<CK_BYTE*>(secret.reveal_for_writing().data()); }

}  // namespace

Pkcs11Module::Pkcs11Module(const std::filesystem::path& file) {
  library_ = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  // dlerror() names the file and what is wrong with it.
  if (library_ == nullptr) throw HolderFailed(std::string("the PKCS#11 module cannot be loaded: ") + ::dlerror());
  const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library_, "C_GetFunctionList"));
  if (list == nullptr || list(&functions_) != CKR_OK || functions_ == nullptr) {
    ::dlclose(library_);
    throw HolderFailed(file.string() + " is no PKCS#11 module: it does not give its functions");
  }
  const CK_RV started = functions_->C_Initialize(nullptr);
  initialized_here_ = started == CKR_OK;
  if (started != CKR_OK && started != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
    ::dlclose(library_);
    throw HolderFailed(file.string() + " does not start: " + words(started));
  }
}

Pkcs11Module::~Pkcs11Module() {
  if (initialized_here_) functions_->C_Finalize(nullptr);
  ::dlclose(library_);
}

CK_SLOT_ID Pkcs11Module::slot_of(const std::string& token_label) const {
  CK_ULONG count = 0;
  if (call().C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) count = 0;
  std::vector<CK_SLOT_ID> slots(count);
  if (count > 0 && call().C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) count = 0;
  slots.resize(std::min<std::size_t>(slots.size(), count));
  std::string others;
  for (const CK_SLOT_ID slot : slots) {
    CK_TOKEN_INFO info{};
    if (call().C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    if (label_in(info) == token_label) return slot;
    others += (others.empty() ? "" : ", ") + ("\"" + label_in(info) + "\"");
  }
  throw HolderFailed("there is no token \"" + token_label + "\"; the module has " +
                     (others.empty() ? "none (is it plugged in, is the module configured?)" : others));
}

Pkcs11Token::Pkcs11Token(const std::filesystem::path& module, std::string label, const AskPin& ask_pin)
    : label_(std::move(label)), module_(module), slot_(module_.slot_of(label_)) {
  const CK_RV opened = module_.call().C_OpenSession(slot_, CKF_SERIAL_SESSION, nullptr, nullptr, &session_);
  if (opened != CKR_OK) fail(opened, "open a session");
  try {
    if ((flags() & CKF_LOGIN_REQUIRED) != 0) log_in(ask_pin);
  } catch (...) {
    module_.call().C_CloseSession(session_);
    throw;
  }
}

Pkcs11Token::~Pkcs11Token() { module_.call().C_CloseSession(session_); }

void Pkcs11Token::log_in(const AskPin& ask_pin) {
  const bool has_pad = (flags() & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
  if (ask_pin) pin_ = ask_pin(has_pad);
  // A wrong PIN costs one of few tries, so an empty one is not even tried.
  if (pin_.empty() && !has_pad) throw HolderFailed("the token \"" + label_ + "\" wants its PIN");
  show_pin(CKU_USER);
}

// A null PIN makes the token ask for it on its own pad (PKCS #11 v3.0, C_Login).
void Pkcs11Token::show_pin(CK_USER_TYPE user) const {
  const std::string token = "the token \"" + label_ + "\"";
  CK_BYTE* const pin = pin_.empty() ? nullptr : raw(pin_.reveal());
  const CK_RV code = module_.call().C_Login(session_, user, pin, pin_.size());
  if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) return;
  if (code == CKR_PIN_LOCKED || (flags() & CKF_USER_PIN_LOCKED) != 0) {
    throw HolderFailed("the PIN of " + token +
                       " is locked after too many wrong ones; its security officer can reset it");
  }
  if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE) {
    const bool last = (flags() & CKF_USER_PIN_FINAL_TRY) != 0;
    throw HolderFailed("the PIN is wrong for " + token + (last ? "; one more wrong PIN locks it" : ""));
  }
  if (code == CKR_USER_PIN_NOT_INITIALIZED) throw HolderFailed(token + " has no user PIN yet");
  if (code == CKR_PIN_EXPIRED) throw HolderFailed("the PIN of " + token + " has expired");
  fail(code, "log in");
}

bool Pkcs11Token::wants_pin_at_each_use(CK_OBJECT_HANDLE key) const {
  return attribute(key, CKA_ALWAYS_AUTHENTICATE) == core::Bytes{std::byte{CK_TRUE}};
}

CK_FLAGS Pkcs11Token::flags() const {
  CK_TOKEN_INFO info{};
  return module_.call().C_GetTokenInfo(slot_, &info) == CKR_OK ? info.flags : 0;
}

bool Pkcs11Token::still_has(CK_OBJECT_HANDLE object) const {
  return (flags() & CKF_TOKEN_INITIALIZED) != 0 && !attribute(object, CKA_CLASS).empty();
}

void Pkcs11Token::fail(CK_RV code, const char* what) const {
  throw HolderFailed("the token \"" + label_ + "\" did not " + what + ": " + words(code));
}

std::vector<CK_OBJECT_HANDLE> Pkcs11Token::find(const std::vector<CK_ATTRIBUTE>& like) const {
  std::vector<CK_ATTRIBUTE> copy = like;  // C_FindObjectsInit takes no const template
  if (const CK_RV code = module_.call().C_FindObjectsInit(session_, copy.data(), copy.size()); code != CKR_OK) {
    fail(code, "search its keys");
  }
  // Some tokens give a few objects at a time; the search ends when a call gives none.
  std::vector<CK_OBJECT_HANDLE> found(most_objects);
  CK_ULONG size = 0, count = 0;
  CK_RV code = CKR_OK;
  do {
    code = module_.call().C_FindObjects(session_, found.data() + size, most_objects - size, &count);
    size += std::min(count, most_objects - size);
  } while (code == CKR_OK && count > 0 && size < most_objects);
  module_.call().C_FindObjectsFinal(session_);
  if (code != CKR_OK) fail(code, "list its keys");
  if (size == most_objects) throw HolderFailed("the token \"" + label_ + "\" has too many keys; name one by object=");
  found.resize(size);
  return found;
}

core::Bytes Pkcs11Token::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (module_.call().C_GetAttributeValue(session_, object, &wanted, 1) != CKR_OK) return {};
  if (wanted.ulValueLen > most_attribute) return {};  // also CK_UNAVAILABLE_INFORMATION, which is all ones
  core::Bytes value(wanted.ulValueLen);
  wanted.pValue = value.data();
  if (module_.call().C_GetAttributeValue(session_, object, &wanted, 1) != CKR_OK) return {};
  value.resize(std::min<std::size_t>(value.size(), wanted.ulValueLen));
  return value;
}

core::Secret Pkcs11Token::derive(CK_OBJECT_HANDLE key, core::ConstBytes peer_point) const {
  CK_ECDH1_DERIVE_PARAMS peer{CKD_NULL, 0, nullptr, peer_point.size(), raw(peer_point)};
  CK_MECHANISM mechanism{CKM_ECDH1_DERIVE, &peer, sizeof peer};
  // A session object with a readable value: it is the input of HPKE's key derivation, which tokens do not offer.
  CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
  CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
  CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  CK_ULONG size = shared_secret_size;
  CK_ATTRIBUTE like[] = {{CKA_CLASS, &secret_key, sizeof secret_key},
                         {CKA_KEY_TYPE, &generic, sizeof generic},
                         {CKA_TOKEN, &no, sizeof no},
                         {CKA_SENSITIVE, &no, sizeof no},
                         {CKA_EXTRACTABLE, &yes, sizeof yes},
                         {CKA_VALUE_LEN, &size, sizeof size}};
  CK_OBJECT_HANDLE derived = CK_INVALID_HANDLE;
  const CK_RV code = module_.call().C_DeriveKey(session_, &mechanism, key, like, std::size(like), &derived);
  // CKU_CONTEXT_SPECIFIC needs an operation that has been started, and C_DeriveKey starts and ends it in one call.
  if (code == CKR_USER_NOT_LOGGED_IN && wants_pin_at_each_use(key)) {
    throw HolderFailed("the key wants the PIN of the token \"" + label_ +
                       "\" at each use, and PKCS#11 cannot show it for ECDH; one without CKA_ALWAYS_AUTHENTICATE can "
                       "be used");
  }
  if (code != CKR_OK) fail(still_has(key) ? code : CKR_DEVICE_REMOVED, "agree on a key by ECDH");
  core::Secret shared(shared_secret_size);
  CK_ATTRIBUTE value{CKA_VALUE, raw(shared), shared.size()};
  const CK_RV read = module_.call().C_GetAttributeValue(session_, derived, &value, 1);
  module_.call().C_DestroyObject(session_, derived);
  if (read != CKR_OK || value.ulValueLen != shared.size()) fail(read, "show the key agreed on by ECDH");
  return shared;
}

bool Pkcs11Token::start_decryption(CK_OBJECT_HANDLE key, CK_MECHANISM mechanism) const {
  const CK_RV code = module_.call().C_DecryptInit(session_, &mechanism, key);
  if (code == CKR_OK) {
    if (wants_pin_at_each_use(key)) show_pin(CKU_CONTEXT_SPECIFIC);
    return true;
  }
  // SoftHSM answers CKR_ARGUMENTS_BAD to an OAEP hash that it does not support.
  if (code == CKR_MECHANISM_INVALID || code == CKR_MECHANISM_PARAM_INVALID || code == CKR_ARGUMENTS_BAD) return false;
  fail(still_has(key) ? code : CKR_DEVICE_REMOVED, "start to decrypt");
}

core::Result<core::Secret> Pkcs11Token::finish_decryption(CK_OBJECT_HANDLE key, core::ConstBytes ciphertext,
                                                          std::size_t most) const {
  core::Secret room(most);
  CK_ULONG size = room.size();
  const CK_RV code = module_.call().C_Decrypt(session_, raw(ciphertext), ciphertext.size(), raw(room), &size);
  if (code == CKR_OK) return core::Secret(room.reveal().first(std::min<std::size_t>(size, most)));
  // Tokens disagree on the code for bad padding. If token and key are still there, the ciphertext is at fault.
  const bool lost = code == CKR_SESSION_CLOSED || code == CKR_SESSION_HANDLE_INVALID || code == CKR_USER_NOT_LOGGED_IN;
  if (lost || !still_has(key)) fail(lost ? code : CKR_DEVICE_REMOVED, "decrypt");
  return core::Error{core::Reason::not_authentic};
}

}  // namespace sallyport::envelope
