#include "auth/token_line.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "auth/policy.hpp"
#include "core/base64.hpp"
#include "core/utc_time.hpp"

namespace sallyport::auth {
namespace {

using nlohmann::json;
using Problems = std::vector<std::string>;

constexpr int format_version = 1;
constexpr int max_depth = 2;  // the line's object, and in it a list or the object of limits
constexpr std::size_t max_quoted_size = 40;
constexpr std::size_t id_digits = 16;

// A field's name, safe to print on a terminal: ASCII, escaped, bounded. A token is too long to be shown as a name.
std::string shown_name(std::string_view name) {
  if (name.size() > max_quoted_size) return "of " + std::to_string(name.size()) + " bytes";
  return json(name).dump(-1, ' ', true, json::error_handler_t::replace);
}

bool is_token_id(std::string_view text) {
  if (!text.starts_with("tk-") || text.size() != 3 + id_digits) return false;
  return core::from_hex(text.substr(3)).has_value();
}

// Takes the fields of one object one by one; fields that nobody took are unknown.
class Fields {
 public:
  Fields(const json& object, Problems& problems) : object_(object), problems_(problems) {}

  const json* optional(std::string_view name) {
    taken_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  const json* required(std::string_view name) {
    const json* value = optional(name);
    if (value == nullptr) problems_.push_back("field " + shown_name(name) + " is missing");
    return value;
  }
  void refuse_others() {
    for (const auto& [name, value] : object_.items()) {
      if (!taken_.contains(name)) problems_.push_back("field " + shown_name(name) + " is not known");
    }
  }

 private:
  const json& object_;
  Problems& problems_;
  std::set<std::string_view> taken_;
};

// The text of a field. When it is not text that `valid` accepts, adds a problem and gives empty text.
template <class Valid>
std::string read_text(const json* value, std::string_view name, std::string_view form, Valid valid,
                      Problems& problems) {
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  if (text != nullptr && valid(std::string_view(*text))) return *text;
  problems.push_back("field " + shown_name(name) + " must be " + std::string(form));
  return {};
}

std::optional<core::WallTime> read_time(const json* value, std::string_view name, Problems& problems) {
  std::optional<core::WallTime> time;
  const auto valid = [&](std::string_view text) { return (time = core::parse_utc(text)).has_value(); };
  read_text(value, name, "a time like \"2027-01-31T08:00:00Z\"", valid, problems);
  return time;
}

TokenHash read_hash(const json* value, Problems& problems) {
  TokenHash hash{};
  const auto valid = [&](std::string_view text) {
    const auto bytes = core::from_hex(text);
    if (!bytes || bytes->size() != hash.size()) return false;
    std::ranges::copy(*bytes, hash.begin());
    return true;
  };
  read_text(value, "hash", "64 lower-case hex digits", valid, problems);
  return hash;
}

std::vector<std::string> read_patterns(const json* value, std::string_view name, Problems& problems) {
  std::vector<std::string> patterns;
  if (value == nullptr) return patterns;
  bool valid = value->is_array() && value->size() <= max_patterns;
  for (std::size_t i = 0; valid && i < value->size(); ++i) {
    const auto* text = (*value)[i].get_ptr<const std::string*>();
    valid = text != nullptr && is_pattern(*text);
    if (valid) patterns.push_back(*text);
  }
  if (!valid) {
    problems.push_back("field " + shown_name(name) + " must be a list of at most " + std::to_string(max_patterns) +
                       " patterns, each a name or a prefix and one '*'");
  }
  return patterns;
}

std::uint64_t read_limit(const json* value, std::string_view name, std::uint64_t most, Problems& problems) {
  if (value == nullptr) return 0;
  const auto* number = value->get_ptr<const json::number_unsigned_t*>();
  if (number != nullptr && *number >= 1 && *number <= most) return *number;
  problems.push_back("limit " + shown_name(name) + " must be a whole number from 1 to " + std::to_string(most) +
                     "; left out, there is no limit");
  return 0;
}

Allowance read_limits(const json* value, Problems& problems) {
  Allowance allowance;
  if (value == nullptr) return allowance;
  if (!value->is_object()) {
    problems.push_back("field \"limits\" must be an object");
    return allowance;
  }
  Fields fields(*value, problems);
  const auto limit = [&](std::string_view name, std::uint64_t most) {
    return read_limit(fields.optional(name), name, most, problems);
  };
  allowance.requests_per_minute = limit("requests_per_minute", max_per_minute);
  allowance.tokens_per_minute = limit("tokens_per_minute", max_per_minute);
  allowance.concurrent_requests = static_cast<std::uint32_t>(limit("concurrent_requests", max_concurrent));
  fields.refuse_others();
  return allowance;
}

constexpr std::string_view name_form =
    "1 to 64 letters, digits or ._@/+:-, beginning with a letter or digit and not with tk-";
constexpr std::string_view id_form = "\"tk-\" and 16 lower-case hex digits";

Token read_token(Fields& fields, Problems& problems) {
  Token token;
  token.grant.id = read_text(fields.required("id"), "id", id_form, is_token_id, problems);
  token.grant.name = read_text(fields.required("name"), "name", name_form, is_principal_name, problems);
  token.hash = read_hash(fields.required("hash"), problems);
  token.created = read_time(fields.required("created"), "created", problems).value_or(core::WallTime{});
  token.expires = read_time(fields.optional("expires"), "expires", problems);
  token.grant.models = read_patterns(fields.optional("models"), "models", problems);
  token.grant.routes = read_patterns(fields.optional("routes"), "routes", problems);
  token.grant.allowance = read_limits(fields.optional("limits"), problems);
  token.grant.tenant = read_text(fields.optional("tenant"), "tenant", name_form, is_principal_name, problems);
  return token;
}

Revocation read_revocation(Fields& fields, Problems& problems) {
  Revocation revocation;
  revocation.id = read_text(fields.required("revoke"), "revoke", id_form, is_token_id, problems);
  revocation.when = read_time(fields.required("at"), "at", problems).value_or(core::WallTime{});
  return revocation;
}

// nlohmann keeps the last of two fields with one name, and builds objects of any depth. This parser refuses both.
json parse_object(std::string_view text, Problems& problems) {
  std::vector<std::set<std::string>> names;
  bool too_deep = false;
  bool twice = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool object_starts = event == json::parse_event_t::object_start;
    if (object_starts) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key) twice |= !names.back().insert(parsed.get<std::string>()).second;
    if (object_starts || event == json::parse_event_t::array_start) too_deep |= depth >= max_depth;
    return !too_deep;
  };
  json object = json::parse(text, watch, false);
  if (too_deep) {
    problems.push_back("nested too deeply");
  } else if (!object.is_object()) {
    problems.push_back("this is not one JSON object");
  } else if (twice) {
    problems.push_back("a field occurs twice");
  }
  return object;
}

bool has_known_version(Fields& fields, Problems& problems) {
  const json* version = fields.required("version");
  if (version == nullptr) return false;
  if (version->is_number_unsigned() && *version == format_version) return true;
  problems.push_back("field \"version\" must be " + std::to_string(format_version) + ", the only one known here");
  return false;
}

nlohmann::ordered_json limits_of(const Allowance& allowance) {
  nlohmann::ordered_json limits = nlohmann::ordered_json::object();
  if (allowance.requests_per_minute) limits["requests_per_minute"] = allowance.requests_per_minute;
  if (allowance.tokens_per_minute) limits["tokens_per_minute"] = allowance.tokens_per_minute;
  if (allowance.concurrent_requests) limits["concurrent_requests"] = allowance.concurrent_requests;
  return limits;
}

}  // namespace

