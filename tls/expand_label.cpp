#include "tls/expand_label.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

namespace sallyport::tls {

void expand_label(core::crypto::Hash hash, core::ConstBytes secret, std::string_view label, core::ConstBytes context,
                  core::MutableBytes out) {
  std::array<std::byte, 2 + 1 + 255 + 1 + 255> info;
  std::size_t size = 0;
  const auto put = [&](std::size_t value) { info[size++] = static_cast<std::byte>(value); };
  const auto put_bytes = [&](core::ConstBytes bytes) {
    std::copy(bytes.begin(), bytes.end(), info.begin() + static_cast<std::ptrdiff_t>(size));
    size += bytes.size();
  };
  if (label_prefix.size() + label.size() > 255 || context.size() > 255) throw std::invalid_argument("too long");
  put(out.size() >> 8);
  put(out.size());
  put(label_prefix.size() + label.size());
  put_bytes(core::bytes_of(label_prefix));
  put_bytes(core::bytes_of(label));
  put(context.size());
  put_bytes(context);
  core::crypto::hkdf_expand(secret, core::ConstBytes(info).first(size), out, hash);
}

}  // namespace sallyport::tls
