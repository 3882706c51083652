#include "gateway/snapshot.hpp"

#include <stdexcept>
#include <type_traits>

#include "auth/token_file.hpp"
#include "gateway/config/check_files.hpp"
#include "gateway/config/credentials.hpp"

namespace sallyport::gateway {

namespace {

// A hundred thousand tokens, and the routes, are built once: what moves them must not copy.
static_assert(std::is_nothrow_move_constructible_v<Callers> && std::is_nothrow_move_constructible_v<Snapshot>);

auth::TokenFileContent read_tokens(const Config& config, core::WallTime now) {
  const path& file = config.tokens_file;
  if (file.empty()) return {};
  auto content = auth::read_token_file(file);
  if (!content.problems.empty()) {
    const auto& first = content.problems.front();
    throw std::runtime_error(file.string() + ":" + std::to_string(first.line) + ": " + first.what);
  }
  for (const auth::Token& token : content.tokens) {
    const std::string problem = tenant_problem(config, token, now);
    if (!problem.empty()) throw std::runtime_error(file.string() + ": " + problem);
  }
  return content;
}

}  // namespace

std::shared_ptr<const Callers> build_callers(const Config& config, core::WallTime now) {
  const auth::TokenFileContent content = read_tokens(config, now);
  return std::make_shared<const Callers>(
      Callers{auth::Authenticator(content.tokens, config.certificates), content.hash});
}

std::shared_ptr<const Snapshot> build_snapshot(Config config) {
  std::vector<std::unique_ptr<tls::ServerIdentity>> listeners;
  for (const auto& listener : config.listeners) {
    listeners.push_back(listener.tls ? std::make_unique<tls::ServerIdentity>(*listener.tls) : nullptr);
  }
  std::vector<std::unique_ptr<tls::ClientIdentity>> upstreams(config.upstream_tls.size());
  for (const auto& upstream : config.upstreams) {
    if (!upstream.has_tls()) continue;
    upstreams[upstream.number] = std::make_unique<tls::ClientIdentity>(config.upstream_tls[upstream.number]);
  }
  std::vector<core::Secret> api_keys;
  for (const auto& key : config.upstream_api_keys) {
    api_keys.push_back(key.file.empty() ? core::Secret() : read_api_key(key));
  }
  routing::RouteTable routes(config.upstreams, config.models, config.routes);
  return std::make_shared<const Snapshot>(
      Snapshot{std::move(config), std::move(routes), std::move(listeners), std::move(upstreams), std::move(api_keys)});
}

}  // namespace sallyport::gateway
