// Whether a running gateway judges calls by a tokens file as it is now, asked over its admin listener.
#pragma once

#include <string>

#include "core/clock.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

// Waits until it does, for `patience` at most. Gives what is in the way, in words for the operator; empty: it does.
std::string wait_until_in_force(const path& tokens, const Address& admin, core::Duration patience);

}  // namespace sallyport::gateway
