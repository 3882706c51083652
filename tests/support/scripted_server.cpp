#include "tests/support/scripted_server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

namespace sallyport::tests {

void Received::add(Message request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
}

std::vector<Message> Received::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t Received::count() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

Message Peer::read_request(Milliseconds limit) {
  Message request = read_message(*this, BodyReader::Of::request, limit);
  received_->add(request);
  return request;
}

void Peer::send_answer(unsigned status, std::string_view body, std::string_view more) {
  send("HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body));
}

void Peer::start_stream(std::string_view more) {
  send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + std::string(more) +
       "\r\n");
}

ServerWish mutual_tls(const Identity& identity, const path& client_ca) { return {TlsWish{identity, client_ca}}; }

ScriptedServer::ScriptedServer(ServerWish wish, Script script)
    : wish_(std::move(wish)),
      script_(std::move(script)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (wish_.tls) context_ = make_server_context(*wish_.tls);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("the scripted server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  for (const std::string& failure : failures()) std::fprintf(stderr, "a scripted server: %s\n", failure.c_str());
  ::eventfd_write(stop_, 1);
  acceptor_.join();
  scripts_.clear();
  ::close(listener_);
  ::close(stop_);
}

std::string ScriptedServer::url() const {
  return (wish_.tls ? "https://localhost:" : "http://localhost:") + std::to_string(port_);
}

std::vector<std::string> ScriptedServer::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void ScriptedServer::accept_all() {
  for (;;) {
    pollfd waiting[2] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waiting, 2, -1);
    if (waiting[1].revents != 0) return;
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) continue;
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const int number = ++connections_;
    scripts_.emplace_back([this, descriptor, number] { serve(descriptor, number); });
  }
}

void ScriptedServer::serve(int descriptor, int number) try {
  Peer peer(Wire(descriptor), number, received_);
  peer.stop_on(stop_);
  if (context_ != nullptr && !wish_.handshake_by_script) {
    peer.accept_tls(*context_);
    ++handshakes_;
  }
  script_(peer);
  peer.close();
} catch (const Ended&) {
  // A client that leaves between two requests is no failure.
} catch (const std::exception& failure) {
  const std::lock_guard lock(mutex_);
  failures_.emplace_back(failure.what());
}

ScriptedServer::Script begin_stream(Signal& left) {
  return [&left](Peer& peer) {
    peer.read_request();
    peer.start_stream();
    peer.send_event(chat_event("a"));
    if (peer.wait_for_end() != Ending::open) left.set();
  };
}

ScriptedServer::Script answer_always(std::string body) {
  return [body = std::move(body)](Peer& peer) {
    for (;;) {
      peer.read_request();
      peer.send_answer(200, body);
    }
  };
}

std::string chat_event(std::string_view word) {
  const nlohmann::ordered_json event = {
      {"id", "chatcmpl-1"},
      {"object", "chat.completion.chunk"},
      {"created", 1},
      {"model", "m"},
      {"choices", {{{"index", 0}, {"delta", {{"content", word}}}, {"finish_reason", nullptr}}}}};
  return event.dump();
}

}  // namespace sallyport::tests
