#include "auth/authenticator.hpp"

#include <stdexcept>

#include "tests/auth/samples.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::auth;
using namespace sallyport::auth::test;
using core::Reason;

namespace {

struct House {
  std::string text = std::string(make_token_text().reveal_text());
  std::string other = std::string(make_token_text().reveal_text());
  Authenticator authenticator{{token_for(text), token_for(other, "team-b")}, {}};

  core::Result<Principal> with(std::vector<std::string_view> authorization,
                               std::vector<std::string_view> api_key = {}) const {
    return authenticator.identify({std::move(authorization), std::move(api_key), nullptr}, noon);
  }
};

core::PeerIdentity peer_named(const std::string& common_name) {
  core::PeerIdentity peer;
  peer.verified = true;
  peer.valid_until = noon + 1h;
  peer.common_name = common_name;
  peer.dns_names = {"a.example", "b.example"};
  peer.uris = {"spiffe://example/team-a"};
  peer.fingerprint = std::string(62, '0') + "ab";
  return peer;
}

CertificateRule rule_for(const std::string& name) {
  CertificateRule rule;
  rule.grant = {.id = "cert:" + name, .name = name, .models = {"*"}, .routes = {}, .allowance = {}};
  return rule;
}

Reason reason_of(const core::Result<Principal>& result) {
  return result.has_value() ? Reason::none : result.error().reason;
}

Reason reason_for(const CertificateRule& rule, const core::PeerIdentity& peer) {
  return reason_of(Authenticator({}, {rule}).identify({{}, {}, &peer}, noon));
}

}  // namespace

TEST_CASE("a token in Authorization proves its principal") {
  const House house;
  const auto principal = house.with({"Bearer " + house.text});
  REQUIRE(principal.has_value());
  CHECK(principal->name() == "team-a");
  CHECK(principal->id().starts_with("tk-"));
}

TEST_CASE("a token in x-api-key proves its principal") {
  const House house;
  const auto principal = house.with({}, {house.other});
  REQUIRE(principal.has_value());
  CHECK(principal->name() == "team-b");
}

TEST_CASE("a principal may use what its patterns name and nothing else") {
  const House house;
  const Principal principal = house.with({"Bearer " + house.text}).value();
  CHECK(principal.may_call_model("llama-3"));
  CHECK(principal.may_call_model("embed"));
  CHECK_FALSE(principal.may_call_model("qwen"));
  CHECK_FALSE(principal.may_call_model(""));
  CHECK_FALSE(principal.may_use_route("audio"));
  CHECK_FALSE(principal.may_use_route("llama-3"));
}

TEST_CASE("the scheme's letter case and the spaces around the token do not count") {
  const House house;
  for (const char* prefix : {"Bearer ", "bearer ", "BEARER ", "bEaReR   ", " \tBearer "}) {
    INFO("prefix: " << prefix);
    CHECK(house.with({std::string(prefix) + house.text + " "}).has_value());
  }
}

