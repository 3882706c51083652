#include "gateway/commands/commands.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>

#include "auth/policy.hpp"
#include "auth/token_file.hpp"
#include "core/utc_time.hpp"
#include "gateway/commands/admin_client.hpp"
#include "gateway/commands/expiry.hpp"
#include "gateway/commands/run_command.hpp"
#include "gateway/commands/table.hpp"
#include "gateway/commands/token_list.hpp"
#include "gateway/commands/tokens_in_force.hpp"
#include "gateway/commands/tokens_place.hpp"
#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {
namespace {

using auth::Token;

constexpr auto token_details = R"(
A token is what a client shows as its API key. The tokens file keeps a hash of each and never a token itself; it is
append-only, and a running gateway takes up what was added.

Examples:
  sallyport token create --name team-a --models 'llama*,embed' --expires 30d --file tokens.jsonl
  sallyport token list --file tokens.jsonl
  sallyport token revoke team-a --file tokens.jsonl
)";

constexpr auto create_details = R"(
Prints the new token once, alone on stdout; what is said about it goes to stderr. So a script may write:

  TOKEN=$(sallyport token create --name team-a --models 'llama*,embed' --file tokens.jsonl)
  curl https://gateway.example/v1/models -H "Authorization: Bearer $TOKEN"

A pattern is a name, or its beginning and one '*'. What no pattern names is refused: a token without --routes reaches
models alone.
)";

constexpr auto list_details = R"(
Examples:
  sallyport token list --file tokens.jsonl
  sallyport token list --file tokens.jsonl --json | jq '.[] | select(.state == "active")'
)";

constexpr auto revoke_details = R"(
By id, or by name when one active token has it. A revoked token stays in the file and never comes back. A running
gateway takes it up within two seconds, also while it refuses what else its files say. With --config, where that names
an admin listener, or with --admin it is asked until it has: exit code 1 says that it has not, or that nobody answers.

Examples:
  sallyport token revoke tk-3f9a6c0d21e8b754 --file tokens.jsonl
  sallyport token revoke team-a --config gateway.yaml
  sallyport token revoke team-a --file tokens.jsonl --admin 127.0.0.1:9090
)";

// A problem that was found, as opposed to wrong use: exit code 1.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What the file holds. A file with any problem would not be taken up by the gateway, so nothing is built on it.
Tokens tokens_in(const std::filesystem::path& file) {
  auth::TokenFileContent content = auth::read_token_file(file);
  if (content.problems.empty()) return std::move(content.tokens);
  std::string text = "the tokens file has problems; correct it first";
  for (const auto& problem : content.problems) {
    text += "\n  " + file.string() + ":" + std::to_string(problem.line) + ": " + problem.what;
  }
  throw Failure(text);
}

struct CreateOptions {
  std::string name;
  std::vector<std::string> models;
  std::vector<std::string> routes;
  std::string expires;
  std::string tenant;
  auth::Allowance allowance;
};

void explain(const Token& token, const Tokens& others, core::WallTime now) {
  std::cerr << "Token " << token.grant.id << " for " << token.grant.name << ", shown this once:\n"
            << "  models   " << joined(token.grant.models, ",") << "\n  routes   " << joined(token.grant.routes, ",")
            << "\n  expires  " << expiry_of(token) << "\n  limits   " << limits_of(token.grant.allowance) << '\n';
  if (!token.grant.tenant.empty()) std::cerr << "  tenant   " << token.grant.tenant << '\n';
  for (const Token& other : others) {
    if (other.grant.name != token.grant.name || state_of(other, now) != "active") continue;
    std::cerr << other.grant.id << " has the same name and stays active until it is revoked.\n";
  }
}

// The one place where a token leaves the program: to whoever asked for a new one. False when stdout did not take it.
bool print_once(const core::Secret& token) {
  const std::string_view text = token.reveal_text();
  std::cout << text << std::endl;
  return static_cast<bool>(std::cout);
}

