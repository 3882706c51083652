// Relay: an upstream's answer on its way to the client, piece by piece, as it comes. Backpressure is the awaited write:
// while the client does not take bytes, none are read from the upstream.
//
// Used in this order: read_head, start, pass, then finish or break_off. pass keeps the answer's last bytes back, so
// that they go out only once the record is as safe as promised.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_stream.hpp"
#include "gateway/config/config.hpp"
#include "gateway/input.hpp"
#include "gateway/log_wait.hpp"
#include "http/body_decoder.hpp"
#include "http/message.hpp"
#include "logging/sealed_log.hpp"
#include "routing/usage_meter.hpp"

namespace sallyport::gateway {

// For the last words of an answer that is being cut.
inline constexpr core::Duration farewell = std::chrono::seconds(1);

struct RelayPlan {
  std::string_view method;
  unsigned client_minor_version = 1;
  std::optional<routing::Family> family;
  bool hide_usage = false;          // the gateway asked the upstream for usage, the client did not
  bool keep_client = true;          // the client's connection is kept afterwards
  core::Duration first_byte, idle;  // how long the upstream may be silent
  core::Duration write_stall;       // how long the client may take nothing
};

class Relay {
 public:
  // All outlive the relay. `entry` may be null.
  Relay(const core::Clock& clock, core::ByteStream& client, core::ByteStream& upstream, BufferPool& buffers,
        RelayPlan plan, logging::LogEntry* entry, LogWait& log_wait);

  // Waits for the answer's head; interim answers are dropped. Errors: upstream_closed, _malformed, _first_byte_timeout,
  // cancelled; upstream_rejected_certificate: before the server's first byte.
  core::Task<core::Result<void>> read_head();
  const http::ResponseHead& head() const noexcept { return head_; }

  // Writes down the client's head: the upstream's status and fields without what belongs to its connection, then
  // `own_fields` ("name: value\r\n" lines), which replace the upstream's of the same names. Sends nothing yet.
  void start(std::string_view own_fields);

  // Relays all but the last bytes. Errors: upstream_truncated, _malformed, _idle_timeout, cancelled; client_left;
  // log_unavailable: the log has no room for content that it must keep.
  core::Task<core::Result<void>> pass();

  // Sends the last bytes, to a client that may take nothing for `write_stall`. Errors: client_left.
  core::Task<core::Result<void>> finish(core::Duration write_stall);

  // The answer cannot be completed: tells an event stream's client so. The caller then cuts the connection.
  core::Task<void> break_off(core::Reason reason);

  bool started() const noexcept { return started_; }  // the client has seen bytes of this answer
  bool upstream_reusable() const noexcept;            // the answer ended where it should, nothing came after it
  bool client_reusable() const noexcept { return plan_.keep_client && !ends_with_connection(); }
  bool ends_with_connection() const noexcept { return framing_.kind == http::BodyKind::until_close; }
  bool is_event_stream() const noexcept { return event_stream_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // body bytes for the client
  std::optional<core::TimePoint> first_byte() const noexcept { return first_byte_; }
  std::optional<routing::Usage> usage() const noexcept { return meter_ ? meter_->usage() : std::nullopt; }

 private:
  struct Gathered {
    core::ConstBytes content;
    bool finished = false;
  };
  core::Result<Gathered> gather();
  core::Result<void> hold_back(core::ConstBytes content);
  core::Task<core::Result<void>> send(const std::vector<core::ConstBytes>& views);
  core::Task<core::Result<void>> write_pieces();
  core::Result<void> frame(const std::vector<core::ConstBytes>& views);
  void choose_framing();

  const core::Clock& clock_;
  core::ByteStream& client_;
  core::ByteStream& upstream_;
  RelayPlan plan_;
  logging::LogEntry* entry_;
  LogWait& log_wait_;
  Input input_;                // from the upstream
  std::string upstream_head_;  // the head's bytes: head_ points into them
  http::ResponseHead head_;
  std::optional<http::BodyDecoder> decoder_;
  std::optional<routing::UsageMeter> meter_;
  http::Framing framing_;  // towards the client
  bool event_stream_ = false;
  bool started_ = false;
  bool event_open_ = false;  // the client has part of an event
  bool pieces_leave_event_open_ = false;
  std::string client_head_;  // until it has been sent
  std::string size_line_, last_chunk_;
  std::vector<core::ConstBytes> pieces_;
  std::uint64_t bytes_ = 0;
  std::optional<core::TimePoint> first_byte_;
};

}  // namespace sallyport::gateway
