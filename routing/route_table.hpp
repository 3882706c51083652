// Where a call goes. Immutable once built; replaced whole on reload.
#pragma once

#include <memory>
#include <optional>
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
  core::Duration connect = std::chrono::seconds(3);       // TCP and TLS
  core::Duration first_byte = std::chrono::seconds(120);  // request sent → first byte of the answer
  core::Duration idle = std::chrono::seconds(60);         // between bytes of the answer
};

struct PoolLimits {
  std::size_t connections = 1024;  // per worker and endpoint
  std::size_t idle = 128;          // kept open, per worker and endpoint
  core::Duration idle_expiry = std::chrono::seconds(60);
  core::Duration lifetime = std::chrono::hours(1);
};

struct Upstream {
  std::string name;
  std::vector<Endpoint> endpoints;
  UpstreamTimeouts timeouts;
  PoolLimits pool;
  std::size_t number = 0;         // its place in the configuration: by it the snapshot has what the gateway shows it
  bool has_tls() const noexcept;  // at one of its endpoints
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
  std::uint64_t created = 0;  // for GET /v1/models
  std::string tenant{};       // whose content it is, unless the caller says; empty: the operator's
};
struct PathRoute {
  std::string name;
  std::string prefix;  // "/v1/audio/"; the longest match wins; never normalised
  std::size_t upstream = 0;
  Capture capture = Capture::metadata;
  std::string tenant{};  // as a model's
};

// A decision. Only RouteTable makes one, and only for a Principal.
class Route {
 public:
  const Upstream& upstream() const noexcept { return *upstream_; }
  std::string_view model_name() const noexcept { return model_name_; }          // public name; "" on a path route
  std::string_view upstream_model() const noexcept { return upstream_model_; }  // "" on a path route
  Capture capture() const noexcept { return capture_; }
  std::string_view tenant() const noexcept { return tenant_; }

 private:
  friend class RouteTable;
  Route() = default;
  const Upstream* upstream_ = nullptr;
  std::string_view model_name_, upstream_model_, tenant_;
  Capture capture_ = Capture::metadata;
};

class RouteTable {
 public:
  // Throws std::invalid_argument on what load_config should have refused: an index out of range, a name, alias or
  // prefix that is empty or there twice, a model without a target or without any weight.
  RouteTable(std::vector<Upstream> upstreams, std::vector<Model> models, std::vector<PathRoute> routes);

  RouteTable(RouteTable&&) noexcept = default;
  RouteTable& operator=(RouteTable&&) noexcept = default;

  // `pick`, random over all 32 bits, chooses among the weights. `model` is a name or an alias, and must be allowed as
  // it is written: leave for a name is none for its aliases, nor the other way round. Errors: model_unknown,
  // model_forbidden. The Route's views live as long as the table.
  core::Result<Route> for_model(const auth::Principal& who, std::string_view model, std::uint32_t pick) const;
  // Errors: route_unknown, route_forbidden.
  core::Result<Route> for_path(const auth::Principal& who, std::string_view path) const;

  // The body of GET /v1/models: what `who` may call, by name, each alias as a model of its own
  // (and of /v1/models/{id}: nullopt when `who` may not see it).
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
