// `sallyport status`: how a running gateway is, asked over its admin listener. A health check that needs no shell.
#pragma once

#include <ostream>

#include "core/clock.hpp"
#include "gateway/config/config.hpp"

namespace sallyport::gateway {

struct StatusOptions {
  bool ready_only = false;  // no more than a word and the exit code
  bool json = false;
  core::Duration patience = std::chrono::seconds(3);  // for each of at most two questions
};

// Gives the exit code: 0 when the gateway at this admin address is ready to serve, 1 when it is not or does not answer.
int status(const Address& admin, const StatusOptions& options, core::WallTime now, std::ostream& out);

}  // namespace sallyport::gateway
