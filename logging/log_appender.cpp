#include "logging/log_appender.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "logging/frame_walker.hpp"
#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

constexpr std::size_t write_size = 1024 * 1024;  // a large batch goes out in writes of about this
constexpr core::Duration idle_step = longest_step / 2;
constexpr std::string_view empty_note = "{}";
constexpr core::Duration retention_interval = std::chrono::minutes(10);  // and at each segment's start

// The record, or the text of a frame that has none, with how much content is missing.
core::Secret with_loss(std::string_view text, std::uint64_t lost) {
  const std::string stated = (text.empty() ? "{" : ",") + ("\"content_lost\":" + std::to_string(lost) + "}");
  if (!text.empty()) text.remove_suffix(1);
  std::string with;
  with.reserve(text.size() + stated.size());
  with.append(text).append(stated);
  return core::Secret::take(with);
}

}  // namespace

LogEnd find_end(const std::filesystem::path& directory, const std::string& origin) {
  const std::vector<ListedSegment> segments = list_segments(directory);
  if (segments.empty()) return {};
  const ListedSegment& last = segments.back();
  if (last.number == max_segment_number) {
    throw std::runtime_error(directory.string() + " has no number left for another segment");
  }
  // The next segment declares what is read here. After a crash some of it may be in memory alone.
  if (const auto synced = sync_written(last.path); !synced) {
    throw std::runtime_error("cannot sync " + last.path.string() + ": " + std::strerror(synced.error().os_code));
  }
  FileSource source(last.path);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return {last.number, {PreviousEnd::unreadable, {}, {}, 0, 0}};
  if (walker.header().header.origin != origin) {
    throw std::runtime_error(directory.string() + " holds the log of \"" + walker.header().header.origin +
                             "\", not of \"" + origin + "\": give each gateway a directory of its own");
  }
  while (walker.next() == FrameWalker::Step::frame) {
  }
  return {last.number, walker.link()};
}

LogAppender::LogAppender(const LogSettings& settings, const core::Clock& clock, Storage& storage, LogEnd before,
                         std::function<void()> wake)
    : settings_(settings),
      clock_(clock),
      storage_(storage),
      number_(before.number),
      previous_(before.link),
      checkpoints_(settings, clock) {
  if (checkpoints_.on() && settings.retention.any()) remover_.emplace(settings, std::move(wake));
}

core::Result<void> LogAppender::prepare(std::size_t next_item) {
  if (segment_ && due(next_item)) {
    if (const auto closed = close(); !closed) return closed;
  }
  return segment_ ? core::Result<void>{} : start();
}

// A segment without an item is left open: there is nothing in it to rotate away from, but for checkpoints in the end,
// and the steps by which retention sees time pass.
bool LogAppender::due(std::size_t next_item) const {
  const SegmentLink& end = segment_->end();
  if (readers_changed_) return true;
  const bool full = end.bytes + next_item > settings_.segment_bytes;
  const bool shows_time = settings_.retention.age > core::Duration::zero() && clock_.now() - started_ >= idle_step;
  if (!first_item_) return (full || shows_time) && end.frames > 1;
  return full || clock_.now() - *first_item_ >= settings_.segment_age;
}

core::Result<void> LogAppender::start() try {
  if (number_ >= max_segment_number) return core::Error(core::Reason::io_failed, ENOSPC);
  at_ = number_ + 1;
  SegmentStart start = SegmentStart::random();
  start.origin = settings_.origin;
  start.number = number_ + 1;
  start.created = created_ = clock_.wall();
  start.previous = previous_;
  start.extensions = checkpoints_.header_extension();
  for (const auto& [number, tenant] : readers_.tenants) {
    core::Secret key(segment_key_size);
    core::crypto::random(key.reveal_for_writing());
    start.tenants.push_back({number, tenant.name, tenant.recipients, std::move(key)});
  }
  auto segment = std::make_unique<SegmentWriter>(std::move(start), readers_.recipients);
  auto file = storage_.create(number_ + 1, segment->key_block(), segment->header());
  if (!file) return file.error();
  segment_ = std::move(segment);
  file_ = std::move(*file);
  number_ += 1;
  good_ = segment_->end();
  first_item_.reset();
  started_ = next_retention_ = clock_.now();
  readers_changed_ = false;
  segments_ += 1;
  if (checkpoints_.on()) sign();  // the header, and with it how the segment before ended
  return {};
} catch (const std::exception&) {  // a recipient that cannot be wrapped to, or no memory: as a disk that refuses
  abandon();
  return core::Error(core::Reason::internal);
}

