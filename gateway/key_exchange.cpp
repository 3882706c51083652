#include "gateway/key_exchange.hpp"

#include <algorithm>

namespace sallyport::gateway {

std::size_t key_exchange_index(std::string_view group) noexcept {
  if (group == "prime256v1") group = "secp256r1";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const auto same = [&](std::string_view shown) {
    return std::equal(shown.begin(), shown.end(), group.begin(), group.end(),
                      [&](char a, char b) { return lower(a) == lower(b); });
  };
  const auto found = std::find_if(key_exchange_groups.begin(), key_exchange_groups.end(), same);
  return found == key_exchange_groups.end() ? 0 : static_cast<std::size_t>(found - key_exchange_groups.begin());
}

std::string_view key_exchange_name(std::string_view group) noexcept {
  const std::size_t index = key_exchange_index(group);
  return index == 0 ? group : key_exchange_groups[index];
}

}  // namespace sallyport::gateway
