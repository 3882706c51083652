#include "gateway/exchange.hpp"

#include <algorithm>

#include "gateway/key_exchange.hpp"
#include "gateway/own_fields.hpp"
#include "gateway/plain_path.hpp"
#include "http/reader.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;
using http::BodyKind;

namespace {
constexpr std::size_t recorded_path_bytes = 256;
constexpr std::size_t room_for_own_fields = 256;  // what an upstream's head has beside the client's fields, about
}  // namespace

// Between requests a connection has no Exchange, no buffer and no snapshot. False: the client is gone.
Task<bool> wait_for_request(Connection& connection) {
  {
    const auto snapshot = connection.worker.snapshot();
    const auto& limits = snapshot->shared->config.limits;
    connection.stream.set_deadline(connection.worker.now() +
                                   (connection.requests == 0 ? limits.head_time : limits.keep_alive_idle));
  }
  if (auto readable = co_await connection.input.wait(); !readable) co_return false;
  const auto got = co_await connection.input.more();
  co_return got.has_value() && *got > 0;
}

Task<Next> serve_exchange(Connection& connection) {
  connection.live.idle = false;
  ++connection.requests;
  Exchange exchange(connection);
  co_return co_await exchange.run();
}

Exchange::Exchange(Connection& connection)
    : connection_(connection),
      worker_(connection.worker),
      snapshot_(worker_.snapshot()),
      config_(snapshot_->shared->config),
      body_({config_.limits.body_bytes, config_.limits.spool_memory}, worker_.services().bodies,
            config_.spool_directory),
      log_wait_(worker_.loop().wheel, config_.log ? config_.log->settings.stall_limit : core::Duration::zero()),
      started_(worker_.now()) {
  record_.started = worker_.services().clock.wall();
  record_.listener = config_.listeners[std::min(connection.listener, config_.listeners.size() - 1)].name;
  record_.client_address = connection.peer.address;
  record_.client_key_exchange = key_exchange_name(connection.peer.key_exchange);
  worker_.metrics().exchange_started();
}

Exchange::~Exchange() {
  core::wipe(std::as_writable_bytes(std::span(head_text_)));  // it has the caller's credential
  connection_.stream.watch({});
  connection_.stop_when_idle();
}

core::Duration Exchange::write_stall() const noexcept {
  return worker_.stopping() ? farewell : config_.limits.write_stall;
}

// The whole path of a request. Each step needs what the one before gave; each may end it.
Task<Next> Exchange::run() {
  if (auto head = co_await read_head(); !head) co_return co_await refuse(head.error());

  // Before the body: a stranger costs one head.
  auto who = authenticate();
  if (!who) co_return co_await refuse(who.error());
  if (is_models_path(head_)) co_return co_await answer_models(*who);
  if (!family_) {
    if (auto plain = check_plain_path(head_.path); !plain) co_return co_await refuse(plain.error());
    // A path decides by itself, so a wrong one need not send its body first.
    if (auto known = route(*who); !known) co_return co_await refuse(known.error());
  }
  if (auto body = co_await read_body(); !body) co_return co_await refuse(body.error());

  auto chosen = route(*who);
  if (!chosen) co_return co_await refuse(chosen.error());
  auto admission = admit(*who, *chosen);
  if (!admission) co_return co_await refuse(admission.error());

  if (auto promised = co_await promise_record(*chosen); !promised) {
    admission->settle(0);  // nothing was spent
    co_return co_await refuse(promised.error());
  }
  for (auto search = snapshot_->pool->search(chosen->destinations());;) {
    auto lease = co_await send_upstream(*chosen, *admission, search);
    if (!lease) {
      admission->settle(0);
      co_return co_await refuse(lease.error());
    }
    if (auto next = co_await relay_answer(*chosen, *admission, search, std::move(*lease))) co_return *next;
  }
}

