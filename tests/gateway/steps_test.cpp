// The steps of a request: what each one gives can only be had by taking it, so none can be left out.
#include <type_traits>

#include "auth/limiter.hpp"
#include "auth/principal.hpp"
#include "routing/route_table.hpp"
#include "routing/upstream_pool.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::gateway {
namespace {

template <class Given>
constexpr bool comes_from_nothing = std::is_default_constructible_v<Given> || std::is_aggregate_v<Given>;

}  // namespace

TEST_CASE("what a step gives cannot be made without it") {
  STATIC_REQUIRE_FALSE(comes_from_nothing<auth::Principal>);
  STATIC_REQUIRE_FALSE(comes_from_nothing<routing::Route>);
  STATIC_REQUIRE_FALSE(comes_from_nothing<auth::Admission>);
  STATIC_REQUIRE_FALSE(comes_from_nothing<routing::UpstreamLease>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<auth::Principal, std::shared_ptr<const auth::Grant>>);
}

TEST_CASE("an admission and a connection are held once, and given back once") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<auth::Admission>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<routing::UpstreamLease>);
}

TEST_CASE("a route and an admission are for a principal") {
  using routing::RouteTable;
  using Who = const auth::Principal&;
  using ForModel = core::Result<routing::Route> (RouteTable::*)(Who, std::string_view, std::uint32_t) const;
  using ForPath = core::Result<routing::Route> (RouteTable::*)(Who, std::string_view) const;
  using Admit = core::Result<auth::Admission> (auth::Limiter::*)(Who, std::uint64_t, core::TimePoint, auth::Standings&);
  STATIC_REQUIRE(std::is_same_v<decltype(&RouteTable::for_model), ForModel>);
  STATIC_REQUIRE(std::is_same_v<decltype(&RouteTable::for_path), ForPath>);
  STATIC_REQUIRE(std::is_same_v<decltype(&auth::Limiter::admit), Admit>);
}

}  // namespace sallyport::gateway
