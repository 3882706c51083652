// One question to a running gateway's admin listener, for commands: blocks, and never longer than it is told to.
#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

struct AdminAnswer {
  unsigned status = 0;
  std::string body;  // whole
};

// GET `target` over plain HTTP. Throws std::runtime_error, in words for the operator, when no whole answer came within
// `patience`.
AdminAnswer ask_admin(const Address& address, std::string_view target, core::Duration patience);

// What is wrong with an address that was given for one; empty: nothing.
std::string check_admin_address(const std::string& text);

// The address that reaches a listener from its own machine: loopback where it listens on every interface.
Address local_address(const Address& address);

}  // namespace sallyport::gateway
