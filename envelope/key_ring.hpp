// Several key holders as one: what one of them opens, the ring opens.
#pragma once

#include <memory>
#include <vector>

#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

class KeyRing final : public KeyHolder {
 public:
  explicit KeyRing(std::vector<std::unique_ptr<KeyHolder>> holders) : holders_(std::move(holders)) {}

  std::vector<Recipient> recipients() const override;
  // Asks them in their order until one opens it. Throws what any of them throws: whether a holder that cannot be asked
  // would have opened it, nobody knows.
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  std::vector<std::unique_ptr<KeyHolder>> holders_;
};

}  // namespace sallyport::envelope
