// A small model server: what the quick start and the SDK tests put behind the gateway. It requires a client
// certificate, keeps connections alive, answers in OpenAI's and Anthropic's shapes and streams word by word.
//
// GET /_stats (on the same port) says what it saw: {"connections":…,"requests":…,"cancelled":…,"writing":…}; a request
// is cancelled when the caller left before its answer was complete.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/model_server/answers.hpp"
#include "tests/support/http_text.hpp"
#include "tests/support/wire.hpp"

namespace sallyport::model_server {
namespace {

using namespace tests;

constexpr Milliseconds keep_alive = 10min;

struct Options {
  std::uint16_t port = 0;
  bool plaintext = false;
  std::string certificate, key, client_ca;
  int delay_ms = 40;
  std::size_t words = 40;
};

struct Stats {
  std::atomic<long> connections = 0, requests = 0, cancelled = 0, writing = 0;
  std::string json() const {
    return Json{{"connections", connections.load()},
                {"requests", requests.load()},
                {"cancelled", cancelled.load()},
                {"writing", writing.load()}}
        .dump();
  }
};

class Server {
 public:
  explicit Server(const Options& options) : options_(options) {
    if (options.plaintext) return;
    context_ = make_server_context({Identity{options.certificate, options.key}, options.client_ca});
  }

  void serve(int descriptor) {
    try {
      Wire wire(descriptor);
      if (context_ != nullptr) wire.accept_tls(*context_);
      ++stats_.connections;
      while (serve_request(wire)) continue;
      wire.close();
    } catch (const WireError&) {
      // The other side went, or never proved itself. Nothing to do for it.
    }
  }

 private:
  bool serve_request(Wire& wire) {
    Message request = read_head(wire, keep_alive);
    if (request.field("expect") == "100-continue") wire.send("HTTP/1.1 100 Continue\r\n\r\n");
    std::string body;
    BodyReader reader(wire, request, BodyReader::Of::request);
    for (std::string some = reader.next(); !some.empty(); some = reader.next()) body += some;
    if (!request.whole) return false;
    if (request.target() == "/_stats") {
      send_plain(wire, {200, stats_.json(), {}});
      return true;
    }
    ++stats_.requests;
    ++stats_.writing;
    const Answer what = answer(request.method(), request.target(), body, options_.words);
    const bool sent = send(wire, what);
    --stats_.writing;
    if (!sent && !what.cut) ++stats_.cancelled;
    return sent && request.field("connection") != "close";
  }

  // Gives false when the answer did not come to its end.
  bool send(Wire& wire, const Answer& what) try {
    if (what.new_keys && wire.tls() != nullptr) wire.update_keys(true);
    if (what.events.empty()) {
      if (what.status == 200 && left_within(wire, options_.delay_ms)) return false;
      send_plain(wire, what);
      return !what.cut;
    }
    wire.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::size_t left = what.cut ? what.events.size() / 2 : what.events.size();
    for (const std::string& event : what.events) {
      if (left-- == 0) return false;
      wire.send(chunk(event));
      if (left_within(wire, options_.delay_ms)) return false;
    }
    wire.send(last_chunk);
    return true;
  } catch (const WireError&) {
    return false;
  }

  // Waits, and gives true at once when the caller leaves. Bytes that come are the next request's.
  static bool left_within(Wire& wire, int milliseconds) {
    const std::string early = wire.read_some(Milliseconds(milliseconds));
    wire.put_back(early);
    return wire.ending() != Ending::open;
  }

  static void send_plain(Wire& wire, const Answer& what) {
    wire.send("HTTP/1.1 " + std::to_string(what.status) + (what.status == 200 ? " OK" : " Refused") +
              "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(what.body.size()) + "\r\n\r\n" +
              what.body.substr(0, what.cut ? what.body.size() / 2 : what.body.npos));
  }

  Options options_;
  TlsContext context_;
  Stats stats_;
};

int listen_on(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 512) != 0) {
    throw std::runtime_error("port " + std::to_string(port) + " of 127.0.0.1 cannot be listened on");
  }
  ::getsockname(listener, generic, &size);
  port = ntohs(address.sin_port);
  return listener;
}

// Until SIGTERM or SIGINT. Connections have threads of their own, which end with the process.
void accept_until_told(Server& server, int listener) {
  sigset_t told;
  sigemptyset(&told);
  sigaddset(&told, SIGTERM);
  sigaddset(&told, SIGINT);
  ::sigprocmask(SIG_BLOCK, &told, nullptr);
  const int signals = ::signalfd(-1, &told, SFD_CLOEXEC);
  for (;;) {
    pollfd waiting[2] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}};
    ::poll(waiting, 2, -1);
    if (waiting[1].revents != 0) return;
    const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) continue;
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::thread([&server, descriptor] { server.serve(descriptor); }).detach();
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A small model server for the quick start and the tests: OpenAI and Anthropic shapes, mutual TLS.");
  app.add_option("--port", options.port, "port of 127.0.0.1; 0 takes a free one and says which")->capture_default_str();
  app.add_option("--cert", options.certificate, "this server's certificate chain (PEM)");
  app.add_option("--key", options.key, "its private key (PEM)");
  app.add_option("--client-ca", options.client_ca, "the CA that callers' certificates must come from (PEM)");
  app.add_flag("--plaintext", options.plaintext, "no TLS at all");
  app.add_option("--delay", options.delay_ms, "milliseconds before each answer, and between events")
      ->capture_default_str();
  app.add_option("--words", options.words, "most words of one answer")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!options.plaintext && (options.certificate.empty() || options.key.empty() || options.client_ca.empty())) {
    std::fprintf(stderr, "model_server: --cert, --key and --client-ca are needed, or --plaintext\n");
    return 2;
  }
  Server server(options);
  const int listener = listen_on(options.port);
  std::printf("listening on %s://localhost:%u\n", options.plaintext ? "http" : "https", unsigned(options.port));
  std::fflush(stdout);
  accept_until_told(server, listener);
  std::fflush(nullptr);
  ::_exit(0);  // threads of live connections still use `server`
}

}  // namespace
}  // namespace sallyport::model_server

int main(int argc, char** argv) try {
  return sallyport::model_server::run(argc, argv);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "model_server: %s\n", failure.what());
  return 1;
}
