#include "gateway/commands/tokens_place.hpp"

#include <stdexcept>

#include "gateway/config/check_files.hpp"

namespace sallyport::gateway {

TokensPlace TokensPlace::of_config(const path& config) {
  Loaded loaded = load_config(config);
  if (loaded.config.tokens_file.empty()) {
    throw std::runtime_error(config.string() +
                             " names no tokens file; sallyport check --config says what is wrong. --file " +
                             "names it without a configuration");
  }
  TokensPlace place(loaded.config.tokens_file);
  place.config_file_ = config;
  place.config_ = std::move(loaded.config);
  return place;
}

std::string TokensPlace::refusal_of(const auth::Token& token, core::WallTime now) const {
  return config_file_.empty() ? "" : tenant_problem(config_, token, now);
}

std::vector<std::string> TokensPlace::doubts_about(const auth::Token& token) const {
  if (config_file_.empty()) return {};
  return idle_patterns(config_, token.grant);
}

}  // namespace sallyport::gateway