Task<Result<void>> Exchange::read_head() {
  Input& input = connection_.input;
  const auto& limits = config_.limits;
  connection_.stream.set_deadline(started_ + limits.head_time);
  std::size_t end = 0;
  while ((end = input.text().find("\r\n\r\n")) == std::string_view::npos) {
    // Not whole yet; but what is wrong already need not be waited for.
    if (auto so_far = http::parse_request_head(input.text(), limits.head, head_); !so_far) co_return so_far.error();
    auto got = co_await input.more(limits.head.bytes + 1);
    if (!got && got.error().reason == Reason::timeout) co_return Error(Reason::request_timeout);
    if (!got && got.error().reason == Reason::head_too_large) co_return got.error();
    if (!got || *got == 0) co_return Error(Reason::client_left);
  }
  // A copy, because the body may need the buffer the head came in.
  head_text_.assign(input.text().substr(0, end + 4));
  auto size = http::parse_request_head(head_text_, limits.head, head_);
  if (!size) co_return size.error();
  if (!*size) co_return Error(Reason::malformed_request);
  input.consume(**size);
  head_read_ = true;
  body_read_ = head_.framing.kind == BodyKind::none;
  record_.method = head_.method;
  record_.path = head_.path.substr(0, recorded_path_bytes);
  const auto client_id = head_.fields.find("x-request-id");
  record_.request_id = client_id && RequestIds::acceptable(*client_id) ? std::string(*client_id) : worker_.ids().next();
  // Some servers take "post" for POST: it must not get by as a plain path.
  if (http::same_name(head_.method, "POST")) family_ = routing::model_family(head_.path);
  co_return Result<void>();
}

Result<auth::Principal> Exchange::authenticate() {
  auth::Credentials shown;
  for (const auto& field : head_.fields) {
    if (http::same_name(field.name, "authorization")) shown.authorization.push_back(field.value);
    if (http::same_name(field.name, "x-api-key")) shown.api_key.push_back(field.value);
  }
  shown.peer = &connection_.peer;
  auto who = snapshot_->callers->authenticator.identify(shown, record_.started);
  if (who) {
    record_.principal = who->name();
    record_.principal_id = who->id();
    if (!who->tenant().empty()) record_.tenant = who->tenant();
  }
  return who;
}

Result<routing::Route> Exchange::route(const auth::Principal& who) {
  const auto& routes = snapshot_->shared->routes;
  auto chosen = call_ ? routes.for_model(who, call_->model, worker_.ids().number()) : routes.for_path(who, head_.path);
  if (!chosen && chosen.error().reason == Reason::route_unknown && is_own_path(head_.path)) {
    return Error(Reason::method_unsupported);
  }
  if (chosen) {
    if (call_) record_.model = chosen->model_name();
    go_to(*chosen, 0);
    // The caller's comes first: it is the caller's data.
    if (record_.tenant.empty() && !chosen->tenant().empty()) record_.tenant = chosen->tenant();
  }
  return chosen;
}

void Exchange::go_to(routing::Route& route, std::size_t destination) {
  route.go_to(destination);
  record_.upstream = route.upstream().name;
  record_.upstream_model = route.upstream_model();
}

// What the call may use up: about four bytes of text a token, and the most it lets the model answer.
std::uint64_t Exchange::expected_tokens(const routing::Route& route) const noexcept {
  if (!call_) return 0;
  const std::uint64_t prompt = body_.size() / 4;
  const std::uint64_t output = routing::expected_output(*call_, head_.path, route.expected_output());
  return prompt + std::min(output, UINT64_MAX - prompt);
}

Result<auth::Admission> Exchange::admit(const auth::Principal& who, const routing::Route& route) {
  return worker_.services().limiter.admit(who, expected_tokens(route), worker_.now(), standings_);
}

Result<void> Exchange::open_entry(bool keep_content) {
  logging::LogLane* log = worker_.log();
  if (log == nullptr) return {};
  auto entry = log->open_entry(keep_content, record_.tenant);
  if (!entry) return entry.error();
  entry_.emplace(std::move(*entry));
  record_.content_kept = keep_content;
  return {};
}

// While we wait for the upstream nobody reads from the client; a watch does, and its leaving ends the upstream's work.
void Exchange::watch_client(core::ByteStream* upstream) {
  connection_.stream.watch([this, upstream] {
    client_left_ = true;
    log_wait_.shorten(core::Duration::zero());
    if (upstream != nullptr) upstream->abort();  // at once, whatever this exchange waits for: a disk, or the upstream
  });
  connection_.live.stop = [this, upstream] {
    if (!worker_.stopping()) return;  // a drain lets an answer finish
    hurry();
    if (upstream != nullptr) upstream->cancel();
  };
}

