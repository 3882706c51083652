// A model server that does exactly what the test says: each connection runs the test's script on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/http_text.hpp"
#include "tests/support/wire.hpp"

namespace sallyport::tests {

// What came, kept for the test. Safe from every thread.
class Received {
 public:
  void add(Message request);
  std::vector<Message> requests() const;
  std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Message> requests_;
};

// The server's end of one connection.
class Peer : public Wire {
 public:
  Peer(Wire wire, int number, Received& received) : Wire(std::move(wire)), number_(number), received_(&received) {}
  int number() const noexcept { return number_; }  // the first connection is 1

  // Throws WireError when the client leaves instead.
  Message read_request(Milliseconds limit = patience);
  // With Content-Length. `more` goes into the head as it stands ("Name: value\r\n").
  void send_answer(unsigned status, std::string_view body, std::string_view more = "");
  // The head of a chunked event stream; then send_event for each, and send(last_chunk).
  void start_stream(std::string_view more = "");
  void send_event(std::string_view data) { send(chunk("data: " + std::string(data) + "\n\n")); }

 private:
  int number_;
  Received* received_;
};

struct ServerWish {
  std::optional<TlsWish> tls{};      // absent: plain
  bool handshake_by_script = false;  // the script calls accept_tls itself, or does something else
};
// Mutual TLS as a model server should have it.
ServerWish mutual_tls(const Identity& identity, const path& client_ca);

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  // Listens on a free port of loopback when the constructor returns. A script that throws ends its connection, and the
  // words are kept; one that returns closes it cleanly.
  ScriptedServer(ServerWish wish, Script script);
  ~ScriptedServer();  // tells the failures so far, for whoever asks why a test failed; wakes and joins every script

  std::uint16_t port() const noexcept { return port_; }
  std::string url() const;  // "https://localhost:PORT"
  SSL_CTX& tls_context() const noexcept { return *context_; }
  int connections() const noexcept { return connections_; }  // accepted so far
  int handshakes() const noexcept { return handshakes_; }    // finished so far
  const Received& received() const noexcept { return received_; }
  std::vector<std::string> failures() const;  // what scripts and handshakes threw

 private:
  void accept_all();
  void serve(int descriptor, int number);

  ServerWish wish_;
  TlsContext context_;
  Script script_;
  int listener_ = -1;
  int stop_ = -1;  // an eventfd that every wait watches
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0, handshakes_ = 0;
  Received received_;
  mutable std::mutex mutex_;
  std::vector<std::string> failures_;
  std::vector<std::jthread> scripts_;  // the acceptor's alone until it has ended
  std::jthread acceptor_;
};

// A script: answers every request of a connection with `body`, until the client leaves.
ScriptedServer::Script answer_always(std::string body);

// A script: begins a stream with one event, writes nothing more, and tells when the gateway leaves.
ScriptedServer::Script begin_stream(Signal& left);

// What a model server answers to a plain chat, with its usage.
inline constexpr std::string_view chat_answer =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":)"
    R"({"role":"assistant","content":"Hello."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";
// The data of one streamed chat event.
std::string chat_event(std::string_view word);

}  // namespace sallyport::tests
