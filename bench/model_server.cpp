// The model server behind every proxy of the bench: mutual TLS 1.3, one thread, answers of a stated size (answers.hpp),
// streams flat out or paced. It must never be what is measured.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <queue>
#include <random>
#include <unordered_map>
#include <vector>

#include "bench/answers.hpp"
#include "bench/poller.hpp"
#include "bench/tls_socket.hpp"

namespace sallyport::bench {
namespace {

constexpr int events_at_a_turn = 16;  // of one stream flat out, before the others have theirs
constexpr Nanoseconds second = 1'000'000'000;

constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\nserver: uvicorn\r\n"
    "content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

std::string plain_head(std::size_t bytes) {
  return "HTTP/1.1 200 OK\r\ndate: Tue, 14 Nov 2023 22:13:20 GMT\r\nserver: uvicorn\r\ncontent-length: " +
         std::to_string(bytes) + "\r\ncontent-type: application/json\r\n\r\n";
}

std::string chunk(std::string_view content) {
  char size[20];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", content.size());
  return std::string(size, static_cast<std::size_t>(length)).append(content).append("\r\n");
}

enum class Phase : std::uint8_t { handshake, head, body, streaming };

struct Connection {
  Connection(SSL_CTX* context, int socket) : tls(TlsSocket::accepted(context, socket)) {}

  TlsSocket tls;
  Phase phase = Phase::handshake;
  bool watches_writing = false;
  std::string head;  // while it arrives; then the start of the body
  std::uint64_t body_bytes = 0, body_left = 0;
  Wanted wanted;
  std::uint64_t events_left = 0;
  bool first_event_sent = false;
  std::uint64_t stream = 0;  // distinguishes its streams, for those due
};

struct Due {
  Nanoseconds time;
  int socket;
  std::uint64_t stream;
  bool operator>(const Due& other) const noexcept { return time > other.time; }
};

class ModelServer {
 public:
  ModelServer(const TlsFiles& files, const std::string& address, std::uint16_t port);
  std::uint16_t port() const;
  [[noreturn]] void run();

 private:
  void accept_all();
  void serve(Connection& connection, std::uint32_t ready);
  bool advance(Connection& connection, std::uint32_t ready);  // false: it is over
  bool read_request(Connection& connection);
  bool take(Connection& connection, std::string_view bytes);
  bool take_head(Connection& connection);
  bool answer(Connection& connection);
  bool begin_stream(Connection& connection);
  bool stream_some(Connection& connection, int most);
  bool send_event(Connection& connection);
  void send_due();
  int milliseconds_to_next() const;
  void watch(Connection& connection);

  TlsContext context_;
  Poller poller_;
  int listener_;
  std::unordered_map<int, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::uint32_t, EventText> texts_;  // by size
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t streams_ = 0;
  std::minstd_rand random_;
  std::array<char, 16 * 1024> scratch_;
};

int listening_socket(const std::string& host, std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) throw std::runtime_error(host + " is no address");
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener, 4096) < 0) {
    throw std::system_error(errno, std::generic_category(), host);
  }
  return listener;
}

ModelServer::ModelServer(const TlsFiles& files, const std::string& address, std::uint16_t port)
    : context_(server_context(files)), listener_(listening_socket(address, port)) {
  poller_.add(listener_, EPOLLIN, nullptr);
}

std::uint16_t ModelServer::port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void ModelServer::run() {
  for (;;) {
    for (const epoll_event& event : poller_.wait(milliseconds_to_next())) {
      if (event.data.ptr == nullptr) {
        accept_all();
      } else {
        serve(*static_cast<Connection*>(event.data.ptr), event.events);
      }
    }
    send_due();
  }
}

void ModelServer::accept_all() {
  for (;;) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto& connection = connections_[socket] = std::make_unique<Connection>(context_.get(), socket);
    poller_.add(socket, EPOLLIN, connection.get());
  }
}

void ModelServer::serve(Connection& connection, std::uint32_t ready) {
  if (advance(connection, ready)) {
    watch(connection);
  } else {
    connections_.erase(connection.tls.socket());  // closing takes it out of the poller
  }
}