void create(const CreateOptions& options, const TokensPlace& place, core::WallTime now) {
  const path& file = place.file();
  const Tokens others = std::filesystem::exists(file) ? tokens_in(file) : Tokens{};
  const core::Secret text = auth::make_token_text();
  Token token;
  token.grant = {auth::make_token_id(), options.name,      options.models,
                 options.routes,        options.allowance, options.tenant};
  token.hash = auth::hash_token(text.reveal_text());
  token.created = now;
  if (!options.expires.empty()) token.expires = parse_expiry(options.expires, now);
  if (const auto refusal = place.refusal_of(token, now); !refusal.empty()) {
    throw Failure(refusal + "; no token was made");
  }
  auth::append_token(file, token);
  explain(token, others, now);
  for (const std::string& doubt : place.doubts_about(token)) std::cerr << "warning: it " << doubt << ".\n";
  if (print_once(text)) return;
  auth::append_revocation(file, token.grant.id, now);  // nobody knows it, so nobody shall use it
  throw Failure("the token could not be written to stdout; " + token.grant.id + " is revoked again");
}

void list(const TokensPlace& place, bool json, core::WallTime now) {
  const Tokens tokens = tokens_in(place.file());
  std::cout << (json ? json_list(tokens, now) : text_list(tokens, now)) << std::flush;
}

// An id can never be a name (policy.hpp), so one argument may be either.
const Token& token_called(const std::string& id_or_name, const Tokens& tokens, core::WallTime now) {
  std::vector<const Token*> active, ended;
  for (const Token& token : tokens) {
    if (token.grant.id == id_or_name) return token;
    if (token.grant.name == id_or_name) (state_of(token, now) == "active" ? active : ended).push_back(&token);
  }
  if (active.size() == 1) return *active.front();
  if (active.empty() && !ended.empty()) return *ended.back();
  if (active.empty()) throw Failure("no token has this id or name; `sallyport token list` shows them");
  std::string text = "several active tokens have this name; give the id of one:";
  for (const Token* token : active) text += "\n  " + token->grant.id;
  throw Failure(text);
}

constexpr core::Duration patience = std::chrono::seconds(5);  // a gateway looks every second, and twice

void revoke(const std::string& id_or_name, const TokensPlace& place, const std::optional<Address>& admin,
            core::WallTime now) {
  const Tokens tokens = tokens_in(place.file());
  const Token& token = token_called(id_or_name, tokens, now);
  const std::string who = token.grant.id + " (" + token.grant.name + ")";
  if (token.revoked) {
    std::cerr << who << " was already revoked at " << core::format_utc(*token.revoked) << ".\n";
  } else {
    auth::append_revocation(place.file(), token.grant.id, now);
    std::cerr << who << " is revoked.\n";
  }
  if (!admin) {
    std::cerr << "A running gateway refuses it within two seconds. No admin listener is known, so none was asked: see "
                 "tokens_refused in its operator's log, or name the listener with --admin.\n";
    return;
  }
  if (const auto obstacle = wait_until_in_force(place.file(), local_address(*admin), patience); !obstacle.empty()) {
    throw Failure("a running gateway may still accept it: " + obstacle +
                  ". sallyport status, and the operator's log of each gateway, say what it took up");
  }
  std::cerr << "The gateway at " << text_of(*admin) << " refuses it now.\n";
}

// Where the person says that the tokens are.
struct Named {
  std::string file;
  std::string config;

  void add_to(CLI::App& command) {
    CLI::Option* by_name = command.add_option("--file,-f", file, "The tokens file")->type_name("FILE");
    command.add_option("--config,-c", config, "The configuration that names the tokens file")
        ->type_name("FILE")
        ->excludes(by_name);
  }

  TokensPlace resolve() const {
    if (!file.empty()) return TokensPlace(file);
    if (config.empty()) throw CLI::RequiredError("--file or --config");
    return TokensPlace::of_config(config);
  }
};

core::WallTime now() { return core::SystemClock().wall(); }

std::string check_pattern(const std::string& text) {
  return auth::is_pattern(text) ? "" : "\"" + text + "\" is not a name, nor the beginning of one and one '*'";
}

std::string check_name(const std::string& text) {
  return auth::is_principal_name(text)
             ? ""
             : "1 to " + std::to_string(auth::max_name_size) +
                   " letters, digits or ._@/+:-, beginning with a letter or digit and not with tk-";
}

