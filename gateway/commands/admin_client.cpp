#include "gateway/commands/admin_client.hpp"

#include <boost/asio/ip/address.hpp>

#include <stdexcept>
#include <system_error>

#include "gateway/commands/http_client.hpp"
#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t answer_mebibytes = 16;  // ten times what a page with every series of a large gateway takes

std::string words_for(core::Error error, core::Duration patience) {
  if (error.os_code != 0) return std::generic_category().message(error.os_code);
  if (error.reason == core::Reason::body_too_large) {
    return "its answer is larger than " + std::to_string(answer_mebibytes) + " MiB";
  }
  const bool late = error.reason == core::Reason::timeout || error.reason == core::Reason::upstream_connect_timeout;
  return late ? "no whole answer within " + text_of(patience) : "its answer is not a whole HTTP message";
}

}  // namespace

AdminAnswer ask_admin(const Address& address, std::string_view target, core::Duration patience) {
  HttpClient client(address.host, address.port, nullptr, patience, answer_mebibytes << 20);
  const auto answer = client.fetch({"GET", std::string(target), {}, {}});
  if (!answer) throw std::runtime_error(text_of(address) + ": " + words_for(answer.error(), patience));
  return {answer->status, std::string(answer->body.reveal_text())};
}

std::string check_admin_address(const std::string& text) {
  const auto address = parse_address(text);
  return address && address->port != 0 ? "" : "\"" + text + "\" is not a numeric address with a port: 127.0.0.1:9090";
}

Address local_address(const Address& address) {
  const auto numeric = boost::asio::ip::make_address(address.host);
  if (!numeric.is_unspecified()) return address;
  return {numeric.is_v6() ? "::1" : "127.0.0.1", address.port};
}

}  // namespace sallyport::gateway
