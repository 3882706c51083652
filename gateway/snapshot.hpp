// Snapshot: everything a request is decided by, built from one configuration, replaced whole or not at all. A request
// keeps the one it started with.
#pragma once

#include <memory>
#include <vector>

#include "auth/authenticator.hpp"
#include "core/secret.hpp"
#include "gateway/config/config.hpp"
#include "routing/route_table.hpp"
#include "tls/identity.hpp"

namespace sallyport::gateway {

struct Snapshot {
  Config config;
  auth::Authenticator authenticator;
  routing::RouteTable routes;
  std::vector<std::unique_ptr<tls::ServerIdentity>> listeners;  // as config.listeners; null where plain
  std::vector<std::unique_ptr<tls::ClientIdentity>> upstreams;  // as config.upstream_tls; null where plain
  std::vector<core::Secret> api_keys;                           // as config.upstream_api_keys: read_api_key()
};

// Opens every certificate, key and token file. Throws std::runtime_error with words for the operator.
std::shared_ptr<const Snapshot> build_snapshot(Config config, core::WallTime now);

}  // namespace sallyport::gateway
