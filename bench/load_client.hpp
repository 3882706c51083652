// One connection of the load generator: asks, reads the answer, checks every byte count of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bench/answer_reader.hpp"
#include "bench/load_settings.hpp"
#include "bench/tls_socket.hpp"

namespace sallyport::bench {

// What clients tell about their work.
class LoadObserver {
 public:
  virtual ~LoadObserver() = default;
  virtual void connected(bool resumed) = 0;
  virtual void event_arrived(Nanoseconds delay) = 0;
  virtual void answer_finished(Nanoseconds latency) = 0;
  virtual void went_wrong(std::string_view what) = 0;
};

class LoadClient {
 public:
  LoadClient(const LoadSettings& settings, const std::string& request, SSL_CTX* context, LoadObserver& observer);

  // Opens a new connection. Throws std::system_error.
  void connect();
  void disconnect() { tls_.reset(); }
  int socket() const noexcept { return tls_ ? tls_->socket() : -1; }
  bool wants_to_write() const noexcept { return handshaking_ ? connecting_ : tls_->unsent(); }

  // Sends a request when it may; its latency counts from `due`.
  void ask(Nanoseconds due);
  bool asking() const noexcept { return asking_; }
  // Does what the socket allows. False: the connection is over, for a good reason or one that was told.
  bool advance();

  void keep_session(SSL_SESSION* session) { session_.reset(session); }

 private:
  bool shake_hands();
  bool read_some();
  bool take(std::string_view bytes);
  void check_plain(std::string_view content);
  void check_events(std::string_view content);
  bool finish();
  bool wrong(std::string_view what);
  std::string_view request_text();

  const LoadSettings& settings_;
  const std::string& request_;
  SSL_CTX* context_;
  LoadObserver& observer_;
  std::string expected_field_;  // in a plain answer
  std::string expected_end_;    // of a stream

  std::unique_ptr<TlsSocket> tls_;
  TlsSession session_;
  bool connecting_ = false, handshaking_ = false, asking_ = false, found_field_ = false;
  Nanoseconds due_ = 0;
  AnswerReader answer_;
  std::uint64_t events_ = 0;
  std::string partial_;  // of an event, or of a plain answer's beginning
  std::string own_request_;
};

}  // namespace sallyport::bench