bool ModelServer::advance(Connection& connection, std::uint32_t ready) {
  if (connection.phase == Phase::handshake) {
    const Io io = connection.tls.handshake();
    if (io != Io::done) return io == Io::again;
    connection.phase = Phase::head;
  }
  if ((ready & EPOLLOUT) != 0) {
    if (connection.tls.flush() == Io::closed) return false;
    if (connection.phase == Phase::streaming && !stream_some(connection, events_at_a_turn)) return false;
  }
  return (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || read_request(connection);
}

bool ModelServer::read_request(Connection& connection) {
  for (;;) {
    std::size_t count = 0;
    const Io io = connection.tls.read(scratch_, count);
    if (io != Io::done) return io == Io::again;
    if (!take(connection, {scratch_.data(), count})) return false;
    if (count < scratch_.size() && !connection.tls.has_pending()) return true;
  }
}

bool ModelServer::take(Connection& connection, std::string_view bytes) {
  if (connection.phase == Phase::streaming) return false;  // pipelining is not spoken here
  if (connection.phase == Phase::head) {
    connection.head.append(bytes);
    if (!take_head(connection)) return false;
  } else {
    if (bytes.size() > connection.body_left) return false;
    connection.body_left -= bytes.size();
    if (connection.head.size() < wanted_within) connection.head.append(bytes.substr(0, wanted_within));
  }
  return connection.phase != Phase::body || connection.body_left > 0 || answer(connection);
}

std::uint64_t content_length(std::string head) {
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::size_t at = head.find("\r\ncontent-length:");
  return at == head.npos ? 0 : std::strtoull(head.c_str() + at + 17, nullptr, 10);
}

bool ModelServer::take_head(Connection& connection) {
  const std::size_t end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos) return connection.head.size() < 16 * 1024;
  connection.body_bytes = content_length(connection.head.substr(0, end));
  connection.head.erase(0, end + 4);
  if (connection.head.size() > connection.body_bytes) return false;
  connection.body_left = connection.body_bytes - connection.head.size();
  connection.phase = Phase::body;
  return true;
}

bool ModelServer::answer(Connection& connection) {
  connection.wanted = wanted_from(connection.head);
  std::string().swap(connection.head);
  if (connection.wanted.stream) return begin_stream(connection);
  const std::string body = plain_answer(connection.wanted, connection.body_bytes);
  connection.phase = Phase::head;
  return connection.tls.send(plain_head(body.size()) + body) != Io::closed;
}

bool ModelServer::begin_stream(Connection& connection) {
  connection.phase = Phase::streaming;
  connection.stream = ++streams_;
  connection.events_left = connection.wanted.events == 0 ? UINT64_MAX : connection.wanted.events;
  if (connection.tls.send(stream_head) == Io::closed || !send_event(connection)) return false;
  if (connection.wanted.rate > 0) {
    // From the second event on at a phase of its own, or a thousand streams would speak at once.
    const double period = static_cast<double>(second) / connection.wanted.rate;
    const auto first = static_cast<Nanoseconds>(std::uniform_real_distribution<double>(0, period)(random_));
    due_.push({monotonic_now() + first, connection.tls.socket(), connection.stream});
  }
  return true;
}

bool ModelServer::stream_some(Connection& connection, int most) {
  if (connection.wanted.rate > 0) return true;
  for (int i = 0; i < most && connection.phase == Phase::streaming && !connection.tls.unsent(); ++i) {
    if (!send_event(connection)) return false;
  }
  return true;
}

bool ModelServer::send_event(Connection& connection) {
  if (connection.events_left == 0) {
    const std::uint64_t events = connection.wanted.events;
    connection.phase = Phase::head;
    return connection.tls.send(chunk(stream_end(events, connection.body_bytes)) + "0\r\n\r\n") != Io::closed;
  }
  --connection.events_left;
  const auto text = texts_.try_emplace(connection.wanted.size, connection.wanted.size).first;
  return connection.tls.send(chunk(text->second.stamped(monotonic_now()))) != Io::closed;
}

void ModelServer::send_due() {
  while (!due_.empty() && due_.top().time <= monotonic_now()) {
    Due next = due_.top();
    due_.pop();
    const auto found = connections_.find(next.socket);
    if (found == connections_.end()) continue;
    Connection& connection = *found->second;
    if (connection.stream != next.stream || connection.phase != Phase::streaming) continue;
    if (!connection.tls.unsent() && !send_event(connection)) {
      connections_.erase(found);
      continue;
    }
    watch(connection);
    next.time += static_cast<Nanoseconds>(static_cast<double>(second) / connection.wanted.rate);
    due_.push(next);
  }
}

int ModelServer::milliseconds_to_next() const {
  if (due_.empty()) return -1;
  const Nanoseconds left = due_.top().time - monotonic_now();
  return left <= 0 ? 0 : static_cast<int>(std::min<Nanoseconds>((left + 999'999) / 1'000'000, 1000));
}

void ModelServer::watch(Connection& connection) {
  const bool flat_out = connection.phase == Phase::streaming && connection.wanted.rate == 0;
  const bool writing = connection.tls.unsent() || flat_out;
  if (writing == connection.watches_writing) return;
  connection.watches_writing = writing;
  poller_.change(connection.tls.socket(), writing ? EPOLLIN | EPOLLOUT : EPOLLIN, &connection);
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  TlsFiles files;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  CLI::App app("The bench's model server: mutual TLS 1.3, one thread");
  app.add_option("--certificate", files.certificate)->required();
  app.add_option("--key", files.key)->required();
  app.add_option("--client-ca", files.ca, "who signs the proxies' certificates")->required();
  app.add_option("--address", address)->capture_default_str();
  app.add_option("--port", port, "0: any free one, told on standard output")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    ModelServer server(files, address, port);
    std::cout << "listening on " << server.port() << std::endl;
    server.run();
  } catch (const std::exception& problem) {
    std::cerr << "model_server: " << problem.what() << '\n';
    return 1;
  }
}
