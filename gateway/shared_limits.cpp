#include "gateway/shared_limits.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <thread>

#include "core/event.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/credentials.hpp"
#include "gateway/config/file_watch.hpp"
#include "gateway/resp.hpp"
#include "gateway/shared_count.hpp"
#include "tls/connect.hpp"

namespace sallyport::gateway {

namespace {

using auth::Spent;
using core::Secret;
using core::Task;

constexpr core::Duration patience = 1s;       // for connecting, and for each answer
constexpr core::Duration longest_pause = 5s;  // between attempts
constexpr core::Duration idle_look = 1s;      // while nobody spends, to notice that the server is gone
constexpr std::size_t answer_limit = 16 * 1024;
static_assert(2 * principals_a_command <= resp_numbers_limit);

// The command AUTH; empty when there is no password.
Secret auth_command(const SharedLimitsConfig& config) {
  if (config.password_file.empty()) return {};
  const Secret password = read_password(config.password_file);
  std::vector<std::string_view> words = {"AUTH", password.reveal_text()};
  if (!config.username.empty()) words.insert(words.begin() + 1, config.username);
  std::string command;
  command.reserve(password.size() + config.username.size() + 64);  // so that no copy is left behind as it grows
  append_resp_command(command, words);
  return Secret::take(command);
}

// "upstream_unreachable" → "unreachable": what the reason calls an upstream is a model server elsewhere.
std::string words_for(core::Reason reason) {
  constexpr std::string_view prefix = "upstream_";
  const std::string_view words = core::name(reason);
  return std::string(words.starts_with(prefix) ? words.substr(prefix.size()) : words);
}

// "WRONGPASS invalid …" → "answered WRONGPASS". The rest is the server's own prose.
std::string words_for(const RespReply& reply) {
  if (reply.kind != RespReply::Kind::error) return "answered something else than was asked";
  const std::size_t end = reply.text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  return "answered " + reply.text.substr(0, std::min<std::size_t>(end, 32));
}

std::vector<std::filesystem::path> files_of(const SharedLimitsConfig& config) {
  std::vector<std::filesystem::path> files = {config.password_file};
  if (config.tls) files.insert(files.end(), {config.tls->ca, config.tls->certificate, config.tls->key});
  return files;
}

}  // namespace

struct SharedLimits::Parts {
  Parts(const SharedLimitsConfig& config_, auth::Limiter& limiter_, const core::Clock& clock_, OperatorLogger& logger,
        SharedLimitsStatus& status_)
      : config(config_), limiter(limiter_), clock(clock_), operator_log(logger), status(status_) {
    if (config.tls) identity = std::make_unique<tls::ClientIdentity>(*config.tls);
  }

  // What is wrong, in words for the operator; empty when nothing is.
  using Problem = std::string;

  void run();
  void begin() noexcept;
  void stop();
  Task<void> keep_counting();
  Task<Problem> guarded_round();
  Task<Problem> round();
  Task<Problem> connect();
  Task<Problem> tell(std::span<const Spent> spent);
  void put_back(std::span<const Spent> spent);
  Task<Problem> ask(core::ConstBytes command, RespReply& reply);
  Task<void> pause(core::Duration duration);
  void note(const Problem& problem);

  const SharedLimitsConfig config;
  auth::Limiter& limiter;
  const core::Clock& clock;
  OperatorLogger& operator_log;
  SharedLimitsStatus& status;
  const FileWatch files{files_of(config)};  // as they were before they were read
  const Secret authentication = auth_command(config);

