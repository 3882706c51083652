#include "gateway/server.hpp"

#include <sys/resource.h>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "gateway/admin.hpp"
#include "gateway/config/check_files.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/config/file_watch.hpp"
#include "gateway/config/load_config.hpp"
#include "gateway/config/load_watched.hpp"
#include "gateway/config/needs_restart.hpp"
#include "gateway/config/read_recipients.hpp"
#include "gateway/config/signing_key.hpp"
#include "gateway/log_watch.hpp"
#include "gateway/shared_limits.hpp"
#include "gateway/worker.hpp"
#include "tls/listen.hpp"

namespace sallyport::gateway {

namespace {

constexpr auto look_interval = std::chrono::seconds(1);
constexpr auto drain_look_interval = std::chrono::milliseconds(20);
constexpr rlim_t descriptors_of_process = 128;  // the log, the admin's clients, the control loop
constexpr rlim_t descriptors_of_worker = 6;     // its two event loops
constexpr rlim_t descriptors_of_entrance = 2;   // a listener's socket at one worker, and the client that waits there

unsigned worker_count(const Config& config) {
  return config.workers != 0 ? config.workers : std::max(1u, std::thread::hardware_concurrency());
}

// The process takes all descriptors it is allowed. Gives how many clients they are enough for, each with a connection
// to a model server: strangers must not take those away, nor the log's.
std::size_t connections_possible(const Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return SIZE_MAX;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t by_worker = descriptors_of_worker + config.listeners.size() * descriptors_of_entrance;
  const rlim_t kept_back = descriptors_of_process + worker_count(config) * by_worker;
  return (limit.rlim_cur - std::min(kept_back, limit.rlim_cur / 2)) / 2;
}

std::vector<logging::Tenant> tenants_of(const LogConfig& log) {
  std::vector<logging::Tenant> tenants;
  for (const LogTenant& tenant : log.tenants) tenants.push_back({tenant.name, parse_recipients(tenant.recipients)});
  return tenants;
}

}  // namespace

struct Server::Parts {
  Parts(Config config, FileWatch files, path config_file, OperatorLogger& logger);
  bool run();

 private:
  void warn_of_shared_addresses(const Config& config);
  void open_log(const Config& config);
  void look_for_signals();
  void look_for_changes();
  void reload();
  void refuse_reload();
  void take_up(Config config);
  void start_drain();
  void watch_drain();
  bool has_drained();
  void finish();
  bool end_of_log() const;
  std::size_t connections() const;
  std::unique_ptr<SharedLimits> make_shared_limits(const Config& config);
  std::string metrics_page() const;

