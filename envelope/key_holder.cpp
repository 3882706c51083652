#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

core::Result<core::Secret> unwrap_any(KeyHolder& holder, std::span<const Stanza> stanzas, core::ConstBytes context) {
  core::Error error = core::Reason::key_mismatch;
  for (const Stanza& stanza : stanzas) {
    auto data_key = holder.unwrap(stanza, context);
    if (data_key.has_value()) return data_key;
    if (data_key.error() != core::Error(core::Reason::key_mismatch)) error = data_key.error();
  }
  return error;
}

}  // namespace sallyport::envelope
