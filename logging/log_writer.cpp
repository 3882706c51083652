#include "logging/log_writer.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "logging/json_text.hpp"
#include "logging/log_entry.hpp"

namespace sallyport::logging {

namespace {

constexpr core::Duration idle_wait = std::chrono::seconds(1);  // how often an idle writer looks at the segment's age
constexpr core::Duration place_interval = std::chrono::seconds(1);  // how often a writer looks where its segment is

// On a busy machine the writer does not interrupt the worker that wakes it: meanwhile more comes, to be sealed with it.
void let_others_first() noexcept {
  const sched_param priority{};
  ::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &priority);  // without effect, it is only less efficient
}

// With those above it. Each one's name is on disk too: a power cut would take with it what is synced in the folder.
void make_directory(const std::filesystem::path& directory) {
  const auto refused = [&](const std::string& reason) {
    return std::runtime_error("cannot make the log's directory " + directory.string() + ": " + reason);
  };
  std::error_code failed;
  const auto place = std::filesystem::absolute(directory / "").parent_path();  // without a slash at its end
  std::vector<std::filesystem::path> named_in;
  for (auto at = place; !std::filesystem::exists(at, failed) && at != at.root_path(); at = at.parent_path()) {
    named_in.push_back(at.parent_path());
  }
  const bool made = std::filesystem::create_directories(place, failed);
  if (failed) throw refused(failed.message());
  if (made) std::filesystem::permissions(place, std::filesystem::perms{0750}, failed);
  for (const auto& parent : named_in) {
    if (const auto synced = sync_written(parent); !synced) throw refused(std::strerror(synced.error().os_code));
  }
}

const LogSettings& checked(const LogSettings& settings) {
  if (settings.origin.empty() || settings.origin.size() > max_origin_size) {
    throw std::runtime_error("the log's origin must have 1 to 255 bytes");
  }
  make_directory(settings.directory);
  // Where it hangs it is made when it does no more, and the checkpoints wait for it.
  const auto& second = settings.checkpoints.directory;
  if (!second.empty()) done_within(patience_at_start, [second] { make_directory(second); });
  return settings;
}

}  // namespace

LogWriter::LogWriter(LogSettings given, std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants,
                     const core::Clock& its_clock, std::unique_ptr<Storage> its_storage)
    : settings(std::move(given)),
      clock(its_clock),
      queue(settings.queue_bytes, settings.durability != Durability::buffered),
      lock_(checked(settings).directory),
      storage_(std::move(its_storage)),
      appender_(settings, clock, *storage_, find_end(settings.directory, settings.origin), [this] { queue.nudge(); }) {
  readers.set(std::move(recipients), std::move(tenants));
  appender_.set_readers(*readers.take());
  next_exchange = (appender_.number() + 1) << 32;  // more than one segment can hold: never the number of an earlier run
  auto started = appender_.prepare(0);
  if (started) started = appender_.commit();
  if (started) started = appender_.retire();
  if (!started) {
    throw std::runtime_error("cannot start a segment in " + settings.directory.string() + ": " +
                             std::strerror(started.error().os_code));
  }
  publish();
  thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
  queue.stop();
  thread_.join();
}

bool LogWriter::healthy() const noexcept { return !failing_.load(std::memory_order_relaxed) && !hangs(); }

bool LogWriter::hangs() const noexcept {
  const auto since = busy_since_.load(std::memory_order_relaxed);
  return since != 0 && clock.now().time_since_epoch() - core::Duration(since) >= settings.stall_limit;
}

FileFault LogWriter::fault() const { return hangs() ? FileFault{appender_.at()} : fault_.get(); }

void LogWriter::busy() noexcept {
  const auto now = clock.now().time_since_epoch().count();
  busy_since_ = now == 0 ? 1 : now;
}

void LogWriter::count_lost() noexcept { lost.fetch_add(1, std::memory_order_relaxed); }

void LogWriter::run() {
  let_others_first();
  auto next_try = std::chrono::steady_clock::now();
  while (!queue.stopped()) {
    queue.wait(wait_time(next_try));
    queue.take(batch_);
    if (failing_ && std::chrono::steady_clock::now() < next_try) {
      answer_waiting();
    } else if (!attempt()) {
      next_try = std::chrono::steady_clock::now() + settings.retry_interval;
    }
  }
  end();
}

void LogWriter::end() {
  queue.take(batch_);
  next_look_ = {};
  const bool written = attempt();
  busy();
  closed_ = written && appender_.close().has_value();
  busy_since_ = 0;
  if (!closed_) count_batch_lost();
  publish();
  appender_.end_others();
  ended_ = true;
}

core::Duration LogWriter::wait_time(std::chrono::steady_clock::time_point next_try) const {
  if (failing_) return std::max<core::Duration>(next_try - std::chrono::steady_clock::now(), core::Duration::zero());
  const bool buffered = settings.durability == Durability::buffered;
  return std::min(buffered ? settings.flush_interval : idle_wait, appender_.checkpoints().until_due());
}

// One try at everything in the batch. False: it is still there, for the next try.
bool LogWriter::attempt() {
  busy();
  if (auto changed = readers.take()) appender_.set_readers(std::move(*changed));
  add_gap();
  auto result = check_place();
  if (result) result = write_batch();
  const bool done = result.has_value();
  busy_since_ = 0;
  if (!done) {
    fault_.set({appender_.at(), result.error()});
    write_errors += 1;
  }
  failing_ = !done;
  publish();
  if (!done) answer_waiting();
  return done;
}

