#include "tls/message_reader.hpp"

#include <string>

#include "core/base64.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using tls::Alert;
using tls::MessageReader;

namespace {

MessageReader::Messages take(MessageReader& reader, std::string_view hex) { return reader.take(*core::from_hex(hex)); }

// How a client is answered for such content: 0 where nothing is wrong.
int alert_for(bool as_client, std::string_view hex) {
  MessageReader reader(as_client);
  const auto messages = take(reader, hex);
  return messages.said == MessageReader::Said::wrong ? static_cast<int>(messages.alert) : 0;
}

}  // namespace

TEST_CASE("a key update is understood, and whether it asks for ours") {
  MessageReader reader(false);
  CHECK(take(reader, "1800000100").said == MessageReader::Said::key_update);
  CHECK(take(reader, "1800000101").said == MessageReader::Said::key_update_asking_for_ours);
}

TEST_CASE("tickets may come together and in parts, and a key update behind them") {
  const std::string ticket = "04000003aabbcc";
  const std::string both = ticket + ticket;
  for (std::size_t cut = 2; cut < both.size(); cut += 2) {
    MessageReader reader(true);
    CHECK(take(reader, both.substr(0, cut)).said == MessageReader::Said::tickets);
    CHECK(reader.is_within_a_message() == (cut != ticket.size()));
    CHECK(take(reader, both.substr(cut)).said == MessageReader::Said::tickets);
    CHECK_FALSE(reader.is_within_a_message());
  }
  MessageReader reader(true);
  CHECK(take(reader, ticket + "1800000100").said == MessageReader::Said::key_update);
}

TEST_CASE("what may not follow a handshake is refused with the alert that RFC 8446 names") {
  CHECK(alert_for(true, "04000000") == 0);
  CHECK(alert_for(false, "04000000") == static_cast<int>(Alert::unexpected_message));  // a ticket to a server
  CHECK(alert_for(true, "") == static_cast<int>(Alert::unexpected_message));
  CHECK(alert_for(true, "0d000000") == static_cast<int>(Alert::unexpected_message));   // a certificate request
  CHECK(alert_for(false, "01000000") == static_cast<int>(Alert::unexpected_message));  // a client's hello
  CHECK(alert_for(true, "04ffffff") == static_cast<int>(Alert::decode_error));         // a ticket of 16 MB
  CHECK(alert_for(true, "1800000102") == static_cast<int>(Alert::illegal_parameter));
  CHECK(alert_for(true, "180000020000") == static_cast<int>(Alert::decode_error));
  CHECK(alert_for(true, "18000001") == static_cast<int>(Alert::unexpected_message));      // the rest elsewhere
  CHECK(alert_for(true, "180000010004") == static_cast<int>(Alert::unexpected_message));  // something behind it
}
