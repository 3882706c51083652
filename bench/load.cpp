// The load generator: N connections that ask for chats or streams, closed or open loop, and check every answer.
//
// It prints {"ready":true} when every connection has had its first answer (or event) and the warm-up is over, waits for
// a line on standard input (or its end), measures, prints one line of JSON with the figures, and ends. Between the two
// lines whoever started it reads the proxy's CPU time and memory.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/load_client.hpp"
#include "bench/poller.hpp"

namespace sallyport::bench {
namespace {

constexpr std::size_t connecting_at_once = 64;
constexpr std::uint64_t wrong_at_most = 100;  // then nothing more can be learnt
constexpr Nanoseconds second = 1'000'000'000;

Nanoseconds after(double seconds) { return static_cast<Nanoseconds>(seconds * static_cast<double>(second)); }

std::string request_text(const LoadSettings& settings) {
  const std::string body = chat_request(settings.wanted, settings.prompt_bytes);
  return "POST " + settings.path + " HTTP/1.1\r\nHost: " + settings.name + "\r\nAuthorization: Bearer " +
         settings.token +
         "\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: bench/1\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Times in microseconds; percentiles by rank.
class Times {
 public:
  void add(Nanoseconds time) { microseconds_.push_back(static_cast<float>(static_cast<double>(time) / 1000)); }
  void clear() { microseconds_.clear(); }
  std::size_t count() const noexcept { return microseconds_.size(); }
  nlohmann::json percentiles() {
    if (microseconds_.empty()) return nullptr;
    std::sort(microseconds_.begin(), microseconds_.end());
    const auto at = [this](double part) {
      const float time = microseconds_[static_cast<std::size_t>(part * static_cast<double>(count() - 1))];
      return std::round(time * 10) / 10;
    };
    return {{"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}, {"max", at(1)}};
  }

 private:
  std::vector<float> microseconds_;
};

class Load final : public LoadObserver {
 public:
  explicit Load(const LoadSettings& settings);
  void run();
  bool all_right() const noexcept { return wrong_.empty(); }

  void connected(bool resumed) override;
  void event_arrived(Nanoseconds delay) override { delays_.add(delay); }
  void answer_finished(Nanoseconds latency) override { latencies_.add(latency); }
  void went_wrong(std::string_view what) override;

 private:
  // One connection's place: it may be given many connections, one after another.
  struct Slot {
    LoadClient client;
    bool watches_writing = false;
    bool warm = false;
  };
  enum class Phase : std::uint8_t { opening, warming, ready, measuring };

  void open_more();
  void connect(Slot& slot);
  void serve(Slot& slot);
  void watch(Slot& slot);
  void became_warm(Slot& slot);
  void next_request(Slot& slot);
  bool ask(Slot& slot);
  void hand_out_due();
  void take_command();
  void begin();
  void advance_phase();
  bool over() const;
  int milliseconds_to_next() const;
  nlohmann::json figures();

  LoadSettings settings_;
  std::string request_;
  TlsContext context_;
  Poller poller_;
  std::deque<Slot> slots_;
  std::vector<Slot*> free_;  // may ask, and wait for leave to
  std::size_t opened_ = 0, warm_ = 0;
  Phase phase_ = Phase::opening;
  Nanoseconds ready_at_ = 0, began_ = 0, ended_ = 0;

  std::deque<Nanoseconds> backlog_;  // of the open loop: due, and no connection free
  Nanoseconds next_due_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t connections_ = 0, resumed_ = 0;
  Times latencies_, delays_;
  std::map<std::string, std::uint64_t> wrong_;
  std::uint64_t wrong_count_ = 0;
};

int keep_session(SSL* connection, SSL_SESSION* session) {
  static_cast<LoadClient*>(SSL_get_app_data(connection))->keep_session(session);
  return 1;
}

Load::Load(const LoadSettings& settings)
    : settings_(settings), request_(request_text(settings)), context_(client_context({"", "", settings.ca})) {
  settings_.prompt_bytes = chat_request(settings.wanted, settings.prompt_bytes).size();
  if (settings_.reuse == Reuse::resumption) {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), keep_session);
  }
  for (std::uint32_t i = 0; i < settings_.connections; ++i) {
    slots_.push_back({LoadClient(settings_, request_, context_.get(), *this)});
  }
  free_.reserve(slots_.size());
}

void Load::connected(bool resumed) {
  ++connections_;
  if (resumed) ++resumed_;
  if (phase_ == Phase::measuring && settings_.reuse == Reuse::resumption && !resumed) went_wrong("not resumed");
}

void Load::went_wrong(std::string_view what) {
  ++wrong_[std::string(what)];
  ++wrong_count_;
}

void Load::run() {
  open_more();
  while (!over()) {
    for (const epoll_event& event : poller_.wait(milliseconds_to_next())) {
      event.data.ptr == nullptr ? take_command() : serve(*static_cast<Slot*>(event.data.ptr));
    }
    advance_phase();
    hand_out_due();
  }
  ended_ = monotonic_now();
  std::cout << figures().dump() << std::endl;
}

void Load::open_more() {
  while (opened_ < slots_.size() && opened_ - warm_ < connecting_at_once) {
    Slot& slot = slots_[opened_++];
    connect(slot);
    slot.client.ask(monotonic_now());
  }
}

void Load::connect(Slot& slot) {
  slot.client.connect();
  slot.watches_writing = true;
  poller_.add(slot.client.socket(), EPOLLIN | EPOLLOUT, &slot);
}

void Load::serve(Slot& slot) {
  const std::size_t events_before = delays_.count();
  const bool goes_on = slot.client.advance();
  if (!goes_on) {
    slot.client.disconnect();
    connect(slot);
  }
  if (!slot.warm && (!slot.client.asking() || delays_.count() > events_before)) became_warm(slot);
  if (!slot.client.asking()) next_request(slot);
  watch(slot);
}

void Load::watch(Slot& slot) {
  const bool writing = slot.client.wants_to_write();
  if (writing == slot.watches_writing) return;
  slot.watches_writing = writing;
  poller_.change(slot.client.socket(), writing ? EPOLLIN | EPOLLOUT : EPOLLIN, &slot);
}

void Load::became_warm(Slot& slot) {
  slot.warm = true;
  ++warm_;
  open_more();
}

void Load::next_request(Slot& slot) {
  const bool waits = settings_.per_second > 0 || (settings_.idle && phase_ != Phase::measuring);
  if (!waits && ask(slot)) return;
  if (std::find(free_.begin(), free_.end(), &slot) == free_.end()) free_.push_back(&slot);
}

bool Load::ask(Slot& slot) {
  if (phase_ == Phase::measuring && settings_.requests > 0 && asked_ == settings_.requests) return false;
  ++asked_;
  slot.client.ask(monotonic_now());
  return true;
}

void Load::hand_out_due() {
  if (settings_.per_second <= 0 || phase_ == Phase::opening) return;
  const Nanoseconds now = monotonic_now();
  if (next_due_ == 0) next_due_ = now;
  for (; next_due_ <= now; next_due_ += after(1 / settings_.per_second)) backlog_.push_back(next_due_);
  while (!backlog_.empty() && !free_.empty()) {
    Slot& slot = *free_.back();
    free_.pop_back();
    slot.client.ask(backlog_.front());
    backlog_.pop_front();
    watch(slot);
  }
}

void Load::advance_phase() {
  if (phase_ == Phase::opening && warm_ == slots_.size()) {
    phase_ = Phase::warming;
    ready_at_ = monotonic_now() + after(settings_.idle ? 0 : settings_.warm_up_seconds);
  }
  if (phase_ == Phase::warming && monotonic_now() >= ready_at_) {
    phase_ = Phase::ready;
    std::cout << nlohmann::json{{"ready", true}, {"wrong", wrong_}}.dump() << std::endl;
    poller_.add(STDIN_FILENO, EPOLLIN, nullptr);
  }
}

void Load::take_command() {
  char line[64];
  const auto count = ::read(STDIN_FILENO, line, sizeof line);
  poller_.remove(STDIN_FILENO);
  if (count >= 0) begin();
}

void Load::begin() {
  phase_ = Phase::measuring;
  began_ = monotonic_now();
  asked_ = connections_ = resumed_ = 0;
  latencies_.clear();
  delays_.clear();
  if (settings_.per_second > 0) return;
  for (Slot* slot : std::exchange(free_, {})) {
    next_request(*slot);
    watch(*slot);
  }
}

bool Load::over() const {
  if (wrong_count_ > wrong_at_most) return true;
  if (phase_ != Phase::measuring) return false;
  if (settings_.requests > 0 && latencies_.count() >= settings_.requests) return true;
  const bool timed_out = settings_.seconds > 0 && monotonic_now() - began_ >= after(settings_.seconds);
  return timed_out;
}

int Load::milliseconds_to_next() const {
  if (settings_.per_second > 0 && next_due_ > 0) {
    return static_cast<int>(std::clamp<Nanoseconds>((next_due_ - monotonic_now()) / 1'000'000, 0, 10));
  }
  return 10;
}

nlohmann::json Load::figures() {
  const double seconds = static_cast<double>(ended_ - began_) / static_cast<double>(second);
  return {{"seconds", seconds},
          {"requests", latencies_.count()},
          {"requests_per_second", std::round(static_cast<double>(latencies_.count()) / seconds)},
          {"latency_us", latencies_.percentiles()},
          {"events", delays_.count()},
          {"events_per_second", std::round(static_cast<double>(delays_.count()) / seconds)},
          {"event_delay_us", delays_.percentiles()},
          {"connections", connections_},
          {"resumed", resumed_},
          {"wrong", wrong_}};
}

void describe(CLI::App& app, LoadSettings& settings) {
  app.add_option("--host", settings.host)->capture_default_str();
  app.add_option("--port", settings.port)->required();
  app.add_option("--name", settings.name, "that the certificate must have")->capture_default_str();
  app.add_option("--ca", settings.ca)->required();
  app.add_option("--token", settings.token)->required();
  app.add_option("--path", settings.path)->capture_default_str();
  app.add_flag("--bad-tokens", settings.bad_tokens, "another wrong token each time");
  app.add_option("--expect", settings.expected_status, "status of every answer")->capture_default_str();
  app.add_option("--connections", settings.connections)->capture_default_str();
  const std::map<std::string, Reuse> kinds = {
      {"keep-alive", Reuse::keep_alive}, {"full", Reuse::full_handshake}, {"resumed", Reuse::resumption}};
  app.add_option("--handshakes", settings.reuse, "keep-alive, or a new connection for each request: full or resumed")
      ->transform(CLI::CheckedTransformer(kinds));
  app.add_option("--prompt", settings.prompt_bytes, "bytes of the request's body")->capture_default_str();
  app.add_option("--answer", settings.wanted.bytes, "bytes of a plain answer's body")->capture_default_str();
  app.add_flag("--stream", settings.wanted.stream);
  app.add_option("--events", settings.wanted.events, "of each stream; 0: without end")->capture_default_str();
  app.add_option("--event-rate", settings.wanted.rate, "events a second of each stream; 0: flat out");
  app.add_option("--event-size", settings.wanted.size, "bytes")->capture_default_str();
  app.add_option("--per-second", settings.per_second, "open loop: so many requests fall due a second");
  app.add_flag("--idle", settings.idle, "after the first answers ask nothing until the measurement begins");
  app.add_option("--warm-up", settings.warm_up_seconds, "seconds")->capture_default_str();
  app.add_option("--seconds", settings.seconds, "how long to measure");
  app.add_option("--requests", settings.requests, "how many to measure");
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) {
  using namespace sallyport::bench;
  LoadSettings settings;
  CLI::App app("The bench's load generator");
  describe(app, settings);
  CLI11_PARSE(app, argc, argv);
  settings.wanted.bytes = std::max(settings.wanted.bytes, plain_answer_least);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    Load load(settings);
    load.run();
    return load.all_right() ? 0 : 1;
  } catch (const std::exception& problem) {
    std::cerr << "load: " << problem.what() << '\n';
    return 2;
  }
}
