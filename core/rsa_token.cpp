// OpenSSL 3 deprecates the padding function with the rest of its low-level RSA functions and has no replacement for it.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "core/rsa_token.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "core/evp_key.hpp"

namespace sallyport::core::crypto {

namespace {

using Number = Handle<BIGNUM, BN_free>;

Number number(ConstBytes big_endian) {
  Number made(BN_bin2bn(raw(big_endian.data()), int_size(big_endian), nullptr));
  require(made != nullptr, "read a number");
  return made;
}

}  // namespace

std::optional<PublicKey> rsa_public_key(ConstBytes modulus, ConstBytes public_exponent) {
  if (modulus.size() > maximum_rsa_bits / 8 + 1 || public_exponent.size() > modulus.size()) return std::nullopt;
  const Number n = number(modulus), e = number(public_exponent);
  const Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  require(builder != nullptr && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
              OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
          "name an RSA key's numbers");
  const Handle<OSSL_PARAM, OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  require(params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1, "make a key context");
  EVP_PKEY* made = nullptr;
  EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get());
  const Key key = owned(made);
  if (!key) return std::nullopt;
  return PublicKey::from_der(der_of(key.get()));  // from_der checks the key
}

Result<Secret> unpad_oaep_sha256(ConstBytes block) {
  Secret room(block.size());
  const int size =
      RSA_padding_check_PKCS1_OAEP_mgf1(raw(room.reveal_for_writing().data()), int_size(block), raw(block.data()),
                                        int_size(block), int_size(block), nullptr, 0, EVP_sha256(), EVP_sha256());
  ERR_clear_error();
  if (size < 0) return Error{Reason::not_authentic};
  return Secret(room.reveal().first(static_cast<std::size_t>(size)));
}

}  // namespace sallyport::core::crypto
