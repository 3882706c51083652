// Which tokens file a command means, and what the configuration that names it says to a token. Blocks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "auth/token_file.hpp"
#include "core/clock.hpp"
#include "gateway/config/load_config.hpp"

namespace sallyport::gateway {

class TokensPlace {
 public:
  explicit TokensPlace(path file) : file_(std::move(file)) {}
  // Throws std::runtime_error, with words for the operator, where the configuration names no tokens file.
  static TokensPlace of_config(const path& config);

  const path& file() const noexcept { return file_; }

  // Why a gateway would take up no part of the file with this token in it. Empty: nothing is known against it.
  std::string refusal_of(const auth::Token& token, core::WallTime now) const;
  // What is likely a slip: "names 'lama*', which fits no model".
  std::vector<std::string> doubts_about(const auth::Token& token) const;
  // Where a running gateway can be asked what it has taken up; absent: none is known.
  const std::optional<Address>& admin() const noexcept { return config_.admin; }

 private:
  path file_;
  path config_file_;  // empty: the tokens file was named by itself
  Config config_;
};

}  // namespace sallyport::gateway