TEST_CASE("what is not a token after Bearer is malformed") {
  const House house;
  std::string typo = house.text;
  typo.back() = typo.back() == 'A' ? 'B' : 'A';
  for (const std::string& value :
       {std::string(), std::string("Bearer"), std::string("Bearer "), house.text, "Basic " + house.text,
        "Bearer" + house.text, "Bearer\t" + house.text, "Bearer " + typo, "Bearer " + house.text + "," + house.text,
        "Bearer " + house.text + " " + house.text, "Bearer \"" + house.text + "\"", "Token " + house.text,
        "Bearer " + std::string(100'000, 'A')}) {
    INFO("value: " << value.substr(0, 120));
    CHECK(reason_of(house.with({value})) == Reason::credential_malformed);
  }
  CHECK(reason_of(house.with({}, {""})) == Reason::credential_malformed);
  CHECK(reason_of(house.with({}, {"Bearer " + house.text})) == Reason::credential_malformed);
}

TEST_CASE("a field shown twice is ambiguous even when both values are the same") {
  const House house;
  const std::string bearer = "Bearer " + house.text;
  CHECK(reason_of(house.with({bearer, bearer})) == Reason::credential_ambiguous);
  CHECK(reason_of(house.with({}, {house.text, house.text})) == Reason::credential_ambiguous);
}

TEST_CASE("both fields count only when they show the same token") {
  const House house;
  const std::string bearer = "Bearer " + house.text;
  CHECK(house.with({bearer}, {house.text}).has_value());
  CHECK(reason_of(house.with({bearer}, {house.other})) == Reason::credential_ambiguous);
  CHECK(reason_of(house.with({"Basic eA=="}, {house.text})) == Reason::credential_ambiguous);
  CHECK(reason_of(house.with({bearer}, {""})) == Reason::credential_ambiguous);
}

TEST_CASE("no credential at all is missing") {
  const House house;
  CHECK(reason_of(house.with({})) == Reason::credential_missing);
  core::PeerIdentity unproven = peer_named("alice");
  unproven.verified = false;
  CHECK(reason_of(house.authenticator.identify({{}, {}, &unproven}, noon)) == Reason::credential_missing);
}

TEST_CASE("a well-formed token that nobody made is unknown") {
  const House house;
  const core::Secret stranger = make_token_text();
  CHECK(reason_of(house.with({"Bearer " + std::string(stranger.reveal_text())})) == Reason::credential_unknown);
}

TEST_CASE("a token is good until the instant it expires") {
  const core::Secret text = make_token_text();
  Token token = token_for(text.reveal_text());
  token.expires = noon;
  const Authenticator authenticator({token}, {});
  const Credentials shown{{}, {text.reveal_text()}, nullptr};
  CHECK(authenticator.identify(shown, noon - 1ns).has_value());
  CHECK(reason_of(authenticator.identify(shown, noon)) == Reason::credential_expired);
}

TEST_CASE("a revoked token is refused whatever the clock says, and before its expiry is looked at") {
  const core::Secret text = make_token_text();
  Token token = token_for(text.reveal_text());
  token.revoked = noon + 1h;
  token.expires = noon - 1h;
  const Authenticator authenticator({token}, {});
  CHECK(reason_of(authenticator.identify({{}, {text.reveal_text()}, nullptr}, noon)) == Reason::credential_revoked);
}

TEST_CASE("a bad token is not forgiven for a good certificate") {
  const core::PeerIdentity peer = peer_named("alice");
  CertificateRule rule = rule_for("alice");
  rule.common_name = "alice";
  const Authenticator authenticator({}, {rule});
  CHECK(authenticator.identify({{}, {}, &peer}, noon).has_value());
  CHECK(reason_of(authenticator.identify({{"Bearer x"}, {}, &peer}, noon)) == Reason::credential_malformed);
}

TEST_CASE("a certificate that expires on a live connection counts no longer") {
  const core::PeerIdentity peer = peer_named("alice");
  CertificateRule rule = rule_for("alice");
  rule.common_name = "alice";
  const Authenticator authenticator({}, {rule});
  CHECK(authenticator.identify({{}, {}, &peer}, peer.valid_until - 1ns).has_value());
  CHECK(reason_of(authenticator.identify({{}, {}, &peer}, peer.valid_until)) == Reason::credential_expired);
}

TEST_CASE("each condition of a certificate rule must hold") {
  const core::PeerIdentity peer = peer_named("alice");
  CertificateRule rule = rule_for("alice");
  rule.common_name = "alice";
  rule.dns_name = "B.Example";
  rule.uri = "spiffe://example/team-a";
  rule.fingerprint = std::string(62, '0') + ":AB";
  REQUIRE(reason_for(rule, peer) == Reason::none);

  auto wrong = rule;
  SECTION("common name") { wrong.common_name = "Alice"; }
  SECTION("dns name") { wrong.dns_name = "c.example"; }
  SECTION("a dns name is not a suffix") { wrong.dns_name = "example"; }
  SECTION("uri") { wrong.uri = "spiffe://example/team-A"; }
  SECTION("fingerprint") { wrong.fingerprint = std::string(64, '0'); }
  CHECK(reason_for(wrong, peer) == Reason::credential_unknown);
}

TEST_CASE("a condition is not met by a certificate that lacks the field") {
  core::PeerIdentity bare;
  bare.verified = true;
  bare.valid_until = noon + 1h;
  CertificateRule rule = rule_for("alice");
  SECTION("common name") { rule.common_name = "alice"; }
  SECTION("dns name") { rule.dns_name = "a.example"; }
  SECTION("uri") { rule.uri = "spiffe://example/team-a"; }
  SECTION("fingerprint") { rule.fingerprint = std::string(64, '0'); }
  CHECK(reason_for(rule, bare) == Reason::credential_unknown);
}

TEST_CASE("the first rule that matches names the principal") {
  const core::PeerIdentity peer = peer_named("alice");
  CertificateRule first = rule_for("first"), second = rule_for("second"), other = rule_for("other");
  other.common_name = "bob";
  first.dns_name = "a.example";
  second.common_name = "alice";
  const Authenticator authenticator({}, {other, first, second});
  CHECK(authenticator.identify({{}, {}, &peer}, noon).value().name() == "first");
}

TEST_CASE("a rule without a condition or with half a fingerprint is refused when it is built") {
  CHECK_THROWS_AS(Authenticator({}, {rule_for("all")}), std::invalid_argument);
  CertificateRule rule = rule_for("half");
  rule.fingerprint = "00ab";
  CHECK_THROWS_AS(Authenticator({}, {rule}), std::invalid_argument);
  rule.fingerprint = ":";
  CHECK_THROWS_AS(Authenticator({}, {rule}), std::invalid_argument);
}

TEST_CASE("a principal outlives the authenticator that made it") {
  auto house = std::make_unique<House>();
  const Principal principal = house->with({"Bearer " + house->text}).value();
  house.reset();
  CHECK(principal.name() == "team-a");
  CHECK(principal.may_call_model("embed"));
}
