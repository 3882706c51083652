#include "gateway/admin.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include <stdexcept>

#include "core/pause.hpp"
#include "gateway/input.hpp"
#include "http/reader.hpp"
#include "http/writer.hpp"

namespace sallyport::gateway {

using boost::asio::ip::tcp;
using core::Task;

namespace {
constexpr core::Duration patience = std::chrono::seconds(30);
constexpr core::Duration pause_after_failure = std::chrono::milliseconds(100);
constexpr std::size_t connection_limit = 64;

struct Page {
  unsigned status;
  std::string_view type;
  std::string body;
};

Page page_for(std::string_view path, const Admin::Answers& answers) {
  constexpr std::string_view text = "text/plain; charset=utf-8";
  if (path == "/healthz" || path == "/health") return {200, text, "ok\n"};
  if (path == "/readyz") return answers.ready() ? Page{200, text, "ready\n"} : Page{503, text, "not ready\n"};
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", answers.metrics()};
  return {404, text, "There is nothing here. Try /healthz, /readyz or /metrics.\n"};
}
}  // namespace

struct Admin::Listener {
  explicit Listener(core::Executor executor) : acceptor(executor) {}
  boost::asio::basic_socket_acceptor<tcp, core::Executor> acceptor;
};

Admin::Admin(const Address& address, tls::Loop& loop, Answers answers)
    : loop_(loop), answers_(std::move(answers)), listener_(std::make_unique<Listener>(loop.executor())) {
  try {
    const tcp::endpoint endpoint(boost::asio::ip::make_address(address.host), address.port);
    auto& acceptor = listener_->acceptor;
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  } catch (const boost::system::system_error& problem) {
    throw std::runtime_error("cannot listen on " + address.host + ":" + std::to_string(address.port) +
                             " (admin): " + problem.code().message());
  }
  boost::asio::co_spawn(loop_.executor(), accept_loop(), [](std::exception_ptr) {});
}

Admin::~Admin() {
  boost::system::error_code ignored;
  listener_->acceptor.close(ignored);
  for (auto& stream : open_) stream.cancel();
  while (!open_.empty()) loop_.turn(core::Duration(0));
}

Task<void> Admin::accept_loop() {
  while (listener_->acceptor.is_open()) {
    boost::system::error_code error;
    auto accepted = co_await listener_->acceptor.async_accept(boost::asio::redirect_error(core::use_task, error));
    if (error == boost::asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors: the same connection would fail again at once.
      co_await core::pause(loop_.wheel, pause_after_failure);
      continue;
    }
    if (open_.size() >= connection_limit) continue;
    const auto stream = open_.emplace(open_.end(), tls::Socket(accepted.release()), loop_);
    boost::asio::co_spawn(loop_.executor(), serve(*stream),
                          [this, stream](std::exception_ptr) { open_.erase(stream); });
  }
}

Task<void> Admin::serve(tls::TcpStream& stream) {
  Input input(stream, buffers_);
  http::RequestHead head;
  const http::HeadLimits limits;
  for (;;) {
    stream.set_deadline(loop_.wheel.now() + patience);
    auto size = http::parse_request_head(input.text(), limits, head);
    if (!size) co_return;
    if (!*size) {
      auto got = co_await input.more(limits.bytes);
      if (!got || *got == 0) co_return;
      continue;
    }
    Page page = head.method == "GET" || head.method == "HEAD"
                    ? page_for(head.path, answers_)
                    : Page{405, "text/plain; charset=utf-8", "Only GET is served here.\n"};
    const bool keep = head.keep_alive && head.framing.kind == http::BodyKind::none;
    std::string answer;
    http::append_status_line(answer, page.status);
    http::append_field(answer, "content-type", page.type);
    http::append_framing(answer, {http::BodyKind::sized, page.body.size()});
    if (!keep) http::append_field(answer, "connection", "close");
    http::append_end_of_head(answer);
    if (head.method != "HEAD") answer += page.body;
    input.consume(**size);
    if (auto sent = co_await stream.write_all(core::bytes_of(answer)); !sent || !keep) co_return stream.close();
  }
}

}  // namespace sallyport::gateway
