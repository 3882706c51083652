// What `log verify` found, as lines: for a person at a terminal, or JSON for a script.
#pragma once

#include <string>

#include "logging/verify.hpp"

namespace sallyport::gateway {

// A line for each finding, and the verdict last. `with_key`: the tags were checked too.
std::string human_report(const logging::LogReport& report, bool with_key, bool colour);
std::string json_report(const logging::LogReport& report, bool with_key);

}  // namespace sallyport::gateway
