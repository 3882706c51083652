#include "routing/route_table.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <map>
#include <random>
#include <stdexcept>

#include "auth/authenticator.hpp"
#include "auth/token_file.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using core::Reason;
using routing::RouteTable;

namespace {

auth::Principal principal(std::vector<std::string> models, std::vector<std::string> routes = {}) {
  const core::Secret text = auth::make_token_text();
  auth::Token token;
  token.hash = auth::hash_token(text.reveal_text());
  token.grant = {
      .id = "tk-1", .name = "team-a", .models = std::move(models), .routes = std::move(routes), .allowance = {}};
  const auth::Authenticator authenticator({token}, {});
  const std::string header = "Bearer " + std::string(text.reveal_text());
  return authenticator.identify({.authorization = {header}, .api_key = {}, .peer = nullptr}, core::WallTime{}).value();
}

routing::Upstream upstream(std::string name) {
  routing::Upstream made;
  made.name = std::move(name);
  made.endpoints = {{"10.0.0.5", 8000, false}};
  return made;
}

routing::Model model(std::string name, std::vector<std::string> aliases, std::vector<routing::Target> targets) {
  return {std::move(name), std::move(aliases), std::move(targets), routing::Capture::full, 1700000000};
}

RouteTable table() {
  return RouteTable({upstream("a"), upstream("b")},
                    {model("llama", {"gpt-4", "big \"one\""}, {{0, "meta/llama", 1}}),
                     model("mixed", {}, {{0, "m0", 0}, {0, "m1", 1}, {1, "m3", 3}, {0, "m2", 2}}),
                     model("embed", {}, {{1, "e5", 1}})},
                    {{"audio", "/v1/audio/", 0, routing::Capture::metadata},
                     {"speech", "/v1/audio/speech", 1, routing::Capture::full}});
}

template <class T>
Reason refusal(const core::Result<T>& result) {
  return result ? Reason::none : result.error().reason;
}

}  // namespace

TEST_CASE("A model's name and its aliases lead to its upstream under the upstream's own name") {
  const auto routes = table();
  const auto who = principal({"*"});
  for (const auto* name : {"llama", "gpt-4"}) {
    const auto route = routes.for_model(who, name, 7);
    REQUIRE(route.has_value());
    CHECK(route->upstream().name == "a");
    CHECK(route->model_name() == "llama");
    CHECK(route->upstream_model() == "meta/llama");
    CHECK(route->capture() == routing::Capture::full);
  }
}

TEST_CASE("A model that does not exist is told from one that is not allowed") {
  const auto routes = table();
  const auto who = principal({"llama", "nothing*"});
  CHECK(refusal(routes.for_model(who, "llama", 0)) == Reason::none);
  CHECK(refusal(routes.for_model(who, "embed", 0)) == Reason::model_forbidden);
  CHECK(refusal(routes.for_model(who, "gpt-4", 0)) ==
        Reason::model_forbidden);  // leave for the name is none for the alias
  for (const auto* name : {"", "nothing-1", "Llama", "llama ", "llam", "m1", "meta/llama"}) {
    CHECK(refusal(routes.for_model(who, name, 0)) == Reason::model_unknown);
  }
  CHECK(refusal(routes.for_model(principal({"gpt-4"}), "gpt-4", 0)) == Reason::none);
  CHECK(refusal(routes.for_model(principal({"gpt-4"}), "llama", 0)) == Reason::model_forbidden);
}

TEST_CASE("Targets are chosen by weight, and one without weight never") {
  const auto routes = table();
  const auto who = principal({"*"});
  std::mt19937 random(1);
  std::map<std::string, int> seen;
  for (int i = 0; i < 60000; ++i) {
    seen[std::string(routes.for_model(who, "mixed", static_cast<std::uint32_t>(random()))->upstream_model())]++;
  }
  CHECK(seen.count("m0") == 0);
  CHECK((seen["m1"] > 9500 && seen["m1"] < 10500));
  CHECK((seen["m3"] > 29500 && seen["m3"] < 30500));
  CHECK((seen["m2"] > 19500 && seen["m2"] < 20500));
  const auto model_at = [&](double share) {
    return routes.for_model(who, "mixed", static_cast<std::uint32_t>(share * 4294967295.0))->upstream_model();
  };
  CHECK(model_at(0) == "m1");
  CHECK(model_at(0.166) == "m1");
  CHECK(model_at(0.167) == "m3");
  CHECK(model_at(0.666) == "m3");
  CHECK(model_at(0.667) == "m2");
  CHECK(model_at(1) == "m2");
}

TEST_CASE("The targets after the first are chosen by weight among those that are left") {
  const auto routes = table();
  const auto who = principal({"*"});
  std::mt19937 random(1);
  std::map<std::string, int> seen;
  for (int i = 0; i < 60000; ++i) {
    auto route = routes.for_model(who, "mixed", static_cast<std::uint32_t>(random())).value();
    std::string order;
    for (std::size_t n = 0; n < route.destinations().size(); ++n) {
      route.go_to(n);
      CHECK(route.upstream().name == (route.upstream_model() == "m3" ? "b" : "a"));
      order += route.upstream_model();
    }
    seen[order]++;
  }
  // The weights are 1, 2 and 3, so that "m3m2m1" for one should be 3/6 × 2/3 of all.
  const std::map<std::string, int> expected = {{"m1m2m3", 4000},  {"m1m3m2", 6000},  {"m2m1m3", 5000},
                                               {"m2m3m1", 15000}, {"m3m1m2", 10000}, {"m3m2m1", 20000}};
  CHECK(seen.size() == expected.size());
  for (const auto& [order, times] : expected) {
    INFO(order);
    CHECK(std::abs(seen[order] - times) < 500);
  }
}

