// Principal: an authenticated caller. Only the Authenticator makes one, so no code that takes a Principal can run
// without authentication.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace sallyport::auth {

// How much a principal may use. 0 means no limit.
struct Allowance {
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::uint32_t concurrent_requests = 0;
  friend bool operator==(const Allowance&, const Allowance&) = default;
};

// What a token or certificate allows. A pattern is a name, or a prefix and '*' (policy.hpp).
struct Grant {
  std::string id;                   // token id ("tk-3f9a…") or "cert:NAME"; stable, public; limits are counted by it
  std::string name;                 // "team-a"
  std::vector<std::string> models;  // patterns of public model names
  std::vector<std::string> routes;  // patterns of path route names
  Allowance allowance;
  std::string tenant{};  // who owns the content of its calls; empty: the model or path route decides
};

class Principal {
 public:
  const std::string& id() const noexcept { return grant_->id; }
  const std::string& name() const noexcept { return grant_->name; }
  const Allowance& allowance() const noexcept { return grant_->allowance; }
  const std::string& tenant() const noexcept { return grant_->tenant; }
  bool may_call_model(std::string_view public_name) const noexcept;
  bool may_use_route(std::string_view route_name) const noexcept;

 private:
  friend class Authenticator;
  explicit Principal(std::shared_ptr<const Grant> grant) noexcept : grant_(std::move(grant)) {}
  std::shared_ptr<const Grant> grant_;  // shared: a request keeps its grant when a reload removes it
};

}  // namespace sallyport::auth
