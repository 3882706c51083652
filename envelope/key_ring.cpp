#include "envelope/key_ring.hpp"

namespace sallyport::envelope {

std::vector<Recipient> KeyRing::recipients() const {
  std::vector<Recipient> all;
  for (const auto& holder : holders_) {
    for (Recipient& recipient : holder->recipients()) all.push_back(std::move(recipient));
  }
  return all;
}

core::Result<core::Secret> KeyRing::unwrap(const Stanza& stanza, core::ConstBytes context) {
  core::Error refusal = core::Reason::key_mismatch;
  for (const auto& holder : holders_) {
    auto key = holder->unwrap(stanza, context);
    if (key) return key;
    // Any other error, such as not_authentic, says more than key_mismatch.
    if (key.error().reason != core::Reason::key_mismatch) refusal = key.error();
  }
  return refusal;
}

}  // namespace sallyport::envelope
