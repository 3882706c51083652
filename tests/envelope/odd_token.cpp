// A PKCS#11 module that hands every call to SoftHSM2 and behaves in one way as other tokens do. ODD_TOKEN_MODULE names
// SoftHSM2's file, ODD_TOKEN says how to be odd. Built for tests alone.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST odd{};
bool oaep_started = false, removed = false, pin_was_wrong = false;

bool is(std::string_view way) {
  const char* chosen = std::getenv("ODD_TOKEN");
  return chosen != nullptr && way == chosen;
}

CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  oaep_started = false;
  if (is("oaep in the token") && mechanism->mechanism == CKM_RSA_PKCS_OAEP) {
    const auto& oaep = *static_cast<const CK_RSA_PKCS_OAEP_PARAMS*>(mechanism->pParameter);
    if (oaep.hashAlg != CKM_SHA256 || oaep.mgf != CKG_MGF1_SHA256 || oaep.ulSourceDataLen != 0) {
      return CKR_MECHANISM_PARAM_INVALID;
    }
    CK_MECHANISM bare{CKM_RSA_X_509, nullptr, 0};
    oaep_started = true;
    return real->C_DecryptInit(session, &bare, key);
  }
  if (is("no rsa")) return CKR_MECHANISM_INVALID;
  return real->C_DecryptInit(session, mechanism, key);
}

CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG size, CK_BYTE_PTR out, CK_ULONG_PTR out_size) {
  const CK_RV code = real->C_Decrypt(session, in, size, out, out_size);
  if (is("general error")) return CKR_GENERAL_ERROR;
  if (is("removed")) {
    removed = true;
    return CKR_GENERAL_ERROR;
  }
  if (is("session ended")) return CKR_SESSION_HANDLE_INVALID;
  if (code == CKR_OK && is("short block")) {
    const CK_ULONG zeros =
        static_cast<CK_ULONG>(std::find_if(out, out + *out_size, [](CK_BYTE b) { return b != 0; }) - out);
    *out_size -= zeros;
    std::memmove(out, out + zeros, *out_size);
  }
  if (code == CKR_OK && oaep_started) {
    std::vector<CK_BYTE> block(out, out + *out_size);
    const int room = static_cast<int>(block.size());
    const int opened =
        RSA_padding_check_PKCS1_OAEP_mgf1(out, room, block.data(), room, room, nullptr, 0, EVP_sha256(), EVP_sha256());
    if (opened < 0) return CKR_ENCRYPTED_DATA_INVALID;
    *out_size = static_cast<CK_ULONG>(opened);
  }
  return code;
}

// Without the two bytes of DER before the point. The caller's room is then two bytes less than SoftHSM2 wants.
CK_RV get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR wanted, CK_ULONG count) {
  if (!is("bare point") || wanted->type != CKA_EC_POINT) {
    return real->C_GetAttributeValue(session, object, wanted, count);
  }
  std::vector<CK_BYTE> room(67);
  CK_ATTRIBUTE whole{CKA_EC_POINT, room.data(), room.size()};
  const CK_RV code = real->C_GetAttributeValue(session, object, &whole, 1);
  if (wanted->pValue != nullptr) std::memcpy(wanted->pValue, room.data() + 2, wanted->ulValueLen);
  wanted->ulValueLen = 65;
  return code;
}

CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR found, CK_ULONG most, CK_ULONG_PTR count) {
  if (is("endless")) {
    std::fill_n(found, most, CK_OBJECT_HANDLE{1});
    *count = most;
    return CKR_OK;
  }
  return real->C_FindObjects(session, found, is("one at a time") ? 1 : most, count);
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE_PTR pin, CK_ULONG size) {
  if (is("pad") && pin == nullptr) {  // somebody enters it there
    static CK_BYTE entered[] = "1234-user";
    return real->C_Login(session, user, entered, sizeof entered - 1);
  }
  if (is("cancelled pad")) return CKR_FUNCTION_CANCELED;
  const CK_RV code = real->C_Login(session, user, pin, size);
  pin_was_wrong = code != CKR_OK;
  return code;
}

CK_RV derive_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_PTR like,
                 CK_ULONG count, CK_OBJECT_HANDLE_PTR derived) {
  if (is("pin for ecdh")) return CKR_USER_NOT_LOGGED_IN;
  return real->C_DeriveKey(session, mechanism, key, like, count, derived);
}

CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  const CK_RV code = removed ? CKR_TOKEN_NOT_PRESENT : real->C_GetTokenInfo(slot, info);
  if (code == CKR_OK && pin_was_wrong && is("final try")) info->flags |= CKF_USER_PIN_FINAL_TRY;
  if (code == CKR_OK && pin_was_wrong && is("locked")) info->flags |= CKF_USER_PIN_LOCKED;
  if (code == CKR_OK && (is("pad") || is("cancelled pad"))) info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
  return code;
}

}  // namespace

extern "C" CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = ::dlopen(std::getenv("ODD_TOKEN_MODULE"), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  if (const CK_RV code = get(&real); code != CKR_OK) return code;
  odd = *real;
  odd.C_DecryptInit = decrypt_init;
  odd.C_Decrypt = decrypt;
  odd.C_GetAttributeValue = get_attribute;
  odd.C_FindObjects = find_objects;
  odd.C_Login = login;
  odd.C_DeriveKey = derive_key;
  odd.C_GetTokenInfo = token_info;
  *list = &odd;
  return CKR_OK;
}
