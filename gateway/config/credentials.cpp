#include "gateway/config/credentials.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/private_file.hpp"

namespace sallyport::gateway {

core::Secret read_api_key(const ApiKey& key) {
  const core::Secret bare = core::read_private_text(key.file);
  const std::string_view text = bare.reveal_text();
  if (text.empty()) throw std::runtime_error(key.file.string() + " holds no key");
  // Of what a field's value may hold (RFC 9110 §5.5) no key has more: anything else could begin another field.
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    throw std::runtime_error(key.file.string() + " holds more than a key: nothing else, no space and no second line");
  }
  const std::string_view scheme = key.field == "authorization" ? ": Bearer " : ": ", end = "\r\n";
  core::Secret line(key.field.size() + scheme.size() + text.size() + end.size());
  auto at = line.reveal_for_writing().begin();
  for (const std::string_view part : {std::string_view(key.field), scheme, text, end}) {
    at = std::copy_n(core::bytes_of(part).begin(), part.size(), at);
  }
  return line;
}

core::Secret read_password(const path& file) {
  core::Secret password = core::read_private_text(file);
  if (password.empty()) throw std::runtime_error(file.string() + " holds no password");
  return password;
}

}  // namespace sallyport::gateway
