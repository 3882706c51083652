// `log.recipients`: public keys written out, or in files (`file:`) or environment variables (`env:`).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gateway/yaml_reader.hpp"

namespace sallyport::gateway {

// Each key once, in the form Recipient::text() gives; the files read are added to `files`. Blocks on those files.
std::vector<std::string> read_recipients(const Value& list, std::vector<std::filesystem::path>& files);

// Whether both post-quantum and classical keys are among such lines.
bool mixes_kinds(const std::vector<std::string>& recipients);

}  // namespace sallyport::gateway
