#include "gateway/config/check_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "auth/policy.hpp"
#include "auth/token_file.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/credentials.hpp"
#include "gateway/config/signing_key.hpp"
#include "gateway/config/yaml_reader.hpp"
#include "logging/second_place.hpp"
#include "tls/check.hpp"

namespace sallyport::gateway {
namespace {

// Empty: none.
std::string problem_of_folder(const path& folder, bool made_when_absent) {
  if (folder.empty()) return {};
  std::error_code failed;
  const auto status = std::filesystem::status(folder, failed);
  if (status.type() == std::filesystem::file_type::not_found) {
    path parent = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
    if (parent.empty()) parent = ".";
    if (made_when_absent && ::access(parent.c_str(), W_OK | X_OK) == 0) return {};
    const bool no_parent = made_when_absent && !std::filesystem::exists(parent, failed);
    return (no_parent ? parent : folder).string() + " does not exist; create it";
  }
  if (status.type() != std::filesystem::file_type::directory) return folder.string() + " is not a folder";
  if (::access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  return folder.string() + " cannot be written by this account";
}

class FileCheck {
 public:
  FileCheck(const Loaded& loaded, core::WallTime now, CheckAt at) : config_(loaded.config), now_(now), at_(at) {
    reading_.file = config_.files.front();
    reading_.places = loaded.places;
  }

  std::vector<Problem> run() {
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) check_listener(i);
    for (std::size_t i = 0; i < config_.upstreams.size(); ++i) check_upstream(i);
    check_grants();
    if (config_.shared_limits) check_shared_limits(*config_.shared_limits);
    if (speaks_tls() && !tls::has_key_schedule()) {
      reading_.problem("", std::string("cannot be served: ") + tls::no_key_schedule);
    }
    if (config_.log) check_log(*config_.log);
    check_folder("spool_directory", config_.spool_directory, false);
    return std::move(reading_.problems);
  }

 private:
  void note(const std::string& key, const path& file, const std::string& what, bool error = true) {
    reading_.problem(key, file.string() + " " + what, error ? Severity::error : Severity::warning);
  }
  void note(const std::string& key, const path& file, const std::vector<tls::Finding>& findings) {
    if (is_folder(file)) return note(key, file, "is a folder; name a file");
    for (const tls::Finding& finding : findings) note(key, file, finding.what, finding.error);
  }

  // Reads what a key names, as the start would, for what is said against it.
  template <class Read>
  void attempt(const std::string& key, Read read) {
    try {
      read();
    } catch (const std::exception& error) {
      reading_.problem(key, error.what());
    }
  }

  // A name that cannot even be looked at is for whoever opens it to tell of.
  static bool is_folder(const path& file) noexcept {
    std::error_code failed;
    return std::filesystem::is_directory(file, failed);
  }

  bool speaks_tls() const {
    return std::ranges::any_of(config_.listeners, [](const Listener& one) { return one.tls.has_value(); }) ||
           std::ranges::any_of(config_.upstreams, &routing::Upstream::has_tls) ||
           (config_.shared_limits && config_.shared_limits->tls);
  }

  void check_pair(const std::string& chain_key, const path& chain, const std::string& key_key, const path& key,
                  tls::ShownBy role) {
    if (chain.empty() || key.empty()) return;
    const tls::PairFindings findings = tls::check_certificate(chain, key, role, now_);
    note(chain_key, chain, findings.chain);
    note(key_key, key, findings.key);
  }

  void check_listener(std::size_t index) {
    const auto& tls = config_.listeners[index].tls;
    if (!tls) return;
    const std::string at = "listeners[" + std::to_string(index) + "].tls.";
    for (std::size_t i = 0; i < tls->certificates.size(); ++i) {
      const std::string pair = at + "certificates[" + std::to_string(i) + "].";
      check_pair(pair + "chain", tls->certificates[i].chain, pair + "key", tls->certificates[i].key,
                 tls::ShownBy::server);
    }
    if (!tls->client_ca.empty()) note(at + "client_ca", tls->client_ca, tls::check_ca(tls->client_ca, now_));
  }

  void check_upstream(std::size_t index) {
    const routing::Upstream& upstream = config_.upstreams[index];
    const UpstreamTls& tls = config_.upstream_tls[upstream.number];
    const ApiKey& key = config_.upstream_api_keys[upstream.number];
    const std::string upstream_at = "upstreams[" + std::to_string(index) + "]", at = upstream_at + ".tls";
    check_client_tls(at, tls);
    if (!key.file.empty()) attempt(upstream_at + ".api_key.file", [&] { read_api_key(key); });
    if (key.file.empty() && tls.certificate.empty() && !upstream.endpoints.empty() &&
        !upstream.endpoints.front().plaintext) {
      reading_.problem(
          at, "has no client certificate and no api_key, so the upstream cannot tell this gateway from a stranger",
          Severity::warning);
    }
  }

  void check_client_tls(const std::string& at, const UpstreamTls& tls) {
    if (!tls.ca.empty()) note(at + ".ca", tls.ca, tls::check_ca(tls.ca, now_));
    if (!tls.certificate.empty())
      check_pair(at + ".certificate", tls.certificate, at + ".key", tls.key, tls::ShownBy::client);
  }

  void check_shared_limits(const SharedLimitsConfig& shared) {
    if (shared.tls) check_client_tls("limits.shared.tls", *shared.tls);
    const path& password = shared.password_file;
    if (!password.empty()) attempt("limits.shared.password_file", [&] { read_password(password); });
  }

  void check_log(const LogConfig& log) {
    if (at_ == CheckAt::start) {
      check_folder("log.directory", log.settings.directory, true);
      check_second_place("log.checkpoints.directory", log.settings.checkpoints.directory);
    }
    check_program("log.checkpoints.command", log.settings.checkpoints.command);
    const path& signing = log.signing_key;
    if (!signing.empty()) attempt("log.checkpoints.key", [&] { load_signer(signing, log.settings.origin); });
  }

  void check_program(const std::string& key, const std::vector<std::string>& command) {
    if (command.empty()) return;
    const path& program = command.front();
    std::error_code failed;
    if (!std::filesystem::is_regular_file(program, failed)) return note(key, program, "is no program");
    if (::access(program.c_str(), X_OK) != 0) note(key, program, "may not be run by this account");
  }

  void check_grants() {
    for (std::size_t i = 0; i < config_.certificates.size(); ++i) {
      check_patterns("certificates[" + std::to_string(i) + "]", "", config_.certificates[i].grant);
    }
    if (config_.tokens_file.empty()) return;
    if (is_folder(config_.tokens_file)) {
      return note("tokens.file", config_.tokens_file, "is a folder; name a file");
    }
    check_tokens();
  }

  void check_tokens() {
    try {
      const auth::TokenFileContent content = auth::read_token_file(config_.tokens_file);
      bool any = false;
      for (const auto& problem : content.problems) {
        note("tokens.file", config_.tokens_file, "line " + std::to_string(problem.line) + ": " + problem.what);
      }
      for (const auth::Token& token : content.tokens) {
        if (const auto problem = tenant_problem(config_, token, now_); !problem.empty()) {
          reading_.problem("tokens.file", config_.tokens_file.string() + ": " + problem);
        }
        if (token.revoked || (token.expires && *token.expires <= now_)) continue;
        any = true;
        check_patterns("tokens.file", "token " + token.grant.id + " ", token.grant);
      }
      if (!any && content.problems.empty() && config_.certificates.empty()) {
        note("tokens.file", config_.tokens_file, "has no active token, so nobody may call; `sallyport token create`",
             false);
      }
      check_writers(config_.tokens_file);
    } catch (const std::system_error& error) {
      const bool absent = error.code() == std::errc::no_such_file_or_directory;
      const std::string hint = absent ? "; `sallyport token create` makes it" : "";
      note("tokens.file", config_.tokens_file, "cannot be read: " + error.code().message() + hint);
    }
  }

  // Whoever can write it can give themselves a token.
  void check_writers(const path& file) {
    using std::filesystem::perms;
    std::error_code failed;
    const auto mode = std::filesystem::status(file, failed).permissions();
    if (failed || (mode & perms::others_write) == perms::none) return;
    note("tokens.file", file, "can be written by other accounts of this machine; chmod 600 it", false);
  }

  void check_patterns(const std::string& key, const std::string& who, const auth::Grant& grant) {
    for (const std::string& slip : idle_patterns(config_, grant)) reading_.problem(key, who + slip, Severity::warning);
  }

  void check_folder(const std::string& key, const path& folder, bool made_when_absent) {
    if (const auto problem = problem_of_folder(folder, made_when_absent); !problem.empty()) {
      reading_.problem(key, problem);
    }
  }

  // It may be a mount whose server went away.
  void check_second_place(const std::string& key, const path& folder) {
    const auto problem = std::make_shared<std::string>();
    const auto look = [problem, folder] { *problem = problem_of_folder(folder, true); };
    if (!logging::done_within(logging::patience_at_start, look)) {
      return note(key, folder, "hangs; a start goes on without it, and checkpoints wait until it works", false);
    }
    if (!problem->empty()) reading_.problem(key, *problem);
  }

  const Config& config_;
  const core::WallTime now_;
  const CheckAt at_;
  Reading reading_;
};

}  // namespace

std::string tenant_problem(const Config& config, const auth::Token& token, core::WallTime now) {
  const std::string& tenant = token.grant.tenant;
  if (tenant.empty() || token.revoked || (token.expires && now >= *token.expires)) return {};
  const auto same = [&](const LogTenant& other) { return other.name == tenant; };
  const bool known = config.log && std::any_of(config.log->tenants.begin(), config.log->tenants.end(), same);
  if (known) return {};
  return "token " + token.grant.id + " names tenant '" + tenant + "', whom log.tenants does not have";
}

std::vector<std::string> idle_patterns(const Config& config, const auth::Grant& grant) {
  const auto fits_model = [&](const std::string& pattern) {
    const auto fits = [&](const std::string& name) { return auth::matches(pattern, name); };
    return std::ranges::any_of(config.models, [&](const routing::Model& model) {
      return fits(model.name) || std::ranges::any_of(model.aliases, fits);
    });
  };
  const auto fits_route = [&](const std::string& pattern) {
    return std::ranges::any_of(config.routes, [&](const auto& route) { return auth::matches(pattern, route.name); });
  };
  std::vector<std::string> slips;
  for (const std::string& pattern : grant.models) {
    if (!fits_model(pattern)) slips.push_back("names '" + pattern + "', which fits no model");
  }
  for (const std::string& pattern : grant.routes) {
    if (!fits_route(pattern)) slips.push_back("names '" + pattern + "', which fits no route");
  }
  return slips;
}

std::vector<Problem> check_files(const Loaded& loaded, core::WallTime now, CheckAt at) {
  std::vector<Problem> problems = loaded.problems;
  if (loaded.config.files.empty()) return problems;  // nothing could be read
  for (Problem& problem : FileCheck(loaded, now, at).run()) problems.push_back(std::move(problem));
  return problems;
}

}  // namespace sallyport::gateway
