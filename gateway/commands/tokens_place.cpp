#include "gateway/commands/tokens_place.hpp"

#include <stdexcept>

#include "gateway/config/check_files.hpp"

namespace sallyport::gateway {

TokensPlace TokensPlace::of_config(const path& config) {
  Loaded loaded = load_config(config);
  if (loaded.config.tokens_file.empty()) {
    throw std::runtime_error(config.string() + " names no tokens file; sallyport check --config says what is wrong");
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

std::string TokensPlace::obstacle(core::WallTime now) const {
  if (config_file_.empty()) return {};
  if (!has_errors(check_files(load_config(config_file_), now))) return {};
  return config_file_.string() +
         " has errors, or names what this account cannot read (sallyport check --config shows " +
         "which); a gateway takes up nothing until it finds no error. sallyport status tells whether it does";
}

}  // namespace sallyport::gateway
