#include "gateway/key_exchange.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace sallyport::gateway {

std::size_t key_exchange_index(std::string_view group) noexcept {
  if (group == "prime256v1") group = "secp256r1";
  const auto same = [&](std::string_view shown) { return core::equal_ignoring_case(shown, group); };
  const auto found = std::find_if(key_exchange_groups.begin(), key_exchange_groups.end(), same);
  return found == key_exchange_groups.end() ? 0 : static_cast<std::size_t>(found - key_exchange_groups.begin());
}

std::string_view key_exchange_name(std::string_view group) noexcept {
  const std::size_t index = key_exchange_index(group);
  return index == 0 ? group : key_exchange_groups[index];
}

}  // namespace sallyport::gateway
