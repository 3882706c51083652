#include "bench/load_client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace sallyport::bench {
namespace {

std::array<char, 16 * 1024> scratch;  // one thread, and used up before the next read

int connecting_socket(const LoadSettings& settings) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(settings.port);
  ::inet_pton(AF_INET, settings.host.c_str(), &address.sin_addr);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (socket >= 0) ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (socket < 0 ||
      (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 && errno != EINPROGRESS)) {
    throw std::system_error(errno, std::generic_category(), settings.host);
  }
  return socket;
}

// A counter in the middle of something shaped like a token.
std::string with_bad_token(const std::string& request, const std::string& token) {
  static std::uint64_t made = 0;
  std::string digits = std::to_string(1'000'000'000 + ++made);
  std::string bad = request;
  const std::size_t at = bad.find(token);
  if (at != bad.npos) bad.replace(at + token.size() / 2, digits.size(), digits);
  return bad;
}

}  // namespace

LoadClient::LoadClient(const LoadSettings& settings, const std::string& request, SSL_CTX* context,
                       LoadObserver& observer)
    : settings_(settings),
      request_(request),
      context_(context),
      observer_(observer),
      expected_field_(prompt_tokens_field(settings.prompt_bytes)),
      expected_end_(stream_end(settings.wanted.events, settings.prompt_bytes)) {}

void LoadClient::connect() {
  SSL_SESSION* resume = settings_.reuse == Reuse::resumption ? session_.get() : nullptr;
  tls_ = std::make_unique<TlsSocket>(
      TlsSocket::connecting(context_, connecting_socket(settings_), settings_.name, resume));
  SSL_set_app_data(tls_->connection(), this);
  connecting_ = handshaking_ = true;
}

std::string_view LoadClient::request_text() {
  if (!settings_.bad_tokens) return request_;
  own_request_ = with_bad_token(request_, settings_.token);
  return own_request_;
}

void LoadClient::ask(Nanoseconds due) {
  due_ = due;
  asking_ = true;
  answer_ = AnswerReader();
  events_ = 0;
  found_field_ = false;
  partial_.clear();
  if (!handshaking_) tls_->send_borrowed(request_text());  // a closed connection shows when it is read
}

bool LoadClient::advance() {
  if (handshaking_ && !shake_hands()) return false;
  if (handshaking_) return true;
  if (tls_->unsent() && tls_->flush() == Io::closed) return wrong("connection lost while asking");
  return read_some();
}

bool LoadClient::shake_hands() {
  const Io io = tls_->handshake();
  connecting_ = false;
  if (io == Io::closed) return wrong("handshake failed");
  if (io == Io::again) return true;
  handshaking_ = false;
  observer_.connected(tls_->resumed());
  if (asking_) tls_->send_borrowed(request_text());
  return true;
}

bool LoadClient::read_some() {
  for (;;) {
    std::size_t count = 0;
    const Io io = tls_->read(scratch, count);
    if (io == Io::again) return true;
    if (io == Io::closed) return asking_ ? wrong("connection lost before the answer's end") : false;
    if (!take({scratch.data(), count})) return false;
    if (!tls_) return true;
    if (count < scratch.size() && !tls_->has_pending()) return true;
  }
}

bool LoadClient::take(std::string_view bytes) {
  if (!asking_) return wrong("bytes that no one asked for");
  while (!bytes.empty() && !answer_.finished()) {
    const std::string_view content = answer_.take(bytes);
    if (answer_.broken()) return wrong("answer is no HTTP");
    if (content.empty() || settings_.expected_status != 200) continue;
    if (answer_.status() != 200) continue;  // told at its end
    settings_.wanted.stream ? check_events(content) : check_plain(content);
  }
  if (!bytes.empty()) return wrong("bytes after the answer's end");
  return !answer_.finished() || finish();
}

void LoadClient::check_plain(std::string_view content) {
  if (found_field_ || partial_.size() > plain_answer_least) return;
  partial_.append(content.substr(0, plain_answer_least));
  found_field_ = partial_.find(expected_field_) != std::string::npos;
}

void LoadClient::check_events(std::string_view content) {
  const auto count_event = [this](std::string_view event) {
    const Nanoseconds time = EventText::time_of(event);
    ++events_;
    time < 0 ? observer_.went_wrong("event is not what was sent") : observer_.event_arrived(monotonic_now() - time);
  };
  const std::size_t size = settings_.wanted.size;
  const auto more_events = [&] { return settings_.wanted.events == 0 || events_ < settings_.wanted.events; };
  while (!content.empty()) {
    if (partial_.empty() && more_events() && content.size() >= size) {
      count_event(content.substr(0, size));
      content.remove_prefix(size);
      continue;
    }
    const std::size_t lacking = more_events() ? size - partial_.size() : content.size();
    partial_.append(content.substr(0, lacking));
    content.remove_prefix(std::min(lacking, content.size()));
    if (more_events() && partial_.size() == size) {
      count_event(partial_);
      partial_.clear();
    }
  }
}

bool LoadClient::finish() {
  asking_ = false;
  const bool stream = settings_.wanted.stream;
  if (answer_.status() != settings_.expected_status) return wrong("status " + std::to_string(answer_.status()));
  if (settings_.expected_status == 200) {
    if (stream && partial_ != expected_end_) return wrong("stream did not end as it should");
    if (!stream && answer_.content_bytes() != settings_.wanted.bytes) return wrong("answer of another length");
    if (!stream && !found_field_) return wrong("the prompt did not arrive whole");
  }
  const bool closes = answer_.closes();
  observer_.answer_finished(monotonic_now() - due_);
  return !closes && (settings_.reuse == Reuse::keep_alive);
}

bool LoadClient::wrong(std::string_view what) {
  asking_ = false;
  observer_.went_wrong(what);
  return false;
}

}  // namespace sallyport::bench