  const path file_;
  OperatorLogger& log_;
  core::SystemClock clock_;
  // The control loop: signals, reload, drain and the admin listener, on the main thread.
  boost::asio::io_context io_{1};
  core::TimerWheel wheel_{clock_.now()};
  tls::Loop loop_{io_, wheel_, {}, {}};
  boost::asio::signal_set signals_{io_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::steady_timer ticker_{io_};
  boost::asio::steady_timer drain_timer_{io_};
  FileWatch files_;
  std::shared_ptr<const Snapshot> snapshot_;
  Metrics metrics_;
  auth::Limiter limiter_;
  SharedLimitsStatus shared_limits_status_;
  std::unique_ptr<SharedLimits> shared_limits_;  // null where the configuration has none
  ByteBudget body_memory_, body_disk_;
  AddressSlots address_slots_;
  std::unique_ptr<logging::SealedLog> sealed_log_;
  std::optional<LogWatch> log_watch_;
  UpstreamWatch upstream_watch_{[this](auto level, auto event, auto fields) { log_.write(level, event, fields); }};
  Services services_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;
  bool draining_ = false, cut_ = false;
  core::TimePoint drain_deadline_{};
  core::TimePoint next_look_{};
};

Server::Parts::Parts(Config config, FileWatch files, path config_file, OperatorLogger& logger)
    : file_(std::move(config_file)),
      log_(logger),
      files_(std::move(files)),
      snapshot_(build_snapshot(std::move(config))),
      metrics_(snapshot_->config, worker_count(snapshot_->config)),
      limiter_(snapshot_->config.shared_limits ? auth::Counting::together : auth::Counting::alone),
      shared_limits_(make_shared_limits(snapshot_->config)),
      body_memory_(snapshot_->config.limits.body_memory_total),
      body_disk_(snapshot_->config.limits.body_disk_total),
      services_{clock_, metrics_, log_, limiter_, {body_memory_, body_disk_}, address_slots_, upstream_watch_} {
  const Config& running = snapshot_->config;
  const auto callers = build_callers(running, clock_.wall());
  services_.connections = connections_possible(running);
  if (services_.connections < running.limits.connections) {
    log_.warning("connections_limited", {{"limits.connections", running.limits.connections},
                                         {"connections", services_.connections},
                                         {"reason", "the process may open no more files"}});
  }
  warn_of_shared_addresses(running);
  open_log(running);
  for (unsigned i = 0; i < worker_count(running); ++i) {
    workers_.push_back(std::make_unique<Worker>(i, services_, snapshot_, callers));
    workers_.back()->listen();
  }
  if (running.admin) {
    loop_.ready.be_run_by(io_);
    admin_ = std::make_unique<Admin>(
        *running.admin, loop_,
        Admin::Answers{[this] { return !draining_ && (!sealed_log_ || sealed_log_->counters().healthy); },
                       [this] { return metrics_page(); }});
  }
}

void Server::Parts::warn_of_shared_addresses(const Config& config) {
  for (const auto& listener : config.listeners) {
    if (!tls::is_listened_on(listener.address.host, listener.address.port)) continue;
    log_.warning("address_shared", {{"listener", listener.name},
                                    {"address", text_of(listener.address)},
                                    {"meaning", "another process listens on it too and takes a part of the clients"}});
  }
}

void Server::Parts::open_log(const Config& config) {
  if (!config.log) {
    log_.warning("log_off", {{"meaning", "no exchange leaves a record"}});
    return;
  }
  logging::LogSettings settings = config.log->settings;
  if (const path& key = config.log->signing_key; !key.empty()) {
    settings.checkpoints.signer = load_signer(key, settings.origin);
  }
  sealed_log_ = std::make_unique<logging::SealedLog>(std::move(settings), parse_recipients(config.log->recipients),
                                                     clock_, tenants_of(*config.log));
  services_.log = sealed_log_.get();
  log_watch_.emplace([this](auto level, auto event, auto fields) { log_.write(level, event, fields); },
                     config.log->settings.directory, config.log->settings.checkpoints.directory);
}

std::unique_ptr<SharedLimits> Server::Parts::make_shared_limits(const Config& config) {
  if (!config.shared_limits) return nullptr;
  return std::make_unique<SharedLimits>(*config.shared_limits, limiter_, clock_, log_, shared_limits_status_);
}

std::string Server::Parts::metrics_page() const {
  return metrics_.text(sealed_log_ ? sealed_log_->counters() : logging::LogCounters{},
                       shared_limits_ ? &shared_limits_status_ : nullptr);
}

bool Server::Parts::run() {
  for (auto& worker : workers_) worker->start();
  if (shared_limits_) shared_limits_->start();
  for (const auto& listener : snapshot_->config.listeners) {
    log_.info("listening",
              {{"listener", listener.name}, {"address", text_of(listener.address)}, {"tls", listener.tls.has_value()}});
  }
  log_.info("ready", {{"workers", workers_.size()}});
  look_for_signals();
  look_for_changes();
  io_.run();
  const bool whole = end_of_log();
  // A thread that is stuck at the disk can be neither joined nor left behind in what is destroyed around it.
  if (sealed_log_ && (!sealed_log_->ended() || sealed_log_->removes())) std::_Exit(whole ? 0 : 1);
  sealed_log_.reset();
  for (auto& worker : workers_) worker->join();
  log_.info("stopped");
  return whole;
}

// Whether all is in it. What is not, nobody will find in it: it is said here, and the next start declares where its
// last segment ends.
bool Server::Parts::end_of_log() const {
  if (!sealed_log_) return true;
  const logging::LogCounters log = sealed_log_->counters();
  if (log.directory.waiting + log.command.waiting > 0) {
    log_.error("checkpoints_not_kept", {{"directory", log.directory.waiting}, {"command", log.command.waiting}});
  }
  if (log.closed) return true;
  log_.error("log_not_ended", {{"records_not_written", log.queued_records},
                               {"reason", sealed_log_->ended() ? "the disk refuses" : "the disk hangs"}});
  return false;
}

void Server::Parts::look_for_signals() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
    } else if (!draining_) {
      start_drain();
    } else {
      drain_deadline_ = clock_.now();  // asked twice: now
      drain_timer_.cancel();
    }
    look_for_signals();
  });
}

void Server::Parts::look_for_changes() {
  ticker_.expires_after(core::TimerWheel::tick);
  ticker_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = clock_.now();
    wheel_.advance(now);
    if (now >= next_look_) {
      next_look_ = now + look_interval;
      if (!draining_ && files_.changed()) reload();
      if (log_watch_) log_watch_->look(sealed_log_->counters());
    }
    look_for_changes();
  });
}

