#include "auth/principal.hpp"

#include "auth/policy.hpp"

namespace sallyport::auth {

bool Principal::may_call_model(std::string_view public_name) const noexcept {
  return any_matches(grant_->models, public_name);
}

bool Principal::may_use_route(std::string_view route_name) const noexcept {
  return any_matches(grant_->routes, route_name);
}

}  // namespace sallyport::auth
