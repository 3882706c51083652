// The YAML file → Config, or everything that is wrong with it. docs/configuration.md explains each key.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/problem.hpp"

namespace sallyport::gateway {

struct Loaded {
  bool usable() const { return !has_errors(problems); }

  Config config;                        // not usable(): what could be read, for check_files and its like only
  std::vector<Problem> problems;        // all of them, in the file's order
  std::map<std::string, Place> places;  // "listeners[0].tls.client_ca" → its line: for problems found later
  std::set<std::string> known_keys;     // "listeners[].tls": the keys asked for, so that a test can compare the
  std::set<std::string> used_keys;      // example and the documentation with the loader
};

// Reads `file` and the recipients' public keys it names; other files are opened by check_files.hpp and by those who
// use them. Relative names start at the configuration's folder. Never throws on what the file holds. Blocks.
Loaded load_config(const std::filesystem::path& file);

}  // namespace sallyport::gateway