void Exchange::unwatch_client() {
  connection_.stream.watch({});
  connection_.live.stop = [this] {
    if (worker_.stopping()) hurry();
  };
}

// Neither the client nor the log's disk is waited for much longer.
void Exchange::hurry() {
  connection_.stream.set_deadline(worker_.now() + farewell);
  log_wait_.shorten(farewell);
}

// Why nothing more need be done for this client. Looked at after each wait.
std::optional<Error> Exchange::interrupted() const noexcept {
  if (client_left_) return Error(Reason::client_left);
  if (worker_.stopping()) return Error(Reason::draining);
  return std::nullopt;
}

// The log promises a record before anything is spent on the answer.
Task<Result<void>> Exchange::promise_record(const routing::Route& route) {
  const bool keep_content = route.capture() == routing::Capture::full;
  if (auto promised = open_entry(keep_content); !promised) co_return promised;
  watch_client(nullptr);
  if (entry_ && keep_content) {
    if (auto kept = co_await keep_request_body(); !kept) co_return kept;
  }
  if (connection_.input.empty()) connection_.input.release();
  co_return Result<void>();
}

Task<Result<routing::UpstreamLease>> Exchange::send_upstream(routing::Route& route, const auth::Admission&,
                                                             routing::UpstreamSearch& search) {
  for (bool fresh = false;; fresh = true) {
    if (worker_.stopping()) co_return Error(Reason::draining);
    auto lease = co_await search.next(fresh);
    go_to(route, search.destination());
    if (auto begun = begin_attempt(lease); !begun) co_return begun.error();
    core::ByteStream& upstream = lease->stream();
    const std::uint64_t before = upstream.bytes_sent();
    auto sent = co_await send_request(*lease, route);
    request_sent_ = sent.has_value();
    if (sent) co_return lease;
    if (sent.error().reason == Reason::internal) co_return sent.error();
    if (const auto ended = interrupted()) co_return *ended;
    // A second try is safe only where nothing of the first left this machine.
    if (lease->reused() && upstream.bytes_sent() == before) {
      watch_client(nullptr);  // this upstream is gone
      continue;
    }
    co_return lease;  // it may have said why before it stopped listening: an early answer, or an alert
  }
}

// A connection was taken for this exchange, or none was to be had.
Result<void> Exchange::begin_attempt(Result<routing::UpstreamLease>& lease) {
  ++record_.attempts;
  if (client_left_ && lease) lease->release();  // unused: another call may have it
  if (const auto ended = interrupted()) return *ended;
  if (!lease) return lease.error();
  watch_client(&lease->stream());
  record_.endpoint = lease->endpoint().text();
  record_.upstream_key_exchange = key_exchange_name(lease->key_exchange());
  return {};
}

Task<Result<void>> Exchange::send_request(routing::UpstreamLease& lease, const routing::Route& route) {
  std::vector<routing::Splice> splices;
  if (call_) splices = routing::splices_for(*call_, route.upstream_model(), *family_);
  routing::SplicedBody body(body_.size(), std::move(splices));
  std::string head;
  head.reserve(head_text_.size() + room_for_own_fields);
  append_upstream_head(head, {head_, record_.request_id, record_.endpoint, call_.has_value(), body.size()});
  // The server's key stands in the snapshot alone, and goes out from there.
  const core::Secret& api_key = snapshot_->shared->api_keys[route.upstream().number];
  std::vector<core::ConstBytes> pieces = {core::bytes_of(head), api_key.reveal(), core::bytes_of("\r\n")};
  core::ByteStream& upstream = lease.stream();
  for (std::uint64_t offset = 0;;) {
    auto part = body_.part(offset);
    if (!part) co_return part.error();
    offset += part->size();
    const auto& views = body.pass(*part);
    pieces.insert(pieces.end(), views.begin(), views.end());
    if (offset < body_.in_memory()) continue;  // what stays where it is goes out together
    upstream.set_deadline(worker_.now() + config_.limits.write_stall);
    if (auto written = co_await upstream.write_all(pieces); !written) co_return written;
    if (offset >= body_.size()) co_return Result<void>();
    pieces.clear();
  }
}

}  // namespace sallyport::gateway
