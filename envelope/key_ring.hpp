// Several key holders as one: the ring opens every stanza that one of them opens.
#pragma once

#include <memory>
#include <vector>

#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

class KeyRing final : public KeyHolder {
 public:
  explicit KeyRing(std::vector<std::unique_ptr<KeyHolder>> holders) : holders_(std::move(holders)) {}

  std::vector<Recipient> recipients() const override;
  // Tries the holders in their order until one opens the stanza. If none does, the error is key_mismatch only when all
  // say so. Stops with the first exception: nobody knows whether that holder would have opened the stanza.
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  std::vector<std::unique_ptr<KeyHolder>> holders_;
};

}  // namespace sallyport::envelope
