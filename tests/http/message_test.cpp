#include "http/message.hpp"

#include "tests/support/catch.hpp"

using namespace sallyport::http;

TEST_CASE("names compare without case, letters alone") {
  CHECK(same_name("Content-Length", "cONTENT-lENGTH"));
  CHECK(same_name("", ""));
  CHECK_FALSE(same_name("host", "hosts"));
  CHECK_FALSE(same_name("[", "{"));
  CHECK_FALSE(same_name("@", "`"));
  CHECK_FALSE(same_name("\xc9", "\xe9"));
}

TEST_CASE("a name with _ may be read as the one with -, and no other may") {
  CHECK(may_be_read_as("X_Api-KEY", "x-api-key"));
  CHECK(may_be_read_as("host", "Host"));
  CHECK_FALSE(may_be_read_as("x.api.key", "x-api-key"));
  CHECK_FALSE(may_be_read_as("x_api_key_", "x-api-key"));
}

TEST_CASE("fields are found by name, the first of them, and counted") {
  Fields fields;
  CHECK_FALSE(fields.find("a").has_value());
  fields.add("A", "1");
  fields.add("b", "2");
  fields.add("a", "3");
  CHECK(fields.find("a") == "1");
  CHECK(fields.find("B") == "2");
  CHECK(fields.count("A") == 2);
  CHECK(fields.count("c") == 0);
  CHECK(fields.size() == 3);
  fields.clear();
  CHECK(fields.size() == 0);
}

TEST_CASE("a list has a member, not a part of one") {
  CHECK(list_has("close", "close"));
  CHECK(list_has("a,CLOSE", "close"));
  CHECK(list_has(" a\t, \tclose\t,b", "close"));
  CHECK_FALSE(list_has("", "close"));
  CHECK_FALSE(list_has("closed", "close"));
  CHECK_FALSE(list_has("not close", "close"));
  CHECK_FALSE(list_has("close;a", "close"));
}

TEST_CASE("a list is of tokens when nothing else stands between its commas") {
  CHECK(is_token_list(""));
  CHECK(is_token_list("close"));
  CHECK(is_token_list(" a\t, \tb,,C ,"));
  CHECK_FALSE(is_token_list("a b"));
  CHECK_FALSE(is_token_list("a;b"));
  CHECK_FALSE(is_token_list("a, \"b\""));
}

TEST_CASE("what belongs to one connection is not passed on") {
  const Fields none;
  const HopByHop is_hop_by_hop(none);
  for (const auto* name : {"Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding", "UPGRADE",
                           "Content-Length", "Proxy-Authorization", "proxy-connection", "Proxy-Authenticate"}) {
    INFO(name);
    CHECK(is_hop_by_hop(name));
  }
  for (const auto* name : {"Host", "Authorization", "Content-Type", "X-Request-Id", "Traceparent", "Te2", "Upgrades",
                           "Proxy", "", "Set-Cookie"}) {
    INFO(name);
    CHECK_FALSE(is_hop_by_hop(name));
  }
}

TEST_CASE("a name that some servers take for a framing field is not passed on either") {
  const Fields none;
  const HopByHop is_hop_by_hop(none);
  CHECK(is_hop_by_hop("Transfer_Encoding"));
  CHECK(is_hop_by_hop("content_length"));
  CHECK(is_hop_by_hop("Proxy_Connection"));
}

TEST_CASE("a Connection field takes away what it names, but nothing the gateway relies on") {
  Fields fields;
  fields.add("Connection", "close, X-Own ,authorization, HOST, x-api-key, content-length, Content-Type,Content_Type");
  fields.add("connection", "x-second");
  const HopByHop is_hop_by_hop(fields);
  CHECK(is_hop_by_hop("x-own"));
  CHECK(is_hop_by_hop("X-Second"));
  CHECK_FALSE(is_hop_by_hop("X-Third"));
  CHECK_FALSE(is_hop_by_hop("Authorization"));
  CHECK_FALSE(is_hop_by_hop("Host"));
  CHECK_FALSE(is_hop_by_hop("X-Api-Key"));
  CHECK_FALSE(is_hop_by_hop("Content-Type"));
}