TEST_CASE("The longest prefix of a path wins, and a path is taken as it is") {
  const auto routes = table();
  const auto who = principal({}, {"*"});
  CHECK(routes.for_path(who, "/v1/audio/transcriptions")->upstream().name == "a");
  CHECK(routes.for_path(who, "/v1/audio/speeches")->upstream().name == "b");
  CHECK(routes.for_path(who, "/v1/audio/speech")->upstream().name == "b");
  CHECK(routes.for_path(who, "/v1/audio/speech")->capture() == routing::Capture::full);
  CHECK(routes.for_path(who, "/v1/audio/speech")->upstream_model() == "");
  for (const auto* path : {"", "/", "/v1/audio", "/V1/audio/x", "//v1/audio/x", "/x/../v1/audio/x", "/v1%2faudio/x"}) {
    CHECK(refusal(routes.for_path(who, path)) == Reason::route_unknown);
  }
  CHECK(refusal(routes.for_path(principal({"*"}, {"audio"}), "/v1/audio/speech")) == Reason::route_forbidden);
  CHECK(refusal(routes.for_path(principal({"*"}), "/v1/audio/x")) == Reason::route_forbidden);
}

TEST_CASE("The list of models has what the caller may call, sorted, aliases as models of their own") {
  const auto routes = table();
  const auto ids = [&](const auth::Principal& who) {
    const auto list = nlohmann::json::parse(routes.models_json(who));
    CHECK(list.at("object") == "list");
    std::vector<std::string> names;
    for (const auto& entry : list.at("data")) {
      CHECK(entry.at("object") == "model");
      CHECK(entry.at("created") == 1700000000);
      CHECK(entry.at("owned_by") == "sallyport");
      CHECK(entry.at("type") == "model");
      CHECK(entry.at("display_name") == entry.at("id"));
      CHECK(entry.at("created_at") == "2023-11-14T22:13:20Z");
      CHECK(entry.size() == 7);
      names.push_back(entry.at("id"));
    }
    CHECK(list.at("has_more") == false);
    CHECK(list.at("first_id") == (names.empty() ? nlohmann::json(nullptr) : nlohmann::json(names.front())));
    CHECK(list.at("last_id") == (names.empty() ? nlohmann::json(nullptr) : nlohmann::json(names.back())));
    return names;
  };
  CHECK(ids(principal({"*"})) == std::vector<std::string>{"big \"one\"", "embed", "gpt-4", "llama", "mixed"});
  CHECK(ids(principal({"gpt*", "embed"})) == std::vector<std::string>{"embed", "gpt-4"});
  CHECK(ids(principal({})).empty());
}

TEST_CASE("One model is shown to those who may call it, and to others as if it were not there") {
  const auto routes = table();
  const auto who = principal({"gpt-4", "absent"});
  REQUIRE(routes.model_json(who, "gpt-4").has_value());
  CHECK(nlohmann::json::parse(*routes.model_json(who, "gpt-4")).at("id") == "gpt-4");
  CHECK_FALSE(routes.model_json(who, "llama").has_value());
  CHECK_FALSE(routes.model_json(who, "absent").has_value());
}

TEST_CASE("A table that makes no sense is not built") {
  const std::vector<routing::Upstream> one{upstream("a")};
  const auto refused = [&](std::vector<routing::Model> models, std::vector<routing::PathRoute> routes = {}) {
    CHECK_THROWS_AS(RouteTable(one, std::move(models), std::move(routes)), std::invalid_argument);
  };
  refused({model("m", {}, {})});
  refused({model("m", {}, {{1, "x", 1}})});
  refused({model("m", {}, {{0, "x", 0}})});
  refused({model("m", {}, {{0, "x", UINT32_MAX}, {0, "y", 1}})});
  refused({model("", {}, {{0, "x", 1}})});
  refused({model("m", {"m"}, {{0, "x", 1}})});
  refused({model("m", {}, {{0, "x", 1}}), model("n", {"m"}, {{0, "x", 1}})});
  refused({}, {{"r", "/a", 1, {}}});
  refused({}, {{"r", "", 0, {}}});
  refused({}, {{"", "/a", 0, {}}});
  refused({}, {{"r", "/a", 0, {}}, {"r", "/b", 0, {}}});
  refused({}, {{"r", "/a", 0, {}}, {"s", "/a", 0, {}}});
  CHECK_THROWS_AS(RouteTable({routing::Upstream{}}, {}, {}), std::invalid_argument);
}

TEST_CASE("An endpoint is written as a URL") {
  CHECK(routing::Endpoint{"10.0.0.5", 8000, false}.text() == "https://10.0.0.5:8000");
  CHECK(routing::Endpoint{"::1", 80, true}.text() == "http://[::1]:80");
}