std::string check_expiry(const std::string& text) {
  return parse_expiry(text, now())
             ? ""
             : "\"" + text + "\" is not 90m, 12h, 30d or a date to come like 2027-01-31 (00:00 UTC)";
}

void add_patterns(CLI::App& command, const char* name, std::vector<std::string>& patterns, const char* about) {
  command.add_option(name, patterns, about)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(check_pattern)
      ->type_name("PATTERN,...");
}

template <class Number>
void add_limit(CLI::App& command, const char* name, Number& limit, std::uint64_t most, const char* about) {
  command.add_option(name, limit, about)->check(CLI::Range(std::uint64_t(1), most))->type_name("N");
}

void add_create(CLI::App& token, int& exit_code) {
  CLI::App* command = token.add_subcommand("create", "Make a token and print it once")->footer(create_details);
  const auto options = std::make_shared<CreateOptions>();
  const auto named = std::make_shared<Named>();
  command->add_option("--name,-n", options->name, "Whose it is: the principal in records, limits and metrics")
      ->required()
      ->check(check_name)
      ->type_name("NAME");
  add_patterns(*command, "--models", options->models, "The models it may call");
  add_patterns(*command, "--routes", options->routes, "The path routes it may use");
  command->add_option("--expires", options->expires, "90m, 12h, 30d or 2027-01-31 (00:00 UTC); default: never")
      ->check(check_expiry)
      ->type_name("WHEN");
  command
      ->add_option("--tenant", options->tenant,
                   "Whose content its calls carry: one of log.tenants; default: the model's or route's")
      ->check(check_name)
      ->type_name("NAME");
  auth::Allowance& allowance = options->allowance;
  add_limit(*command, "--requests-per-minute", allowance.requests_per_minute, auth::max_per_minute,
            "Default: no limit");
  add_limit(*command, "--tokens-per-minute", allowance.tokens_per_minute, auth::max_per_minute,
            "Of prompts and answers together; default: no limit");
  add_limit(*command, "--concurrent", allowance.concurrent_requests, auth::max_concurrent,
            "Requests at once; default: no limit");
  named->add_to(*command);
  command->callback([options, named, &exit_code] {
    if (options->models.empty() && options->routes.empty()) throw CLI::RequiredError("--models or --routes");
    exit_code = run_command("token", [&] { return create(*options, named->resolve(), now()), 0; });
  });
}

void add_list(CLI::App& token, int& exit_code) {
  CLI::App* command =
      token.add_subcommand("list", "Show the tokens there are, without themselves")->footer(list_details);
  const auto json = std::make_shared<bool>(false);
  const auto named = std::make_shared<Named>();
  command->add_flag("--json", *json, "One JSON array, for scripts");
  named->add_to(*command);
  command->callback([json, named, &exit_code] {
    exit_code = run_command("token", [&] { return list(named->resolve(), *json, now()), 0; });
  });
}

void add_revoke(CLI::App& token, int& exit_code) {
  CLI::App* command = token.add_subcommand("revoke", "Refuse a token from now on")->footer(revoke_details);
  const auto id_or_name = std::make_shared<std::string>(), admin = std::make_shared<std::string>();
  const auto named = std::make_shared<Named>();
  command->add_option("token", *id_or_name, "Its id, or its name")->required()->type_name("ID|NAME");
  command->add_option("--admin,-a", *admin, "The gateway's admin listener; default: the configuration's")
      ->check(check_admin_address)
      ->type_name("ADDRESS");
  named->add_to(*command);
  command->callback([id_or_name, admin, named, &exit_code] {
    exit_code = run_command("token", [&] {
      const TokensPlace place = named->resolve();
      return revoke(*id_or_name, place, admin->empty() ? place.admin() : parse_address(*admin), now()), 0;
    });
  });
}

}  // namespace

void add_token_commands(CLI::App& app, int& exit_code) {
  CLI::App* token = app.add_subcommand("token", "Make, list and revoke the tokens that clients show");
  token->footer(token_details);
  token->require_subcommand(1);
  add_create(*token, exit_code);
  add_list(*token, exit_code);
  add_revoke(*token, exit_code);
}

}  // namespace sallyport::gateway
