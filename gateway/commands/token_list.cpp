#include "gateway/commands/token_list.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "core/utc_time.hpp"
#include "gateway/commands/table.hpp"

namespace sallyport::gateway {

using auth::Token;
using nlohmann::ordered_json;

std::string_view state_of(const Token& token, core::WallTime now) {
  if (token.revoked) return "revoked";
  return token.expires && now >= *token.expires ? "expired" : "active";
}

std::string expiry_of(const Token& token) { return token.expires ? core::format_utc(*token.expires) : "never"; }

std::string limits_of(const auth::Allowance& allowance) {
  std::vector<std::string> limits;
  const auto add = [&](std::uint64_t limit, const char* unit) {
    if (limit != 0) limits.push_back(std::to_string(limit) + unit);
  };
  add(allowance.requests_per_minute, " requests/min");
  add(allowance.tokens_per_minute, " tokens/min");
  add(allowance.concurrent_requests, " at once");
  return joined(limits, ",");
}

std::string text_list(const Tokens& tokens, core::WallTime now) {
  std::vector<std::vector<std::string>> rows = {
      {"ID", "NAME", "TENANT", "MODELS", "ROUTES", "LIMITS", "EXPIRES", "STATE"}};
  for (const Token& token : tokens) {
    const auth::Grant& grant = token.grant;
    rows.push_back({grant.id, grant.name, grant.tenant.empty() ? "-" : grant.tenant, joined(grant.models, ","),
                    joined(grant.routes, ","), limits_of(grant.allowance), expiry_of(token),
                    std::string(state_of(token, now))});
  }
  return tokens.empty() ? "No tokens yet. To make one: sallyport token create --help\n" : table(rows);
}

std::string json_list(const Tokens& tokens, core::WallTime now) {
  const auto time = [](const std::optional<core::WallTime>& when) {
    return when ? ordered_json(core::format_utc(*when)) : ordered_json(nullptr);
  };
  const auto limit = [](std::uint64_t most) { return most != 0 ? ordered_json(most) : ordered_json(nullptr); };
  ordered_json list = ordered_json::array();
  for (const Token& token : tokens) {
    const auth::Grant& grant = token.grant;
    list.push_back({{"id", grant.id},
                    {"name", grant.name},
                    {"models", grant.models},
                    {"routes", grant.routes},
                    {"limits",
                     {{"requests_per_minute", limit(grant.allowance.requests_per_minute)},
                      {"tokens_per_minute", limit(grant.allowance.tokens_per_minute)},
                      {"concurrent_requests", limit(grant.allowance.concurrent_requests)}}},
                    {"tenant", grant.tenant.empty() ? ordered_json(nullptr) : ordered_json(grant.tenant)},
                    {"created", core::format_utc(token.created)},
                    {"expires", time(token.expires)},
                    {"revoked", time(token.revoked)},
                    {"state", state_of(token, now)}});
  }
  return list.dump(2) + '\n';
}

}  // namespace sallyport::gateway
