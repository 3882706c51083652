#include "gateway/address_slots.hpp"

#include "tests/support/catch.hpp"

using sallyport::gateway::AddressSlots;

namespace {

// Whether two addresses have one limit in common.
bool are_one_client(const char* one, const char* other) {
  AddressSlots slots;
  const auto held = slots.take(one, 1);
  REQUIRE(held.has_value());
  return !slots.take(other, 1).has_value();
}

}  // namespace

TEST_CASE("a client has as many connections as the limit says, and one that ends makes room") {
  AddressSlots slots;
  auto first = slots.take("192.0.2.1", 2), second = slots.take("192.0.2.1", 2);
  CHECK(second.has_value());
  CHECK_FALSE(slots.take("192.0.2.1", 2).has_value());
  first.reset();
  CHECK(slots.take("192.0.2.1", 2).has_value());
}

TEST_CASE("an IPv4 address is a client, also where it is written as IPv6; of IPv6 a network of 64 bits is") {
  CHECK(are_one_client("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(are_one_client("192.0.2.1", "192.0.2.2"));
  CHECK(are_one_client("192.0.2.1", "::ffff:192.0.2.1"));
  CHECK_FALSE(are_one_client("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
  CHECK(are_one_client("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"));
  CHECK_FALSE(are_one_client("2001:db8:0:1::1", "2001:db8:0:2::1"));
  CHECK(are_one_client("fe80::1%lo", "fe80::2%lo"));
}
