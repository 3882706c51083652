// RouteTable: decides which upstream gets a call. Immutable after construction, so every thread may use it; a reload
// replaces it whole.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "routing/model_call.hpp"

namespace sallyport::routing {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool plaintext = false;
  std::string text() const;  // "https://10.0.0.5:8000", "http://[::1]:8000"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct UpstreamTimeouts {
  core::Duration connect = std::chrono::seconds(3);       // for each endpoint: name lookup, TCP and TLS
  core::Duration first_byte = std::chrono::seconds(120);  // request sent → first byte of the answer
  core::Duration idle = std::chrono::seconds(60);         // between bytes of the answer
};

struct PoolLimits {
  std::size_t connections = 1024;  // per worker and endpoint
  std::size_t idle = 128;          // kept open, per worker and endpoint
  core::Duration idle_expiry = std::chrono::seconds(60);
  core::Duration lifetime = std::chrono::hours(1);  // from its opening; a lease may exceed it
};

struct Upstream {
  std::string name;
  std::vector<Endpoint> endpoints;
  UpstreamTimeouts timeouts;
  PoolLimits pool;
  std::size_t number = 0;         // its index in the configuration's and the snapshot's lists of upstreams
  bool has_tls() const noexcept;  // whether any endpoint uses TLS
};

enum class Capture : std::uint8_t { metadata, full };

struct Target {
  std::size_t upstream = 0;  // index into upstreams
  std::string model;         // the name the upstream expects
  std::uint32_t weight = 1;
};
struct Model {
  std::string name;  // public
  std::vector<std::string> aliases;
  std::vector<Target> targets;
  Capture capture = Capture::metadata;
  std::uint64_t created = 0;             // for GET /v1/models, in seconds since 1970
  std::uint64_t expected_output = 1000;  // tokens of an answer whose length its call does not limit
  std::string tenant{};  // who owns the content of its calls, unless the caller has a tenant; empty: the operator
};
struct PathRoute {
  std::string name;
  std::string prefix;  // "/v1/audio/"; the longest match wins; compared byte by byte
  std::size_t upstream = 0;
  Capture capture = Capture::metadata;
  std::string tenant{};  // as Model::tenant
};

// One of the upstreams that a call may go to.
struct Destination {
  const Upstream* upstream = nullptr;
  std::string_view model;    // its name there; "" on a path route
  std::uint32_t weight = 1;  // as Target
};

// The decision where one call goes. Only RouteTable makes a Route, and only for a Principal. The table must outlive it.
class Route {
 public:
  // At first to the first of these; to the next where it cannot be reached.
  std::span<const Destination> destinations() const noexcept { return destinations_; }
  void go_to(std::size_t destination) noexcept { now_ = destination; }
  const Upstream& upstream() const noexcept { return *destinations_[now_].upstream; }
  // The model's public name, also when the call used an alias; "" on a path route.
  std::string_view model_name() const noexcept { return model_name_; }
  std::string_view upstream_model() const noexcept { return destinations_[now_].model; }
  std::uint64_t expected_output() const noexcept { return expected_output_; }  // as Model; 0 on a path route
  Capture capture() const noexcept { return capture_; }
  std::string_view tenant() const noexcept { return tenant_; }

 private:
  friend class RouteTable;
  Route() = default;
  std::vector<Destination> destinations_;  // never empty
  std::size_t now_ = 0;
  std::string_view model_name_, tenant_;
  std::uint64_t expected_output_ = 0;
  Capture capture_ = Capture::metadata;
};

class RouteTable {
 public:
  // Throws std::invalid_argument for what load_config should have refused: an upstream without an endpoint, an index
  // out of range, a name, alias or prefix that is empty or there twice, a model without a target or whose weights add
  // up to 0 or to more than 2^32 - 1.
  RouteTable(std::vector<Upstream> upstreams, std::vector<Model> models, std::vector<PathRoute> routes);

  RouteTable(RouteTable&&) noexcept = default;
  RouteTable& operator=(RouteTable&&) noexcept = default;

  // `pick`, random over all 32 bits, chooses a target by weight, and the order of the others likewise. `model` is a
  // name or an alias and must be allowed as it is written: a permission for a name does not cover its aliases, nor the
  // other way round. Errors: model_unknown, model_forbidden.
  core::Result<Route> for_model(const auth::Principal& who, std::string_view model, std::uint32_t pick) const;
  // Errors: route_unknown, route_forbidden.
  core::Result<Route> for_path(const auth::Principal& who, std::string_view path) const;

  // The bodies of GET /v1/models and /v1/models/{id}: the models that `who` may call, sorted by name, each alias as a
  // model of its own; nullopt for a model that does not exist or that `who` may not call.
  std::string models_json(const auth::Principal& who) const;
  std::optional<std::string> model_json(const auth::Principal& who, std::string_view name) const;

 private:
  const Model* find_model(std::string_view name) const noexcept;

  std::vector<Upstream> upstreams_;
  std::vector<Model> models_;
  std::vector<PathRoute> routes_;
  std::vector<std::pair<std::string_view, const Model*>> by_name_;  // names and aliases, sorted
};

}  // namespace sallyport::routing
