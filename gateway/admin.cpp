#include "gateway/admin.hpp"

#include <boost/asio/co_spawn.hpp>

#include <stdexcept>

#include "gateway/input.hpp"
#include "http/reader.hpp"
#include "http/writer.hpp"
#include "tls/listen.hpp"

namespace sallyport::gateway {

using core::Task;

namespace {
constexpr core::Duration patience = std::chrono::seconds(30);
constexpr core::Duration pause_after_failure = std::chrono::milliseconds(100);
constexpr std::size_t connection_limit = 64;
constexpr unsigned taken_at_once = 16;  // before everybody else has a turn

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

struct Admin::Listener final : tls::ReadySet::Watcher {
  Listener(Admin& owner, core::Descriptor listening)
      : admin(owner), socket(std::move(listening)), again(owner.loop_.wheel, [&owner] { owner.take_clients(); }) {
    if (!admin.loop_.ready.add(socket.number(), *this)) throw std::runtime_error("cannot wait for the admin's clients");
  }
  ~Listener() { admin.loop_.ready.remove(socket.number(), *this); }
  void ready(std::uint32_t) override { admin.take_clients(); }

  Admin& admin;
  core::Descriptor socket;
  core::TimerWheel::Timer again;
};

Admin::Admin(const Address& address, tls::Loop& loop, Answers answers)
    : loop_(loop),
      answers_(std::move(answers)),
      listener_(std::make_unique<Listener>(*this, tls::listen(address.host, address.port, tls::Port::alone))) {}

Admin::~Admin() {
  listener_.reset();
  for (auto& stream : open_) stream.cancel();
  while (!open_.empty()) loop_.turn(core::Duration(0));
}

void Admin::take_clients() {
  for (unsigned in_turn = 0; in_turn < taken_at_once; ++in_turn) {
    auto taken = tls::take_client(listener_->socket);
    // Out of descriptors: the same client would fail again at once.
    if (!taken) return listener_->again.set(loop_.wheel.now() + pause_after_failure);
    if (!taken->is_open()) return;
    if (open_.size() >= connection_limit) continue;
    const auto stream = open_.emplace(open_.end(), std::move(*taken), loop_);
    boost::asio::co_spawn(loop_.executor(), serve(*stream),
                          [this, stream](std::exception_ptr) { open_.erase(stream); });
  }
  loop_.ready.tell_later(*listener_);
}

Task<void> Admin::serve(tls::TcpStream& stream) {
  Input input(stream, buffers_);
  http::RequestHead head;
  const http::HeadLimits limits;
  for (stream.set_deadline(loop_.wheel.now() + patience);;) {
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
    http::append_persistence(answer, keep, head.minor_version);
    http::append_end_of_head(answer);
    if (head.method != "HEAD") answer += page.body;
    input.consume(**size);
    stream.set_deadline(loop_.wheel.now() + patience);
    if (auto sent = co_await stream.write_all(core::bytes_of(answer)); !sent || !keep) co_return stream.close();
  }
}

}  // namespace sallyport::gateway
