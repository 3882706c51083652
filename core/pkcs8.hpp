// PKCS#8 in PEM, plain and encrypted, for the .cpp files of core that hold private keys.
#pragma once

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <string>

#include "core/openssl_handle.hpp"
#include "core/private_key.hpp"

namespace sallyport::core::crypto {

using Pkcs8 = Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;

// Gives PEM, encrypted with PBES2, scrypt and AES-256-CBC. Throws std::invalid_argument for a passphrase that is empty
// or longer than maximum_passphrase_size.
std::string encrypt_pkcs8(PKCS8_PRIV_KEY_INFO* plain, const Secret& passphrase);

// Null when the text has neither form, or the passphrase does not open it. Calls `ask` only for an encrypted key, and
// lets its exceptions pass.
Pkcs8 read_pkcs8(ConstBytes pem, const AskPassphrase& ask);

}  // namespace sallyport::core::crypto
