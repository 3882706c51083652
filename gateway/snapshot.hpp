// Snapshot and Callers: everything a request is decided by, built from one configuration. A request keeps those it
// started with.
#pragma once

#include <memory>
#include <vector>

#include "auth/authenticator.hpp"
#include "core/secret.hpp"
#include "gateway/config/config.hpp"
#include "routing/route_table.hpp"
#include "tls/identity.hpp"

namespace sallyport::gateway {

// Who may call. Apart from the rest, so that a revocation counts also while the rest of what the files say is refused.
struct Callers {
  auth::Authenticator authenticator;
  std::uint64_t tokens_hash = 0;  // TokenFileContent::hash; 0 without a tokens file
};

// Opens the tokens file. Throws std::exception with words for the operator: then none of it may be used.
std::shared_ptr<const Callers> build_callers(const Config& config, core::WallTime now);

// All else: replaced whole or not at all.
struct Snapshot {
  Config config;
  routing::RouteTable routes;
  std::vector<std::unique_ptr<tls::ServerIdentity>> listeners;  // as config.listeners; null where plain
  std::vector<std::unique_ptr<tls::ClientIdentity>> upstreams;  // as config.upstream_tls; null where plain
  std::vector<core::Secret> api_keys;                           // as config.upstream_api_keys: read_api_key()
};

// Opens every certificate and key. Throws std::runtime_error with words for the operator.
std::shared_ptr<const Snapshot> build_snapshot(Config config);

}  // namespace sallyport::gateway
