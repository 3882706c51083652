#include "routing/route_table.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/text.hpp"
#include "core/utc_time.hpp"
#include "routing/json_text.hpp"

namespace sallyport::routing {
namespace {

using core::Reason;

void need(bool holds, const std::string& what) {
  if (!holds) throw std::invalid_argument(what);
}

std::uint64_t total_weight(const Model& model) {
  std::uint64_t total = 0;
  for (const auto& target : model.targets) total += target.weight;
  return total;
}

// Brings them into the order in which a call tries them: each is chosen by weight among those that are left.
void order_by_weight(std::span<Destination> left, std::uint32_t pick) {
  std::uint64_t total = 0;
  for (const auto& one : left) total += one.weight;
  for (; left.size() > 1; left = left.subspan(1)) {
    // Scaled, because a remainder would favour the first ones a little.
    std::uint64_t place = (static_cast<std::uint64_t>(pick) * total) >> 32;
    auto chosen = left.begin();
    for (; place >= chosen->weight; ++chosen) place -= chosen->weight;
    total -= chosen->weight;
    std::iter_swap(left.begin(), chosen);
    pick *= 0x9E3779B1;  // spreads the numbers of one choice over all 32 bits for the next (Fibonacci hashing)
  }
}

// One object for OpenAI's and Anthropic's clients: each ignores the other's keys.
std::string model_object(std::string_view name, const Model& model) {
  const std::string quoted = quote_json(name);
  return R"({"id":)" + quoted + R"(,"object":"model","created":)" + std::to_string(model.created) +
         R"(,"owned_by":"sallyport","type":"model","display_name":)" + quoted + R"(,"created_at":")" +
         core::format_utc(core::WallTime(std::chrono::seconds(model.created))) + R"("})";
}

// Anthropic's clients use these to get the next page.
std::string page_ends(const std::vector<std::string_view>& names) {
  const auto id = [](const std::string_view* name) { return name ? quote_json(*name) : std::string("null"); };
  return R"("has_more":false,"first_id":)" + id(names.empty() ? nullptr : &names.front()) + R"(,"last_id":)" +
         id(names.empty() ? nullptr : &names.back());
}

}  // namespace

std::string Endpoint::text() const { return (plaintext ? "http://" : "https://") + core::with_port(host, port); }

bool Upstream::has_tls() const noexcept {
  return std::any_of(endpoints.begin(), endpoints.end(), [](const Endpoint& endpoint) { return !endpoint.plaintext; });
}

RouteTable::RouteTable(std::vector<Upstream> upstreams, std::vector<Model> models, std::vector<PathRoute> routes)
    : upstreams_(std::move(upstreams)), models_(std::move(models)), routes_(std::move(routes)) {
  for (const auto& upstream : upstreams_) {
    need(!upstream.endpoints.empty(), "upstream " + upstream.name + " has no endpoint");
  }
  for (const auto& model : models_) {
    by_name_.emplace_back(model.name, &model);
    for (const auto& alias : model.aliases) by_name_.emplace_back(alias, &model);
    const auto total = total_weight(model);
    need(total > 0 && total <= UINT32_MAX, "model " + model.name + " has no target, or weights that are no weights");
    for (const auto& target : model.targets) {
      need(target.upstream < upstreams_.size(), "model " + model.name + " goes to an unknown upstream");
    }
  }
  std::sort(by_name_.begin(), by_name_.end());
  for (std::size_t i = 0; i < by_name_.size(); ++i) {
    const std::string_view name = by_name_[i].first;
    need(!name.empty() && (i == 0 || by_name_[i - 1].first != name), "model name empty or twice: " + std::string(name));
  }
  for (auto route = routes_.begin(); route != routes_.end(); ++route) {
    need(route->upstream < upstreams_.size(), "route " + route->name + " goes to an unknown upstream");
    need(!route->name.empty() && !route->prefix.empty(), "a route has no name or no prefix");
    const auto same = [&](const PathRoute& other) {
      return other.name == route->name || other.prefix == route->prefix;
    };
    need(std::none_of(routes_.begin(), route, same), "route name or prefix twice: " + route->name);
  }
}

const Model* RouteTable::find_model(std::string_view name) const noexcept {
  const auto before = [](const auto& entry, std::string_view text) { return entry.first < text; };
  const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name, before);
  return found != by_name_.end() && found->first == name ? found->second : nullptr;
}

core::Result<Route> RouteTable::for_model(const auth::Principal& who, std::string_view model,
                                          std::uint32_t pick) const {
  const Model* const found = find_model(model);
  if (!found) return core::Error(Reason::model_unknown);
  if (!who.may_call_model(model)) return core::Error(Reason::model_forbidden);
  Route route;
  for (const auto& target : found->targets) {
    if (target.weight == 0) continue;
    route.destinations_.push_back({&upstreams_[target.upstream], target.model, target.weight});
  }
  order_by_weight(route.destinations_, pick);
  route.model_name_ = found->name;
  route.expected_output_ = found->expected_output;
  route.capture_ = found->capture;
  route.tenant_ = found->tenant;
  return route;
}

core::Result<Route> RouteTable::for_path(const auth::Principal& who, std::string_view path) const {
  const PathRoute* found = nullptr;
  for (const auto& route : routes_) {
    if (path.starts_with(route.prefix) && (!found || route.prefix.size() > found->prefix.size())) found = &route;
  }
  if (!found) return core::Error(Reason::route_unknown);
  if (!who.may_use_route(found->name)) return core::Error(Reason::route_forbidden);
  Route route;
  route.destinations_.push_back({&upstreams_[found->upstream], {}});
  route.capture_ = found->capture;
  route.tenant_ = found->tenant;
  return route;
}

std::string RouteTable::models_json(const auth::Principal& who) const {
  std::string list;
  std::vector<std::string_view> names;
  for (const auto& [name, model] : by_name_) {
    if (!who.may_call_model(name)) continue;
    if (!list.empty()) list += ',';
    list += model_object(name, *model);
    names.push_back(name);
  }
  return R"({"object":"list","data":[)" + list + "]," + page_ends(names) + '}';
}

std::optional<std::string> RouteTable::model_json(const auth::Principal& who, std::string_view name) const {
  const Model* const found = find_model(name);
  if (!found || !who.may_call_model(name)) return std::nullopt;
  return model_object(name, *found);
}

}  // namespace sallyport::routing
