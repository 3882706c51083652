// Opens every file and folder a configuration names and says what is wrong with them, before anything depends on it.
#pragma once

#include <cstdint>
#include <vector>

#include "core/clock.hpp"
#include "gateway/config/load_config.hpp"

namespace sallyport::gateway {

// What load_config found, and then what is wrong with the files: a person sees every problem at once. Problems stand at
// the key that names the file. Blocks; changes nothing. At a reload the log's folders are not looked at: they cannot
// change, the log tells how they are, and on a disk that hangs whoever looks hangs too.
enum class CheckAt : std::uint8_t { start, reload };
std::vector<Problem> check_files(const Loaded& loaded, core::WallTime now, CheckAt at = CheckAt::start);

// What is wrong with the tenant that a token names; empty: nothing. One that is revoked or expired may name anyone.
std::string tenant_problem(const Config& config, const auth::Token& token, core::WallTime now);

// "names 'lama*', which fits no model": a pattern that fits nothing there is, most often a slip of the pen.
std::vector<std::string> idle_patterns(const Config& config, const auth::Grant& grant);

}  // namespace sallyport::gateway