  boost::asio::io_context io{1};
  core::TimerWheel wheel{clock.now()};
  tls::Loop loop{io, wheel};
  std::unique_ptr<tls::ClientIdentity> identity;  // null where the configuration says `plaintext: allowed`
  std::shared_ptr<tls::SessionSlot> sessions = tls::make_session_slot();
  std::unique_ptr<core::ByteStream> stream;  // null while there is no connection
  core::TimePoint next_look{};
  core::Event woken;
  std::atomic<bool> begun{false};
  bool stopping = false;
  std::thread thread;
};

void SharedLimits::Parts::run() {
  begun.wait(false);
  loop.turn(core::Duration(0));  // stop() may be what ended the waiting
  bool ended = false;
  boost::asio::co_spawn(io, keep_counting(), [&ended](std::exception_ptr) { ended = true; });
  while (!ended) {
    loop.turn(core::TimerWheel::tick);
    wheel.advance(clock.now());
  }
}

void SharedLimits::Parts::begin() noexcept {
  begun = true;
  begun.notify_one();
}

void SharedLimits::Parts::stop() {
  if (!thread.joinable()) return;
  const bool counted = begun;  // when not, another does
  loop.ready.post([this] {
    stopping = true;
    loop.stop_dialling();
    if (stream) stream->cancel();
    woken.set();
  });
  begin();
  thread.join();
  if (counted) status.up.store(false, std::memory_order_relaxed);
}

Task<void> SharedLimits::Parts::keep_counting() {
  core::Duration wait = config.interval;
  while (!stopping) {
    const Problem problem = co_await guarded_round();
    if (stopping) break;
    note(problem);
    wait = problem.empty() ? config.interval : std::min(wait * 2, std::max(longest_pause, config.interval));
    co_await pause(wait);
  }
  if (stream) stream->close();
}

// What nobody expected (no memory, say) ends the connection and is the operator's to know; counting goes on.
Task<SharedLimits::Parts::Problem> SharedLimits::Parts::guarded_round() {
  try {
    co_return co_await round();
  } catch (const std::exception& unexpected) {
    stream.reset();
    co_return unexpected.what();
  }
}

// What could not be told is put back at once, so that it does not grow while there is nobody to tell. What was sent and
// not answered is not: the server may have counted it, or still will when it reads what its kernel has kept for it.
Task<SharedLimits::Parts::Problem> SharedLimits::Parts::round() {
  const std::vector<Spent> spent = limiter.collect(clock.now());
  if (spent.empty() && stream && clock.now() < next_look) co_return Problem();
  Problem problem;
  if (!stream) problem = co_await connect();
  std::span<const Spent> rest(spent);
  do {
    const auto some = rest.first(std::min(rest.size(), principals_a_command));
    if (problem.empty() && !stopping) {
      problem = co_await tell(some);
    } else {
      put_back(some);
    }
    rest = rest.subspan(some.size());
  } while (!rest.empty());
  if (!problem.empty()) stream.reset();
  next_look = clock.now() + idle_look;
  co_return problem;
}

Task<SharedLimits::Parts::Problem> SharedLimits::Parts::connect() {
  const auto& [host, port] = config.address;
  auto peer = co_await tls::connect(loop, host, port, identity.get(), sessions, clock.now() + patience);
  if (!peer) co_return words_for(peer.error().reason);
  stream = std::move(peer->stream);
  if (authentication.empty()) co_return co_await tell({});  // nothing is entrusted to a connection that never answered
  RespReply reply;
  Problem problem = co_await ask(authentication.reveal(), reply);
  if (problem.empty() && (reply.kind != RespReply::Kind::status || reply.text != "OK")) problem = words_for(reply);
  co_return problem;
}

Task<SharedLimits::Parts::Problem> SharedLimits::Parts::tell(std::span<const Spent> spent) {
  const std::string command = count_command(config.prefix, spent);
  RespReply reply;
  Problem problem = co_await ask(core::bytes_of(command), reply);
  if (!problem.empty()) co_return problem;
  if (reply.kind == RespReply::Kind::error) put_back(spent);  // the script reads all before it writes
  const auto owed = read_counts(reply.numbers, spent.size());
  if (!owed || reply.kind != RespReply::Kind::numbers) co_return words_for(reply);
  const core::TimePoint now = clock.now();
  for (std::size_t i = 0; i < spent.size(); ++i) limiter.adopt(spent[i], (*owed)[i], now);
  co_return Problem();
}

void SharedLimits::Parts::put_back(std::span<const Spent> spent) {
  for (const Spent& each : spent) limiter.put_back(each, clock.now());
}

Task<SharedLimits::Parts::Problem> SharedLimits::Parts::ask(core::ConstBytes command, RespReply& reply) {
  if (stopping) co_return words_for(core::Reason::cancelled);
  stream->set_deadline(clock.now() + patience);
  if (const auto sent = co_await stream->write_all(command); !sent) co_return words_for(sent.error().reason);
  core::Bytes room(answer_limit);
  std::size_t arrived = 0;
  for (;;) {
    const auto got = co_await stream->read_some(core::MutableBytes(room).subspan(arrived));
    if (!got) co_return words_for(got.error().reason);
    if (*got == 0) co_return "closed";
    arrived += *got;
    const auto size = parse_resp(core::text_of(core::ConstBytes(room).first(arrived)), reply);
    if (!size || *size > arrived || arrived == room.size()) co_return words_for(core::Reason::upstream_malformed);
    if (*size == arrived) co_return Problem();
    if (*size != 0) co_return words_for(core::Reason::upstream_malformed);  // more than was asked for
  }
}

Task<void> SharedLimits::Parts::pause(core::Duration duration) {
  core::TimerWheel::Timer timer(wheel, [this] { woken.set(); });
  timer.set(clock.now() + duration);
  co_await woken.wait();
}

void SharedLimits::Parts::note(const Problem& problem) {
  (problem.empty() ? status.exchanges : status.failures).fetch_add(1, std::memory_order_relaxed);
  status.up.store(problem.empty(), std::memory_order_relaxed);
  if (problem == status.told) return;
  status.told = problem;
  const std::string address = text_of(config.address);
  if (problem.empty()) return operator_log.info("shared_limits_up", {{"address", address}});
  operator_log.warning("shared_limits_down",
                       {{"address", address}, {"problem", problem}, {"meaning", "this gateway counts alone"}});
}

SharedLimits::SharedLimits(const SharedLimitsConfig& config, auth::Limiter& limiter, const core::Clock& clock,
                           OperatorLogger& operator_log, SharedLimitsStatus& status)
    : parts_(std::make_unique<Parts>(config, limiter, clock, operator_log, status)) {
  parts_->thread = std::thread([parts = parts_.get()] { parts->run(); });
}

SharedLimits::~SharedLimits() { parts_->stop(); }

bool SharedLimits::is_for(const SharedLimitsConfig& config) const {
  return parts_->config == config && parts_->files.unchanged();
}

void SharedLimits::start() noexcept { parts_->begin(); }

}  // namespace sallyport::gateway
