// One request, from its first byte to its record. Start reading here: Exchange::run is the whole path.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/limiter.hpp"
#include "auth/principal.hpp"
#include "gateway/log_wait.hpp"
#include "gateway/relay.hpp"
#include "gateway/request_body.hpp"
#include "gateway/session.hpp"
#include "http/body_decoder.hpp"
#include "http/message.hpp"
#include "logging/record.hpp"
#include "logging/sealed_log.hpp"
#include "routing/model_call.hpp"
#include "routing/route_table.hpp"
#include "routing/spliced_body.hpp"

namespace sallyport::gateway {

// What the session does with the connection afterwards.
enum class Next : std::uint8_t {
  keep,   // the next request
  close,  // goodbye, while the client may still be sending
  ended,  // the client said goodbye, or nothing in time
  cut,    // no goodbye: the answer is not whole and must not look so
};

// Waits for a request's first bytes; false when none come any more. Cancellation: the connection's live.stop.
core::Task<bool> wait_for_request(Connection& connection);

// Serves the request that has begun. Cancellation: the connection's live.stop ends it; a record is left either way.
core::Task<Next> serve_exchange(Connection& connection);

class Exchange {
 public:
  explicit Exchange(Connection& connection);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();
  core::Task<Next> run();

 private:
  core::Task<core::Result<void>> read_head();
  core::Result<auth::Principal> authenticate();
  core::Task<core::Result<void>> read_body();
  core::Result<void> take_received();
  core::Task<core::Result<std::size_t>> receive_body(core::MutableBytes place);
  core::Result<void> take_in_place(core::ConstBytes received);
  core::Result<void> read_call(core::ConstBytes piece);
  core::Result<void> finish_call();
  core::Result<routing::Route> route(const auth::Principal& who);
  void go_to(routing::Route& route, std::size_t destination);
  core::Result<auth::Admission> admit(const auth::Principal& who, const routing::Route& route);
  core::Result<void> open_entry(bool keep_content);
  core::Task<core::Result<void>> keep_request_body();
  std::optional<core::Error> interrupted() const noexcept;
  core::Duration write_stall() const noexcept;  // how long the client may take nothing: short once we must end
  core::Task<core::Result<void>> promise_record(const routing::Route& route);
  core::Task<core::Result<routing::UpstreamLease>> send_upstream(routing::Route& route, const auth::Admission&,
                                                                 routing::UpstreamSearch& search);
  core::Result<void> begin_attempt(core::Result<routing::UpstreamLease>& lease);
  core::Task<core::Result<void>> send_request(routing::UpstreamLease& lease, const routing::Route& route);
  core::Task<std::optional<Next>> relay_answer(const routing::Route& route, auth::Admission& admission,
                                               routing::UpstreamSearch& search, routing::UpstreamLease lease);
  RelayPlan relay_plan(const routing::Route& route) const;
  bool was_refused(routing::UpstreamSearch& search, routing::UpstreamLease& lease, const core::Result<void>& head);
  void account_for(const Relay& relay, auth::Admission& admission);
  core::Task<Next> answer_models(const auth::Principal& who);
  core::Task<Next> refuse(core::Error error);
  core::Task<Next> answer(unsigned status, std::string_view body, core::Reason outcome);
  core::Task<Next> say(unsigned status, std::string_view body);
  core::Task<Next> say_refusal(core::Reason reason);
  bool rest_is_small() const noexcept;
  core::Task<Next> pass_over_rest();
  core::Task<core::Result<void>> seal(core::Reason outcome);
  void watch_client(core::ByteStream* upstream);
  void unwatch_client();
  void hurry();
  bool keeps_connection() const noexcept;
  std::uint64_t expected_tokens(const routing::Route& route) const noexcept;

  Connection& connection_;
  Worker& worker_;
  const std::shared_ptr<WorkerSnapshot> snapshot_;  // what this request started with
  const Config& config_;
  std::string head_text_;
  http::RequestHead head_;
  bool head_read_ = false;
  bool body_read_ = false;
  std::optional<routing::Family> family_;  // absent: a path without a model
  RequestBody body_;
  std::optional<http::BodyDecoder> decoder_;
  std::optional<routing::ModelCallReader> call_reader_;
  std::optional<routing::ModelCall> call_;
  auth::Standings standings_;
  logging::Record record_;
  std::optional<logging::LogEntry> entry_;
  LogWait log_wait_;
  core::TimePoint started_;
  bool client_left_ = false;
  bool request_sent_ = false;  // whole: only then may its connection serve another call
};

}  // namespace sallyport::gateway
