// Encodes bytes as text and decodes them: base64 and base64url (RFC 4648) and lower-case hex.
//
// The decoders are strict, so that each value has exactly one spelling: no white space, padding exactly as the encoder
// writes it, unused bits zero. They return nullopt for anything else. Use them for public values only: copies made here
// are not wiped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.hpp"

namespace sallyport::core {

std::string to_base64(ConstBytes bytes);  // with padding
std::optional<Bytes> from_base64(std::string_view text);

std::string to_base64url(ConstBytes bytes);  // '-' and '_', without padding
std::optional<Bytes> from_base64url(std::string_view text);

std::string to_hex(ConstBytes bytes);
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace sallyport::core
