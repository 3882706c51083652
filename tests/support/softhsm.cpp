#include "tests/support/softhsm.hpp"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <cstring>
#include <initializer_list>
#include <vector>

#include "tests/support/process.hpp"

namespace sallyport::tests {

namespace {

void must(CK_RV code, const char* what) {
  if (code != CKR_OK) throw std::runtime_error(std::string(what) + " gave " + std::to_string(code));
}

// The module, started for one piece of work.
class Module {
 public:
  explicit Module(const path& file) : library_(::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) throw std::runtime_error(::dlerror());
    const auto list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library_, "C_GetFunctionList"));
    must(list(&call), "C_GetFunctionList");
    must(call->C_Initialize(nullptr), "C_Initialize");
  }
  ~Module() {
    call->C_Finalize(nullptr);
    ::dlclose(library_);
  }

  CK_SESSION_HANDLE log_in(const std::string& token) const {
    CK_SLOT_ID slots[16];
    CK_ULONG count = std::size(slots);
    must(call->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      must(call->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
      if (std::memcmp(info.label, (token + " ").data(), token.size() + 1) != 0) continue;
      CK_SESSION_HANDLE session{};
      must(call->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session), "a session");
      must(call->C_Login(session, CKU_USER, reinterpret_cast<CK_BYTE*>(const_cast<char*>(SoftHsm::pin)),
                         std::strlen(SoftHsm::pin)),
           "C_Login");
      return session;
    }
    throw std::runtime_error("no token " + token);
  }

  CK_FUNCTION_LIST* call = nullptr;

 private:
  void* library_;
};

void generate(const path& file, const std::string& token, std::string label, CK_MECHANISM_TYPE type,
              std::vector<CK_ATTRIBUTE> of_public, SoftHsm::WantsPin wants_pin) {
  const Module module(file);
  const CK_SESSION_HANDLE session = module.log_in(token);
  CK_BBOOL yes = CK_TRUE;
  std::vector<CK_ATTRIBUTE> common = {
      {CKA_TOKEN, &yes, sizeof yes}, {CKA_LABEL, label.data(), label.size()}, {CKA_ID, label.data(), label.size()}};
  of_public.insert(of_public.end(), common.begin(), common.end());
  std::vector<CK_ATTRIBUTE> of_private = common;
  for (const CK_ATTRIBUTE_TYPE attribute : {CKA_PRIVATE, CKA_SENSITIVE, CKA_DECRYPT, CKA_DERIVE}) {
    of_private.push_back({attribute, &yes, sizeof yes});
  }
  if (wants_pin == SoftHsm::WantsPin::at_each_use) of_private.push_back({CKA_ALWAYS_AUTHENTICATE, &yes, sizeof yes});
  CK_MECHANISM mechanism{type, nullptr, 0};
  CK_OBJECT_HANDLE public_key{}, private_key{};
  must(module.call->C_GenerateKeyPair(session, &mechanism, of_public.data(), of_public.size(), of_private.data(),
                                      of_private.size(), &public_key, &private_key),
       "C_GenerateKeyPair");
}

void generate_ec(const path& file, const std::string& token, const std::string& label, std::string curve,
                 SoftHsm::WantsPin wants_pin) {
  generate(file, token, label, CKM_EC_KEY_PAIR_GEN, {{CKA_EC_PARAMS, curve.data(), curve.size()}}, wants_pin);
}

}  // namespace

SoftHsm::SoftHsm() {
  std::filesystem::create_directory(directory_ / "tokens");
  write_file(directory_ / "softhsm2.conf", "directories.tokendir = " + (directory_ / "tokens").string() +
                                               "\nobjectstore.backend = file\nlog.level = ERROR\n");
  ::setenv("SOFTHSM2_CONF", (directory_ / "softhsm2.conf").c_str(), 1);
}

SoftHsm::~SoftHsm() { ::unsetenv("SOFTHSM2_CONF"); }

path SoftHsm::module() const {
  for (const char* file : {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"}) {
    if (std::filesystem::exists(file)) return file;
  }
  throw std::runtime_error("SoftHSM2 is not installed (package softhsm2)");
}

void SoftHsm::utility(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {"softhsm2-util"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Finished finished = run(command);
  if (finished.exit_code != 0) throw std::runtime_error("softhsm2-util: " + finished.out + finished.errors);
}

void SoftHsm::add_token(const std::string& label) const {
  utility({"--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", security_officer_pin});
}

void SoftHsm::generate_p256(const std::string& token, const std::string& label, WantsPin wants_pin) const {
  generate_ec(module(), token, label, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", wants_pin);  // 1.2.840.10045.3.1.7
}

void SoftHsm::generate_p384(const std::string& token, const std::string& label) const {
  generate_ec(module(), token, label, std::string("\x06\x05\x2b\x81\x04\x00\x22", 7), WantsPin::once);  // 1.3.132.0.34
}

void SoftHsm::generate_rsa(const std::string& token, const std::string& label, unsigned long bits,
                           WantsPin wants_pin) const {
  CK_BYTE exponent[] = {1, 0, 1};
  generate(module(), token, label, CKM_RSA_PKCS_KEY_PAIR_GEN,
           {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}}, wants_pin);
}

void SoftHsm::import(const std::string& token, const std::string& label, const path& pem) const {
  utility({"--import", pem.string(), "--token", token, "--label", label, "--id", "0a0b", "--pin", pin});
}

void SoftHsm::remove_public_key(const std::string& token, std::string label) const {
  const Module with(module());
  const CK_SESSION_HANDLE session = with.log_in(token);
  CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
  CK_ATTRIBUTE like[] = {{CKA_CLASS, &public_class, sizeof public_class}, {CKA_LABEL, label.data(), label.size()}};
  must(with.call->C_FindObjectsInit(session, like, std::size(like)), "C_FindObjectsInit");
  CK_OBJECT_HANDLE found{};
  CK_ULONG count = 0;
  must(with.call->C_FindObjects(session, &found, 1, &count), "C_FindObjects");
  must(with.call->C_FindObjectsFinal(session), "C_FindObjectsFinal");
  if (count == 0) throw std::runtime_error("no public key " + label);
  must(with.call->C_DestroyObject(session, found), "C_DestroyObject");
}

void SoftHsm::lose_tokens() const { std::filesystem::remove_all(directory_ / "tokens"); }

}  // namespace sallyport::tests