void Server::Parts::reload() try {
  auto [loaded, files] = load_watched(
      snapshot_->config.files, [this] { return load_config(file_); }, snapshot_->config.tokens_file);
  files_ = std::move(files);  // also when it is refused: a file that it waits for may come
  const auto problems = check_files(loaded, clock_.wall(), CheckAt::reload);
  for (const auto& problem : problems) {
    const bool error = problem.severity == Severity::error;
    log_.write(error ? LogLevel::error : LogLevel::warning, error ? "reload_refused" : "reload_warning",
               {{"problem", text_of(problem)}});
  }
  if (has_errors(problems)) return refuse_reload();
  if (const std::string sections = needs_restart(snapshot_->config, loaded.config); !sections.empty()) {
    log_.error("reload_refused", {{"problem", "this can only change with a restart"}, {"section", sections}});
    return refuse_reload();
  }
  take_up(std::move(loaded.config));
  metrics_.config_reloaded(true);
  metrics_.tokens_loaded(true);
  log_.info("reloaded", {{"file", file_.string()}});
} catch (const std::exception& problem) {
  log_.error("reload_refused", {{"problem", problem.what()}});
  refuse_reload();
}

// A revocation must not wait until somebody has mended something else: the tokens are taken up by themselves, as the
// configuration that runs has them.
void Server::Parts::refuse_reload() {
  metrics_.config_reloaded(false);
  const path& file = snapshot_->config.tokens_file;
  if (file.empty()) return;
  try {
    const auto callers = build_callers(snapshot_->config, clock_.wall());
    for (auto& worker : workers_) worker->adopt(callers);
    metrics_.tokens_loaded(true);
    log_.info("tokens_reloaded", {{"file", file.string()}});
  } catch (const std::exception& problem) {
    metrics_.tokens_loaded(false);
    log_.error("tokens_refused", {{"problem", problem.what()}});
  }
}

// Everything new is built before anything old is let go, so that a mistake changes nothing.
void Server::Parts::take_up(Config config) {
  std::unique_ptr<SharedLimits> shared_limits;  // null: what runs is kept, with its connection
  if (shared_limits_ && !shared_limits_->is_for(*config.shared_limits)) shared_limits = make_shared_limits(config);
  auto callers = build_callers(config, clock_.wall());
  auto snapshot = build_snapshot(std::move(config));
  if (sealed_log_) {  // before any call can name a tenant that is new
    const LogConfig& log = *snapshot->config.log;
    sealed_log_->set_recipients(parse_recipients(log.recipients), tenants_of(log));
  }
  snapshot_ = std::move(snapshot);
  if (shared_limits) {
    shared_limits_ = std::move(shared_limits);  // the other has stopped
    shared_limits_->start();
  }
  metrics_.configure(snapshot_->config);
  log_.configure(snapshot_->config.operator_log);
  for (auto& worker : workers_) worker->adopt(snapshot_, callers);
  upstream_watch_.forget();
}

// /readyz says no first, so that whoever balances the load looks elsewhere before the listeners close.
void Server::Parts::start_drain() {
  draining_ = true;
  const auto& limits = snapshot_->config.limits;
  log_.info("draining", {{"connections", connections()}});
  drain_deadline_ = clock_.now() + limits.ready_delay + limits.drain;
  drain_timer_.expires_after(limits.ready_delay);
  drain_timer_.async_wait([this](const boost::system::error_code&) {
    for (auto& worker : workers_) worker->drain();
    watch_drain();
  });
}

void Server::Parts::watch_drain() {
  if (has_drained()) return finish();
  if (clock_.now() >= drain_deadline_ && !cut_) {
    cut_ = true;
    log_.warning("drain_time_over", {{"connections", connections()}});
    for (auto& worker : workers_) worker->stop();
  }
  drain_timer_.expires_after(drain_look_interval);
  drain_timer_.async_wait([this](const boost::system::error_code&) { watch_drain(); });
}

// All exchanges have ended, and the log behind them. A disk that works is waited for, however slow, while there is
// something to write; one that hangs, and the removal of old segments, until the deadline.
bool Server::Parts::has_drained() {
  if (!std::ranges::all_of(workers_, [](const auto& worker) { return worker->drained(); })) return false;
  if (!sealed_log_) return true;
  sealed_log_->end();
  const bool late = clock_.now() >= drain_deadline_;
  return sealed_log_->ended() ? late || !sealed_log_->removes() : late && sealed_log_->hangs();
}

void Server::Parts::finish() {
  ticker_.cancel();
  signals_.cancel();
  admin_.reset();
  io_.stop();
}

std::size_t Server::Parts::connections() const {
  std::size_t count = 0;
  for (const auto& worker : workers_) count += worker->connections();
  return count;
}

Server::Server(Config config, FileWatch files, path file, OperatorLogger& operator_log)
    : parts_(std::make_unique<Parts>(std::move(config), std::move(files), std::move(file), operator_log)) {}
Server::~Server() = default;
bool Server::run() { return parts_->run(); }

}  // namespace sallyport::gateway
