#include "envelope/key_ring.hpp"

#include "envelope/identity.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using sallyport::core::crypto::PrivateKey;

namespace {

const ConstBytes data_key = bytes_of("0123456789abcdef0123456789abcdef");
const ConstBytes context = bytes_of("segment 7");

class Unreachable final : public KeyHolder {
 public:
  std::vector<Recipient> recipients() const override { return {}; }
  Result<Secret> unwrap(const Stanza&, ConstBytes) override { throw HolderFailed("nobody answers"); }
};

template <class... Holders>
KeyRing ring_of(Holders... holders) {
  std::vector<std::unique_ptr<KeyHolder>> all;
  (all.push_back(std::make_unique<Holders>(std::move(holders))), ...);
  return KeyRing(std::move(all));
}

Stanza wrapped_for(const Recipient& recipient) {
  return {recipient.suite(), recipient.id(), recipient.wrap(data_key, context).value()};
}

}  // namespace

TEST_CASE("a ring opens what any of its holders opens, and nothing else") {
  Identity first(PrivateKey::generate_p256()), second(PrivateKey::generate_p256());
  const Recipient one = first.recipient(), two = second.recipient();
  KeyRing ring = ring_of(std::move(first), std::move(second));
  CHECK(ring.unwrap(wrapped_for(one), context)->equals(data_key));
  CHECK(ring.unwrap(wrapped_for(two), context)->equals(data_key));
  const Stanza strangers = wrapped_for(Identity(PrivateKey::generate_p256()).recipient());
  CHECK(ring.unwrap(strangers, context).error() == Error{Reason::key_mismatch});
  REQUIRE(ring.recipients().size() == 2);
  CHECK(ring.recipients()[1].id() == two.id());
}

TEST_CASE("a ring says that a stanza was altered when it was for one of its holders, first or last") {
  for (const bool first : {true, false}) {
    Identity mine(PrivateKey::generate_p256()), other(PrivateKey::generate_p256());
    Stanza altered = wrapped_for(mine.recipient());
    altered.wrapped.back() ^= std::byte{1};
    KeyRing ring = first ? ring_of(std::move(mine), std::move(other)) : ring_of(std::move(other), std::move(mine));
    CHECK(ring.unwrap(altered, context).error() == Error{Reason::not_authentic});
  }
}

TEST_CASE("a holder that cannot be asked is heard of where none before it opens") {
  Identity identity(PrivateKey::generate_p256());
  const Recipient mine = identity.recipient();
  KeyRing ring = ring_of(std::move(identity), Unreachable());
  CHECK(ring.unwrap(wrapped_for(mine), context)->equals(data_key));
  const Stanza strangers = wrapped_for(Identity(PrivateKey::generate_p256()).recipient());
  CHECK_THROWS_AS(ring.unwrap(strangers, context), HolderFailed);
}