TokenLine read_token_line(std::string_view text) {
  TokenLine line;
  if (text.size() > max_token_line_size) {
    line.problems.push_back("longer than " + std::to_string(max_token_line_size) + " bytes");
    return line;
  }
  const json object = parse_object(text, line.problems);
  if (!line.problems.empty()) return line;
  Fields fields(object, line.problems);
  if (!has_known_version(fields, line.problems)) return line;
  if (object.contains("revoke")) {
    line.value = read_revocation(fields, line.problems);
  } else {
    line.value = read_token(fields, line.problems);
  }
  fields.refuse_others();
  if (!line.problems.empty()) line.value = std::monostate();
  return line;
}

std::string write_token_line(const Token& token) {
  nlohmann::ordered_json object;
  object["version"] = format_version;
  object["id"] = token.grant.id;
  object["name"] = token.grant.name;
  object["hash"] = core::to_hex(token.hash);
  object["created"] = core::format_utc(token.created);
  if (token.expires) object["expires"] = core::format_utc(*token.expires);
  if (!token.grant.models.empty()) object["models"] = token.grant.models;
  if (!token.grant.routes.empty()) object["routes"] = token.grant.routes;
  if (token.grant.allowance != Allowance{}) object["limits"] = limits_of(token.grant.allowance);
  if (!token.grant.tenant.empty()) object["tenant"] = token.grant.tenant;
  return object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string write_token_line(const Revocation& revocation) {
  nlohmann::ordered_json object;
  object["version"] = format_version;
  object["revoke"] = revocation.id;
  object["at"] = core::format_utc(revocation.when);
  return object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sallyport::auth