// A tenant's exchange has its record twice, so that the tenant reads its own without the segment's key; and a piece of
// its content has a note under the segment's key, so that the tenant, who has the content's, cannot seal one.
void LogAppender::seal(const LogItem& item) {
  if (!first_item_) first_item_ = clock_.now();
  const bool is_tenants = item.key != content_key;
  SegmentWriter::Part parts[4];
  std::size_t count = 0;
  const core::Secret with = item.content_lost > 0 ? with_loss(item.text, item.content_lost) : core::Secret();
  const std::string_view text = with.empty() ? item.text : with.reveal_text();
  if (!text.empty()) {
    const PartType type = has_record(item.kind) ? PartType::record : PartType::note;
    parts[count++] = {type, core::bytes_of(text)};
    if (is_tenants) parts[count++] = {type, core::bytes_of(text), item.key};
  } else if (is_tenants) {
    parts[count++] = {PartType::note, core::bytes_of(empty_note)};
  }
  if (!item.request.empty()) parts[count++] = {PartType::request_body, item.request.bytes(), item.key};
  if (!item.response.empty()) parts[count++] = {PartType::response_body, item.response, item.key};
  segment_->append(item.kind, item.number, std::span(parts).first(count));
  sealed_ += 1;
}

bool LogAppender::full() const noexcept { return segment_ && segment_->pending().size() >= write_size; }

core::Result<void> LogAppender::commit() {
  if (!segment_) return {};
  if (checkpoints_.until_due() == core::Duration::zero()) sign();
  return write(settings_.durability == Durability::synced);
}

// The tombstone is on disk before what it speaks of goes: a crash between the two leaves too much, and never a gap that
// nobody explains.
core::Result<void> LogAppender::retire() {
  if (!remover_ || !segment_) return {};
  if (const auto due = remover_->due()) {
    const std::string note = checkpoints_.sign_removed(due->last, due->last_id, due->reason);
    const SegmentWriter::Part part[] = {{PartType::signed_note, core::bytes_of(note)}};
    segment_->append(FrameKind::tombstone, due->last, part, flag_ignorable);
    if (const auto written = write(true); !written) return written;
    remover_->remove(due->last);
  }
  if (clock_.now() < next_retention_) return {};
  next_retention_ = clock_.now() + retention_interval;
  const auto created = static_cast<std::uint64_t>(created_.time_since_epoch().count());
  remover_->look({number_, segment_->end().bytes, {created, previous_}, clock_.now() - started_});
  return {};
}

void LogAppender::end_others() {
  if (remover_) remover_->end();
  checkpoints_.end();
}

bool LogAppender::removal_ended() const noexcept { return !remover_ || remover_->ended(); }

RetentionState LogAppender::retention() const { return remover_ ? remover_->state() : RetentionState{}; }

void LogAppender::sign() {
  const std::string note = checkpoints_.sign(number_, segment_->end());
  const SegmentWriter::Part part[] = {{PartType::signed_note, core::bytes_of(note)}};
  segment_->append(FrameKind::checkpoint, segment_->records(), part, flag_ignorable);
}

core::Result<void> LogAppender::close() {
  if (!segment_) return {};
  std::string note;
  {
    JsonObject json(note);
    json.time("ended", clock_.wall());
    json.integer("records", segment_->records());
  }
  if (checkpoints_.on()) sign();
  const SegmentWriter::Part part[] = {{PartType::note, core::bytes_of(note)}};
  segment_->append(FrameKind::segment_end, segment_->records(), part);
  if (const auto written = write(true); !written) return written;
  if (checkpoints_.outside()) {  // the segment whole; in the log its successor's header says the same
    checkpoints_.sign(number_, good_);
    checkpoints_.keep();
  }
  previous_ = good_;
  file_->forget();
  segment_.reset();
  file_.reset();
  return {};
}

// The next segment declares what stands in this one, which may be brought back: so it is synced, if it can be.
core::Result<void> LogAppender::check_file() {
  if (!file_ || file_->in_place()) return {};
  (void)file_->sync();
  abandon();
  return core::Error(core::Reason::io_failed, ENOENT);
}

core::Result<void> LogAppender::write(bool sync) {
  if (segment_->pending().empty()) return {};
  // A copy in the second place must not outlive what it vouches for.
  sync = sync || (checkpoints_.waiting() && checkpoints_.outside());
  segment_->ratchet();
  const auto appended = file_->append(segment_->pending());
  // After a failure too: what stood there before is what the next segment declares.
  const auto synced = sync || !appended ? file_->sync() : core::Result<void>{};
  if (!appended || !synced) {
    abandon();
    return appended ? synced : appended;
  }
  segment_->taken();
  frames_ += segment_->end().frames - good_.frames;
  bytes_ += segment_->end().bytes - good_.bytes;
  good_ = segment_->end();
  vouched_ = sealed_;
  checkpoints_.keep();
  return {};
}

// The file is not touched again: after an error nobody knows what of it is on disk. Where nothing in it is vouched
// for, its number is used again and it is replaced, so that a full disk does not leave a trail of empty segments.
void LogAppender::abandon() {
  if (!segment_) return;
  if (good_.frames > 0) {
    previous_ = good_;
  } else {
    number_ -= 1;
  }
  checkpoints_.drop();
  segment_.reset();
  file_.reset();
  sealed_ = vouched_;
}

void LogAppender::set_readers(SegmentReaders readers) {
  readers_ = std::move(readers);
  readers_changed_ = true;
}

}  // namespace sallyport::logging
