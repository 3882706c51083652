// How an exchange ends: with the upstream's answer, an answer of the gateway's own, or a refusal; and with its record.
#include "gateway/exchange.hpp"

#include <utility>

#include "gateway/own_fields.hpp"
#include "gateway/respond.hpp"
#include "http/path.hpp"
#include "http/writer.hpp"

namespace sallyport::gateway {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;
using http::BodyKind;

namespace {
constexpr std::uint64_t small_body = 64 * 1024;
constexpr core::Duration small_body_time = std::chrono::seconds(2);
constexpr std::size_t room_for_head = 512, room_for_error = 256;  // of an answer of our own, about
}  // namespace

RelayPlan Exchange::relay_plan(const routing::Route& route) const {
  const auto& times = route.upstream().timeouts;
  return {
      .method = head_.method,
      .client_minor_version = head_.minor_version,
      .family = family_,
      .hide_usage = call_ && routing::must_ask_usage(*call_, *family_),
      .keep_client = keeps_connection(),
      // A server that did not take the whole request has answered already, or will not: its tickets would look like
      // an answer on the way.
      .first_byte = request_sent_ ? times.first_byte : farewell,
      .idle = times.idle,
      .write_stall = write_stall(),
  };
}

// Whether the server refused the gateway's certificate, so that this endpoint counts as one that cannot be reached.
bool Exchange::was_refused(routing::UpstreamSearch& search, routing::UpstreamLease& lease, const Result<void>& head) {
  if (lease.proven()) return false;
  const bool refused = !head && head.error().reason == Reason::upstream_rejected_certificate;
  if (refused) {
    search.refused(lease, head.error());
  } else if (head || !interrupted()) {
    lease.prove();
  }
  return refused;
}

// Absent: the server ended the handshake instead of answering, so it has done nothing, and another is to be asked.
Task<std::optional<Next>> Exchange::relay_answer(const routing::Route& route, auth::Admission& admission,
                                                 routing::UpstreamSearch& search, routing::UpstreamLease lease) {
  const bool may_go_on = !lease.proven() && !search.at_last();
  if (!may_go_on) body_.release();  // an answer may take minutes
  Relay relay(worker_.services().clock, connection_.stream, lease.stream(), worker_.buffers(), relay_plan(route),
              entry_ ? &*entry_ : nullptr, log_wait_);

  auto passed = co_await relay.read_head();
  if (was_refused(search, lease, passed) && may_go_on && !interrupted()) {
    watch_client(nullptr);
    co_return std::nullopt;
  }
  body_.release();
  if (passed) {
    relay.start(own_fields(record_.request_id, family_, standings_));
    record_.status = relay.head().status;
    record_.streamed = relay.is_event_stream();
    passed = co_await relay.pass();
  }
  unwatch_client();
  if (client_left_) {
    passed = Error(Reason::client_left);
  } else if (!passed && passed.error().reason == Reason::cancelled) {
    passed = Error(Reason::draining);
  }
  if (!passed) lease.stream().abort();  // its work is at an end now, not once the log has the record
  if (passed && request_sent_ && relay.upstream_reusable()) lease.release();
  lease.drop();  // others may wait for its place, and neither the log nor this client need be quick
  account_for(relay, admission);
  if (!passed && !relay.started()) {
    // A failure that the gateway tells of costs what it would cost if the server told of it.
    if (passed.error().reason != Reason::client_left) admission.settle(0);
    co_return co_await refuse(passed.error());
  }

  auto sealed = co_await seal(passed ? Reason::none : passed.error().reason);
  if (client_left_) passed = Error(Reason::client_left);
  if (!passed) {
    if (passed.error().reason != Reason::client_left) co_await relay.break_off(passed.error().reason);
    if (relay.ends_with_connection()) connection_.stream.abort();  // else the cut would look like the answer's end
    co_return Next::cut;
  }
  if (!sealed && !relay.started()) {
    admission.settle(0);
    co_return co_await say_refusal(sealed.error().reason);
  }
  if (!sealed) {
    co_await relay.break_off(sealed.error().reason);
    co_return Next::cut;
  }
  if (auto finished = co_await relay.finish(write_stall()); !finished) co_return Next::cut;
  co_return relay.client_reusable() && keeps_connection() ? Next::keep : Next::close;
}

void Exchange::account_for(const Relay& relay, auth::Admission& admission) {
  record_.response_bytes = relay.bytes();
  if (relay.first_byte()) record_.first_byte = *relay.first_byte() - started_;
  if (const auto usage = relay.usage()) {
    record_.prompt_tokens = usage->prompt_tokens;
    record_.completion_tokens = usage->completion_tokens;
    record_.total_tokens = usage->total_tokens;
    admission.settle(usage->total_tokens);
  } else if (record_.status >= 400) {
    admission.settle(0);  // a refusal or failure that tells of no use used nothing
  }
}

Task<Next> Exchange::answer_models(const auth::Principal& who) {
  if (!body_read_) co_return co_await refuse(Error(Reason::malformed_request));
  const auto& routes = snapshot_->shared->routes;
  constexpr std::string_view list = "/v1/models";
  if (head_.path == list) co_return co_await answer(200, routes.models_json(who), Reason::none);
  // Clients encode the '/' and ':' that names have.
  const auto name = http::decoded(head_.path.substr(list.size() + 1));
  const auto one = name ? routes.model_json(who, *name) : std::nullopt;
  if (!one) co_return co_await refuse(Error(Reason::model_unknown));
  co_return co_await answer(200, *one, Reason::none);
}

Task<Next> Exchange::refuse(Error error) {
  if (error.reason == Reason::client_left) {
    if (!entry_) (void)open_entry(false);
    record_.status = 0;
    (void)co_await seal(error.reason);
    co_return Next::cut;
  }
  std::string body;
  body.reserve(room_for_error);
  append_error_body(body, family_.value_or(routing::Family::other), error.reason);
  co_return co_await answer(refusal_for(error.reason).status, body, error.reason);
}

// An answer of the gateway's own, under the same rule as every other: the record first.
Task<Next> Exchange::answer(unsigned status, std::string_view body, Reason outcome) {
  if (!entry_ && outcome != Reason::log_unavailable) {
    auto entry = open_entry(false);
    if (!entry && outcome == Reason::none) co_return co_await refuse(entry.error());
  }
  record_.status = status;
  record_.response_bytes = body.size();
  const auto sealed = co_await seal(outcome);
  if (!sealed && outcome == Reason::none) co_return co_await say_refusal(sealed.error().reason);
  co_return co_await say(status, body);
}

Task<Next> Exchange::say_refusal(Reason reason) {
  std::string body;
  body.reserve(room_for_error);
  append_error_body(body, family_.value_or(routing::Family::other), reason);
  co_return co_await say(refusal_for(reason).status, body);
}

Task<Next> Exchange::say(unsigned status, std::string_view body) {
  const bool keep = keeps_connection() && rest_is_small();
  std::string head;
  head.reserve(room_for_head);
  http::append_status_line(head, status);
  http::append_date(head, worker_.services().clock.wall());
  http::append_field(head, "content-type", "application/json");
  head += own_fields(record_.request_id, family_, standings_);
  if (status == 401) http::append_field(head, "www-authenticate", "Bearer");
  if (status == 503) http::append_field(head, "retry-after", "1");
  if (status == 405) http::append_field(head, "allow", allowed_methods(head_.path));
  http::append_framing(head, {BodyKind::sized, body.size()});
  http::append_persistence(head, keep, head_.minor_version);
  http::append_end_of_head(head);
  const bool no_body = head_read_ && head_.method == "HEAD";
  const core::ConstBytes pieces[] = {core::bytes_of(head), core::bytes_of(no_body ? std::string_view() : body)};
  connection_.stream.set_deadline(worker_.now() + write_stall());
  if (auto written = co_await connection_.stream.write_all(pieces); !written) co_return Next::cut;
  if (keep) co_return co_await pass_over_rest();
  connection_.body_owed = !record_.principal.empty() && !body_read_;
  co_return Next::close;
}

// Whether what is left of the request's body costs less to read than the connection's next handshake would.
bool Exchange::rest_is_small() const noexcept {
  if (body_read_) return true;
  const bool known = head_read_ && head_.framing.kind == BodyKind::sized && head_.framing.size <= small_body;
  return known && !head_.expects_continue && record_.outcome != Reason::request_timeout;
}

Task<Next> Exchange::pass_over_rest() {
  connection_.stream.watch({});  // from now on it is read
  connection_.stream.set_deadline(worker_.now() + small_body_time);
  if (!decoder_) decoder_.emplace(head_.framing);
  while (!body_read_) {
    const auto step = decoder_->decode(connection_.input.bytes());
    if (!step) co_return Next::close;
    connection_.input.consume(step->consumed);
    body_read_ = step->finished;
    if (body_read_ || step->consumed > 0) continue;
    const auto got = co_await connection_.input.more();
    if (!got || *got == 0) co_return Next::ended;
  }
  connection_.stream.set_deadline(core::TimerWheel::never);
  co_return Next::keep;
}

// Closes the account of this exchange. Completes when the record is as safe as the log promises. No coroutine of its
// own: each exchange passes here.
Task<Result<void>> Exchange::seal(Reason outcome) {
  // Who was watched for the upstream's sake is watched on, for the disk may hang; without the upstream, which may be
  // another call's by then. Who is answered by ourselves may end its side at once and still want the answer: a disk
  // that works has time to give it.
  if (record_.attempts > 0) {
    watch_client(nullptr);
  } else {
    unwatch_client();
    connection_.stream.watch([this] { log_wait_.shorten(farewell); });
  }
  record_.outcome = outcome;
  record_.duration = worker_.now() - started_;
  worker_.metrics().exchange_finished(record_);
  if (!entry_) return core::at_once(Result<void>());
  if (worker_.stopping()) hurry();
  // Whom the log refused does not wait for it.
  if (outcome == Reason::log_unavailable) log_wait_.shorten(core::Duration::zero());
  Result<void> unheard;
  if (config_.log->settings.overload == logging::Overload::refuse) unheard = Error(Reason::log_unavailable);
  return log_wait_.for_record(*std::exchange(entry_, std::nullopt), record_, unheard);
}

bool Exchange::keeps_connection() const noexcept {
  return head_read_ && head_.keep_alive && !worker_.draining() &&
         connection_.requests < config_.limits.keep_alive_requests &&
         started_ < connection_.opened + config_.limits.keep_alive_time;
}

}  // namespace sallyport::gateway
