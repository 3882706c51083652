#include "core/secret.hpp"

#include <strings.h>

#include "core/crypto.hpp"

namespace sallyport::core {

void wipe(MutableBytes bytes) noexcept {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

Secret Secret::take(std::string& text) {
  Secret secret{std::string_view(text)};
  wipe(std::as_writable_bytes(std::span(text)));
  text.clear();
  return secret;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(bytes_);
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

bool Secret::equals(ConstBytes other) const noexcept { return crypto::equal(bytes_, other); }

}  // namespace sallyport::core
