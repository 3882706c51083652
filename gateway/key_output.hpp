// What the key commands share: how they end, and how they show a recipient to a program.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "envelope/recipient.hpp"

namespace sallyport::gateway {

// What `work` gives, or 1 when it threw (the words go to stderr) or stdout could not be written.
int run_key_command(const std::function<int()>& work);

nlohmann::ordered_json json_of(const envelope::Recipient& recipient);

}  // namespace sallyport::gateway