// Whoever moves or removes the log's directory takes the open segment and the lock along: the log goes on in the
// directory that stands there next.
core::Result<void> LogWriter::check_place() try {
  const auto now = std::chrono::steady_clock::now();
  if (!failing_ && now < next_look_) return {};
  next_look_ = now + place_interval;
  if (const auto in_place = appender_.check_file(); !in_place) return in_place;
  lock_.follow(settings.directory);
  return {};
} catch (const std::system_error& failure) {
  return core::Error(core::Reason::io_failed, failure.code().value());
} catch (const std::exception&) {  // another process writes there
  return core::Error(core::Reason::io_failed, EBUSY);
}

core::Result<void> LogWriter::write_batch() {
  if (batch_.empty()) {  // an aged segment ends, and a checkpoint comes, also when nothing happens
    answer_waiters(queue.take_waiters());
    tell_answered();
    auto done = appender_.prepare(0);
    if (done) done = appender_.commit();
    return done ? appender_.retire() : done;
  }
  for (std::size_t i = settled_; i < batch_.size(); ++i) {
    LogItem& item = batch_[i];
    const auto ready = appender_.prepare(item.text.size() + item.content_size());
    settle(appender_.vouched());
    if (!ready) return ready;
    const bool is_tenants = item.key != content_key;
    if (is_tenants && (!appender_.has_key(item.key) || lost_content_.has(item.number))) drop_content(item);
    appender_.seal(item);
    if (!appender_.full()) continue;
    const auto written = appender_.commit();
    settle(appender_.vouched());
    if (!written) return written;
    busy();  // a batch may be many writes: none of them may hang, but all together may take longer
  }
  const auto written = appender_.commit();
  settle(appender_.vouched());
  if (!written) return written;
  batch_.clear();
  settled_ = 0;
  base_ = appender_.vouched();
  return appender_.retire();  // nobody waits for it
}

// The items that are safe now: their callers are told, their plaintext goes.
void LogWriter::settle(std::uint64_t vouched) {
  if (base_ + settled_ >= vouched) return;
  publish();
  for (; base_ + settled_ < vouched; ++settled_) {
    LogItem item = std::move(batch_[settled_]);
    if (has_record(item.kind)) records += 1;
    queue.settled(item);
    const bool fails = item.content_lost > 0 && settings.overload == Overload::refuse;
    answer(item.sealed, fails);
  }
  answer_waiters(queue.take_waiters());
  tell_answered();
}

void LogWriter::answer(LogReply& reply, bool fails) {
  auto owed = reply.give(fails ? core::Error(core::Reason::log_unavailable) : core::Result<void>{});
  if (owed) answered_.push_back(std::move(*owed));
}

void LogWriter::answer_waiters(std::vector<LogReply> waiters) {
  for (LogReply& waiter : waiters) answer(waiter, false);
}

// Each worker once for a whole commit: woken by the first of its answers, it would have to be woken again.
void LogWriter::tell_answered() {
  for (auto& answers : answered_) answers.tell();
  answered_.clear();
}

// Nobody waits for a disk that fails: the callers are answered by the overload policy, the records are kept for the
// next try.
void LogWriter::answer_waiting() {
  const bool fails = settings.overload == Overload::refuse;
  for (std::size_t i = settled_; i < batch_.size(); ++i) {
    answer(batch_[i].sealed, fails);
  }
  answer_waiters(queue.take_all_waiters());
  tell_answered();
}

// The end has come and the disk refuses still.
void LogWriter::count_batch_lost() {
  for (std::size_t i = settled_; i < batch_.size(); ++i) {
    if (has_record(batch_[i].kind)) count_lost();
  }
}

// To the gap with which the batch ends, where there is one: a disk may fail for long, and gaps take none of the queue.
void LogWriter::add_gap() {
  const std::uint64_t missing = lost - declared_;
  if (missing == 0) return;
  if (settled_ == batch_.size() || batch_.back().kind != FrameKind::declared_gap) {
    batch_.emplace_back().kind = FrameKind::declared_gap;
  }
  LogItem& gap = batch_.back();
  gap.number += missing;
  gap.text = time_note("declared", clock.wall());
  declared_ += missing;
}

void LogWriter::drop_content(LogItem& item) {
  const bool counted = item.content_lost > 0;  // by the entry: the queue was full
  lost_content_.drop(item);
  if (has_record(item.kind) && !counted && item.content_lost > 0) count_lost();
}

void LogWriter::publish() {
  frames = appender_.frames();
  bytes = appender_.bytes();
  segments = appender_.segments();
  const CheckpointWriter& signing = appender_.checkpoints();
  checkpoints = signing.kept();
  last_checkpoint = signing.last().value_or(core::WallTime{}).time_since_epoch().count();
}

core::Result<LogEntry> LogWriter::open_entry(bool keep_content, std::string_view tenant, ItemSink& sink) {
  const bool refuse = settings.overload == Overload::refuse;
  const bool reserved = (!refuse || healthy()) && queue.reserve(entry_cost);
  if (!reserved && refuse) {
    count_lost();
    return core::Error(core::Reason::log_unavailable);
  }
  const KeyNumber key = tenant.empty() ? content_key : readers.number_of(tenant);
  return LogEntry(std::make_unique<LogEntry::State>(*this, sink, keep_content, reserved, key, tenant));
}

}  // namespace sallyport::logging
