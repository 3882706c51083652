#include "gateway/commands/http_client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <optional>

#include "http/body_decoder.hpp"
#include "http/reader.hpp"
#include "http/writer.hpp"
#include "tls/connect.hpp"

namespace sallyport::gateway {

namespace {

using core::ByteStream;
using core::Error;
using core::MutableBytes;
using core::Reason;
using core::Result;
using core::Secret;
using core::Task;
using envelope::HttpRequest;
using envelope::HttpResponse;

// The head may carry a token, so it is made in one room that wipes itself.
Secret head_of(const HttpRequest& request, const std::string& host, std::uint16_t port) {
  std::string head;
  std::size_t size = 1024;
  for (const auto& [name, value] : request.fields) size += name.size() + value.size() + 4;
  head.reserve(size + request.target.size() + host.size());
  http::append_request_line(head, request.method, request.target);
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  const std::string authority = bare_ipv6 ? "[" + host + "]" : host;
  http::append_field(head, "Host", port == 443 ? authority : authority + ":" + std::to_string(port));
  http::append_field(head, "Connection", "close");
  http::append_field(head, "Accept", "application/json");
  for (const auto& [name, value] : request.fields) http::append_field(head, name, value.reveal_text());
  if (!request.body.empty()) {
    http::append_field(head, "Content-Type", "application/json");
    http::append_framing(head, {http::BodyKind::sized, request.body.size()});
  }
  http::append_end_of_head(head);
  return Secret::take(head);
}

// What has arrived, and of it what is kept, in one room: no copy of an answer stays behind.
class Inbox {
 public:
  explicit Inbox(std::size_t limit) : limit_(limit), room_(std::min(limit, first_room)) {}

  core::ConstBytes arrived() const { return room_.reveal().subspan(begin_, end_ - begin_); }
  void drop(std::size_t size) { begin_ += size; }

  // Some of what has arrived; it moves to the front, where nobody needs any more what was dropped.
  void keep(core::ConstBytes content) {
    std::copy(content.begin(), content.end(), room_.reveal_for_writing().subspan(kept_).begin());
    kept_ += content.size();
  }
  Secret kept() const { return Secret(room_.reveal().first(kept_)); }

  // Errors: upstream_truncated also for a clean end, which `ended` makes good where a body may end so.
  Task<Result<void>> receive(ByteStream& stream, bool* ended = nullptr) {
    if (end_ == room_.size() && !grow()) co_return Error(Reason::body_too_large);
    const auto got = co_await stream.read_some(room_.reveal_for_writing().subspan(end_));
    if (!got) co_return got.error().reason == Reason::truncated ? Error(Reason::upstream_truncated) : got.error();
    end_ += *got;
    if (*got > 0) co_return Result<void>();
    if (ended == nullptr) co_return Error(Reason::upstream_truncated);
    *ended = true;
    co_return Result<void>();
  }

 private:
  static constexpr std::size_t first_room = 16 * 1024;

  bool grow() {
    if (room_.size() == limit_) return false;
    Secret larger(std::min(limit_, 2 * room_.size()));
    std::ranges::copy(room_.reveal(), larger.reveal_for_writing().begin());
    room_ = std::move(larger);
    return true;
  }

  std::size_t limit_;
  Secret room_;
  std::size_t kept_ = 0, begin_ = 0, end_ = 0;
};

// Interim answers (1xx) are passed over.
Task<Result<void>> read_head(ByteStream& stream, Inbox& inbox, std::string_view method, HttpResponse& response,
                             http::Framing& framing) {
  for (;;) {
    http::ResponseHead head;
    const auto size = http::parse_response_head(core::text_of(inbox.arrived()), {}, method, head);
    if (!size) co_return size.error();
    if (!*size) {
      if (auto more = co_await inbox.receive(stream); !more) co_return more.error();
      continue;
    }
    inbox.drop(**size);
    if (head.status < 200) continue;
    response.status = head.status;
    framing = head.framing;
    co_return Result<void>();
  }
}

Task<Result<HttpResponse>> read_answer(ByteStream& stream, std::string_view method, std::size_t limit) {
  Inbox inbox(limit);
  HttpResponse response;
  http::Framing framing;
  if (auto head = co_await read_head(stream, inbox, method, response, framing); !head) co_return head.error();
  http::BodyDecoder decoder(framing);
  bool ended = false;
  while (!decoder.finished()) {
    const auto step = decoder.decode(inbox.arrived());
    if (!step) co_return Error(Reason::upstream_malformed);
    inbox.keep(step->content);
    inbox.drop(step->consumed);
    if (step->finished) break;
    if (step->consumed > 0) continue;
    if (ended && decoder.ends_here()) break;
    if (ended) co_return Error(Reason::upstream_truncated);
    if (auto more = co_await inbox.receive(stream, &ended); !more) co_return more.error();
  }
  response.body = inbox.kept();
  co_return response;
}

}  // namespace

struct HttpClient::State {
  State(std::string host_, std::uint16_t port_, const tls::ClientSettings* trust, core::Duration patience_,
        std::size_t limit)
      : host(std::move(host_)), port(port_), patience(patience_), answer_limit(limit) {
    if (trust != nullptr) identity.emplace(*trust);
  }

  Task<Result<HttpResponse>> exchange(const HttpRequest& request) {
    const core::TimePoint until = clock.now() + patience;
    auto peer = co_await tls::connect(loop, host, port, identity ? &*identity : nullptr, sessions, until);
    if (!peer) co_return peer.error();
    ByteStream& stream = *peer->stream;
    stream.set_deadline(until);
    const Secret head = head_of(request, host, port);
    const core::ConstBytes pieces[] = {head.reveal(), request.body.reveal()};
    if (auto written = co_await stream.write_all(pieces); !written) co_return written.error();
    auto answer = co_await read_answer(stream, request.method, answer_limit);
    stream.close();
    co_return answer;
  }

  core::SystemClock clock;
  std::string host;
  std::uint16_t port;
  core::Duration patience;
  std::size_t answer_limit;
  boost::asio::io_context io{1};
  core::TimerWheel wheel{clock.now()};
  tls::Loop loop{io, wheel};
  std::optional<tls::ClientIdentity> identity;  // none: plain
  std::shared_ptr<tls::SessionSlot> sessions = tls::make_session_slot();
};

HttpClient::HttpClient(std::string host, std::uint16_t port, const tls::ClientSettings* trust, core::Duration patience,
                       std::size_t answer_limit)
    : state_(std::make_unique<State>(std::move(host), port, trust, patience, answer_limit)) {}

HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::fetch(const HttpRequest& request) {
  std::optional<Result<HttpResponse>> answer;
  std::exception_ptr thrown;
  boost::asio::co_spawn(state_->io, state_->exchange(request),
                        [&](std::exception_ptr failure, Result<HttpResponse> given) {
                          thrown = failure;
                          answer.emplace(std::move(given));
                        });
  while (!answer) {
    state_->loop.turn(core::TimerWheel::tick);
    state_->wheel.advance(state_->clock.now());
  }
  if (thrown) std::rethrow_exception(thrown);
  return *std::move(answer);
}

}  // namespace sallyport::gateway
