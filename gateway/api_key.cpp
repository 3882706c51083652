#include "gateway/api_key.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/private_file.hpp"

namespace sallyport::gateway {

core::Secret read_api_key(const ApiKey& key) {
  const core::Secret whole = core::read_private_file(key.file);
  std::string_view text = whole.reveal_text();
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
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

}  // namespace sallyport::gateway
