// A client that does exactly what the test says, byte by byte.
#pragma once

#include "tests/support/http_text.hpp"
#include "tests/support/wire.hpp"

namespace sallyport::tests {

struct ClientWish {
  std::uint16_t port = 0;
  TlsWish tls{};  // `trusted` empty: the server is not verified
  bool plain = false;
  std::string server_name = "localhost";  // SNI, and the name the certificate must carry
  int receive_buffer = 0;                 // bytes; small: a client that stops reading is felt soon
};

class ScriptedClient : public Wire {
 public:
  // Connects, handshake included. Throws WireError. (With TLS 1.3 a server that refuses this client's certificate says
  // so only on the first read.)
  explicit ScriptedClient(const ClientWish& wish);

  // The next answer, interim ones (1xx) included. `to_head`: it answers a HEAD request.
  Message read_answer(Milliseconds limit = patience, bool to_head = false) {
    return read_message(*this, to_head ? BodyReader::Of::answer_to_head : BodyReader::Of::answer, limit);
  }
};

struct RequestWish {
  std::string method = "POST";
  std::string target = "/v1/chat/completions";
  std::string token{};  // Authorization: Bearer; "" sends none
  HeaderFields more_fields{};
  std::string body{};  // sent with Content-Length unless empty
  std::string host = "localhost";
};
std::string request_text(const RequestWish& wish);

// {"model":…,"messages":[{"role":"user","content":…}]} with "stream":true when asked.
std::string chat_body(std::string_view model, std::string_view prompt, bool stream = false);

}  // namespace sallyport::tests
