#include "tests/support/scripted_client.hpp"

#include <nlohmann/json.hpp>

namespace sallyport::tests {

ScriptedClient::ScriptedClient(const ClientWish& wish) : Wire(Wire::dial(wish.port, wish.receive_buffer)) {
  if (wish.plain) return;
  const TlsContext context = make_client_context(wish.tls);
  connect_tls(*context, wish.server_name);
}

std::string request_text(const RequestWish& wish) {
  std::string text = wish.method + " " + wish.target + " HTTP/1.1\r\nHost: " + wish.host + "\r\n";
  if (!wish.token.empty()) text += "Authorization: Bearer " + wish.token + "\r\n";
  for (const auto& [name, value] : wish.more_fields) text += name + ": " + value + "\r\n";
  if (!wish.body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(wish.body.size()) + "\r\n";
  }
  return text + "\r\n" + wish.body;
}

std::string chat_body(std::string_view model, std::string_view prompt, bool stream) {
  nlohmann::ordered_json body = {{"model", model}, {"messages", {{{"role", "user"}, {"content", prompt}}}}};
  if (stream) body["stream"] = true;
  return body.dump();
}

}  // namespace sallyport::tests
