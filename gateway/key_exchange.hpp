// The groups of TLS key exchanges, by the names they have in metrics and records.
#pragma once

#include <array>
#include <string_view>

namespace sallyport::gateway {

// Groups of TLS 1.3, as they are shown; any other is counted as "other".
inline constexpr std::array<std::string_view, 10> key_exchange_groups = {
    "other",     "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519", "secp256r1", "secp384r1",
    "secp521r1", "X448",           "ffdhe2048"};
// Of a name as OpenSSL gives it: letter case and prime256v1 for secp256r1 differ between its releases.
std::size_t key_exchange_index(std::string_view group) noexcept;
// As it is shown; one that is not in the list stays as it is.
std::string_view key_exchange_name(std::string_view group) noexcept;

}  // namespace sallyport::gateway
