// KeyHolder: unwraps data keys with a private key. It is a key file (identity.hpp), or a device, service or program
// that uses the key without giving it away (pkcs11.hpp, vault.hpp, command_holder.hpp).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "envelope/recipient.hpp"

namespace sallyport::envelope {

// A data key, wrapped to one recipient.
struct Stanza {
  Suite suite{};
  std::string recipient_id;  // Recipient::id()
  core::Bytes wrapped;       // from Recipient::wrap()
};

// The most bytes of `wrapped` in any suite, with room for a later one (an 8192-bit RSA key gives 1024).
inline constexpr std::size_t maximum_wrapped_size = 2048;

// The holder of the key cannot be reached or refuses to work, so trying another stanza would not help. what() tells an
// operator what to do and holds no secret.
class HolderFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Not thread-safe.
class KeyHolder {
 public:
  virtual ~KeyHolder() = default;

  // The recipients whose stanzas it opens; empty when it does not know them (command_holder.hpp).
  virtual std::vector<Recipient> recipients() const = 0;

  // The data key. `context` must be what it was wrapped with. May block, on a network or a person: only the log's
  // readers call it, never a worker. HPKE proves the context; RSA-OAEP opens anything that was wrapped to its key. So
  // the caller must check the data key against a commitment that a writer of stanzas cannot change, as the log does
  // with the one in its segment header. Errors: key_mismatch (the stanza is for another key), envelope_malformed,
  // not_authentic. Throws HolderFailed.
  virtual core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) = 0;
};

}  // namespace sallyport::envelope
