// Who can turn a stanza back into its data key: a key file (identity.hpp), or what keeps a key without giving it away.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"
#include "envelope/recipient.hpp"

namespace sallyport::envelope {

// A data key as one recipient can open it.
struct Stanza {
  Suite suite{};
  std::string recipient_id;  // Recipient::id()
  core::Bytes wrapped;       // what Recipient::wrap() gave
};

// The largest `wrapped` of any suite, with room for a later one (an 8192-bit RSA key gives 1024 bytes).
inline constexpr std::size_t maximum_wrapped_size = 2048;

// Whoever keeps the key could not be asked or will not answer, so that no stanza would fare better. The words are for
// an operator, say what to do, and hold no secret.
class HolderFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Not thread-safe: one thread asks at a time.
class KeyHolder {
 public:
  virtual ~KeyHolder() = default;

  // Whom it opens for; empty when it cannot tell.
  virtual std::vector<Recipient> recipients() const = 0;

  // The data key. `context` must be what it was wrapped with. May block: for readers, never for a worker.
  // Only HPKE proves the context; RSA-OAEP opens whatever was wrapped to its key. So whoever asks must still compare
  // the data key with a commitment that no writer of stanzas can change, as the log does with its segment's header.
  // Errors: key_mismatch (the stanza names another key), envelope_malformed, not_authentic. Throws HolderFailed.
  virtual core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) = 0;
};

}  // namespace sallyport::envelope
