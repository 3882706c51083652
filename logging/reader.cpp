#include "logging/reader.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "logging/frame_shape.hpp"

namespace sallyport::logging {

struct LogReader::Open {
  explicit Open(const ListedSegment& segment) : number(segment.number), source(segment.path), walker(source) {}

  std::uint64_t number;
  FileSource source;
  FrameWalker walker;
  std::optional<PartOpener> parts;
  // Frames past what the successor declares were never vouched for: what they say may stand in the successor too.
  std::uint64_t declared_frames = std::numeric_limits<std::uint64_t>::max();
  unsigned forged = 0;     // frames that are not authentic, or have other parts than belong in them
  bool is_forged = false;  // the walker's frame
  bool damaged = false;    // said already
  bool last_look = false;  // a successor is there, so whatever is read now is all there will be
};

namespace {

constexpr std::string_view not_there = "it is not there";

// Frames of one segment. Each may cost as many steps of a ratchet as there are frames before it.
constexpr unsigned max_forged_frames = 16;

core::WallTime created(const ParsedHeader& header) {
  return core::WallTime(core::Duration(static_cast<core::Duration::rep>(header.header.created_ns)));
}

KeyNumber content_key_of(const std::vector<PartView>& parts) {
  for (const PartView& part : parts) {
    const bool body = part.head.type == PartType::request_body || part.head.type == PartType::response_body;
    if (body && is_tenant_key(part.head.key)) return part.head.key;
  }
  return content_key;
}

}  // namespace

LogReader::LogReader(std::filesystem::path directory, envelope::KeyHolder& holder, Tell tell, ReadFrom from)
    : directory_(std::move(directory)),
      keys_(holder),
      tell_(std::move(tell)),
      from_(from),
      listed_(list_segments(directory_)),
      newest_(listed_.empty() ? 0 : listed_.back().number),
      removals_(directory_, newest_, [&holder](const auto& segment) { return proves_header(segment, holder); }) {
  if (listed_.empty()) throw std::runtime_error(directory_.string() + " holds no log segment");
  last_ = std::max(listed_.front().number, from_.segment) - 1;
}

LogReader::~LogReader() = default;

std::optional<Exchange> LogReader::next() {
  while (open_ || advance()) {
    FrameWalker& walker = open_->walker;
    const bool more = walker.link().frames < open_->declared_frames;
    const auto step = more ? walker.next() : FrameWalker::Step::end_of_data;
    if (step == FrameWalker::Step::frame) {
      auto exchange = take_frame();
      if (std::exchange(open_->is_forged, false)) count_forged();
      if (exchange) return exchange;
      continue;
    }
    const bool damaged = step != FrameWalker::Step::end_of_data && step != FrameWalker::Step::torn;
    if (damaged && !open_->last_look) {
      hole(open_->number, "frame " + std::to_string(walker.link().frames) + " at byte " +
                              std::to_string(walker.link().bytes) + ": " + std::string(words(step)));
      open_->damaged = open_->last_look = true;
    }
    if (!over()) return std::nullopt;
  }
  say(keys_.settle());
  return std::nullopt;
}

// The first time a successor is seen the segment is read once more: its last frames may have come after the last read.
bool LogReader::over() {
  if (was_replaced()) {
    forget(open_->number);
    return true;
  }
  const auto successor = following();
  const bool has_gone = !successor && newest_ > last_;
  if (!successor && !has_gone) return false;
  if (!std::exchange(open_->last_look, true)) return true;
  if (successor) check_end(*successor);
  open_.reset();
  return true;
}

// A writer whose disk failed before anything in the segment was safe takes its number for another.
bool LogReader::was_replaced() const {
  const auto now = header_of({open_->number, keys_.file(open_->number)});
  return now && now->chain != open_->walker.header().chain;
}

// What was read of it stands in the other one again.
void LogReader::forget(std::uint64_t segment) {
  for (auto& [number, exchange] : begun_) {
    std::erase_if(exchange.places, [&](const FramePlace& place) { return place.segment == segment; });
  }
  content_opener_.reset();
  open_.reset();
  last_ = segment - 1;
}

void LogReader::check_end(const ListedSegment& successor) {
  if (open_->damaged) return;
  const auto declared = header_of(successor);
  if (!declared || declared->header.previous.id != open_->walker.header().header.id) return;
  if (open_->walker.link().frames < declared->header.previous.frames) {
    hole(open_->number, "it ends before the place that its successor declares");
  }
}

bool LogReader::advance() {
  while (const auto segment = following()) {
    const Past past = is_past_end(*segment);
    if (past == Past::yes) return false;
    miss(last_ + 1, segment->number - 1);
    last_ = segment->number;
    if (past == Past::claimed) {
      if (doubtful_ == 0) doubtful_ = last_;
    } else if (open(*segment)) {
      if (doubtful_ > 0) hole(std::exchange(doubtful_, 0), "it says that it is younger than those behind it");
      return true;
    }
  }
  miss(last_ + 1, newest_);  // they were there when they were listed
  last_ = std::max(last_, newest_);
  return false;
}

void LogReader::list() {
  listed_ = list_segments(directory_);
  if (!listed_.empty()) newest_ = std::max(newest_, listed_.back().number);
}

// The directory is listed again only when the last listing has none.
std::optional<ListedSegment> LogReader::following() {
  const auto find = [&] {
    return std::find_if(std::lower_bound(listed_.begin(), listed_.end(), last_ + 1,
                                         [](const ListedSegment& s, std::uint64_t n) { return s.number < n; }),
                        listed_.end(), [](const ListedSegment& s) { return std::filesystem::exists(s.path); });
  };
  auto found = find();
  if (found == listed_.end()) {
    list();
    found = find();
  }
  return found != listed_.end() ? std::optional(*found) : std::nullopt;
}

// Whoever can write the file can write the time into its header. So it is believed when the segment's key proves the
// header; and of a segment that is sealed to other keys, as long as nothing behind it speaks against it.
LogReader::Past LogReader::is_past_end(const ListedSegment& segment) {
  if (!from_.until) return Past::no;
  const auto header = header_of(segment);
  if (!header || created(*header) <= *from_.until + longest_exchange) return Past::no;
  Unlocked unlocked;
  UnlockProblem problem = UnlockProblem::keys_missing;
  look_at(segment.path, [&] { problem = unlock(segment.path, *header, keys_.holder(), unlocked); });
  if (problem == UnlockProblem::not_a_recipient) return Past::claimed;
  return problem == UnlockProblem::none || problem == UnlockProblem::keys_altered ? Past::yes : Past::no;
}

bool LogReader::open(const ListedSegment& segment) {
  const auto successor = following();
  const auto declared = successor ? header_of(*successor) : std::nullopt;
  if (from_.since && declared && created(*declared) < *from_.since) return false;
  std::unique_ptr<Open> opening;
  HeaderProblem problem = HeaderProblem::none;
  std::vector<ReaderKeys::Trouble> troubles;
  const bool there = look_at(segment.path, [&] {
    opening = std::make_unique<Open>(segment);
    problem = opening->walker.open();
    if (problem == HeaderProblem::none) troubles = keys_.add(segment.number, segment.path, opening->walker.header());
  });
  // Any other fault is none that removal leaves behind, whatever a tombstone covers.
  const auto gone = [](const ReaderKeys::Trouble& one) { return one.gone; };
  const bool half_gone = std::any_of(troubles.begin(), troubles.end(), gone) && removals_.cover(segment.number);
  if (half_gone) std::erase_if(troubles, gone);
  if (!there || half_gone) {
    if (there) say(troubles);
    miss(segment.number, segment.number);
    return false;
  }
  if (problem != HeaderProblem::none) {
    hole(segment.number, words(problem));
    return false;
  }
  const ParsedHeader& header = opening->walker.header();
  say(troubles);
  hole_ = hole_ || keys_.misses_some(segment.number, header);
  if (!keys_.opens(segment.number)) return false;
  if (declared && declared->header.previous.id == header.header.id) {
    opening->declared_frames = declared->header.previous.frames;
  }
  opening->parts.emplace(keys_.opener(segment.number, false));
  open_ = std::move(opening);
  ++opened_;
  return true;
}

std::optional<Exchange> LogReader::take_frame() {
  const FrameHead head = open_->walker.head();
  const auto found = parts_of(open_->walker.frame());
  const std::vector<PartView> parts = found.value_or(std::vector<PartView>{});
  const bool fits = found && fits_kind(head.kind, parts, open_->walker.header().tenants);
  if (!fits) {
    trouble(open_->number, "frame " + std::to_string(head.sequence) + " has parts that do not belong in it");
    open_->is_forged = true;
  }
  if (!is_for_this_key(parts)) {
    hole_ = hole_ || !fits;
    passed_over_ += has_record(head.kind);
    return std::nullopt;
  }
  if (std::exchange(hole_, false)) {
    for (auto& [number, exchange] : begun_) exchange.cut = true;
  }
  switch (head.kind) {
    case FrameKind::begin:
    case FrameKind::exchange:
    case FrameKind::end:
      return take_exchange(parts, fits);
    case FrameKind::data:
      take_piece(parts, fits);
      return std::nullopt;
    case FrameKind::declared_gap:
      if (keys_.has_segment_key(open_->number) && !text_of(parts)) return std::nullopt;
      if (tell_) tell_(open_->number, "the writer lost " + std::to_string(head.number) + " records here, and says so");
      return std::nullopt;
    case FrameKind::segment_end:
      (void)text_of(parts);
      return std::nullopt;
    case FrameKind::checkpoint:
    case FrameKind::tombstone:
      return std::nullopt;
  }
  if ((head.flags & flag_ignorable) == 0) {
    trouble(open_->number, "frame " + std::to_string(head.sequence) + " is of a kind this program does not know");
  }
  return std::nullopt;
}

// What an exchange begins or ends with.
std::optional<Exchange> LogReader::take_exchange(const std::vector<PartView>& parts, bool fits) {
  const FrameWalker& walker = open_->walker;
  const FrameHead head = walker.head();
  auto text = text_of(parts);
  if (!text) return std::nullopt;
  if (fits && has_record(head.kind) && !is_of_its_tenant(parts, *text)) {
    trouble(open_->number, "frame " + std::to_string(head.sequence) + " is sealed for a tenant whose it is not");
    fits = false;
  }
  auto begun = begun_.extract(head.number);
  Exchange exchange = begun ? std::move(begun.mapped()) : Exchange{};
  exchange.number = head.number;
  exchange.metadata = std::move(*text);
  exchange.segment = open_->number;
  exchange.finished = head.kind != FrameKind::begin;
  exchange.cut = exchange.cut || (head.kind == FrameKind::end && begun.empty());
  exchange.damaged = exchange.damaged || !fits;
  exchange.places.push_back({open_->number, walker.offset(), head.length, content_key_of(parts)});
  if (exchange.finished) return exchange;
  begun_.insert_or_assign(head.number, std::move(exchange));
  return std::nullopt;
}

void LogReader::take_piece(const std::vector<PartView>& parts, bool fits) {
  const FrameWalker& walker = open_->walker;
  const FrameHead head = walker.head();
  if (!is_any_authentic(parts)) return not_authentic();
  const auto begun = begun_.try_emplace(head.number);
  Exchange& exchange = begun.first->second;
  exchange.number = head.number;
  exchange.finished = false;
  exchange.cut = exchange.cut || begun.second;
  exchange.damaged = exchange.damaged || !fits;
  exchange.segment = open_->number;
  exchange.places.push_back({open_->number, walker.offset(), head.length, content_key_of(parts)});
}

// With the segment's key everything is; with a tenant's alone, what has a part under it.
bool LogReader::is_for_this_key(const std::vector<PartView>& parts) const {
  if (keys_.has_segment_key(open_->number) || open_->walker.head().kind == FrameKind::declared_gap) return true;
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return open_->parts->can_open(part.head); });
}

// The record or note of the walker's frame, whose parts these are.
std::optional<std::string> LogReader::text_of(const std::vector<PartView>& parts) {
  const FrameWalker& walker = open_->walker;
  for (const PartView& part : parts) {
    if (part.head.type != PartType::record && part.head.type != PartType::note) continue;
    const auto plain = open_->parts->open(walker.frame(), walker.chain_before(), part);
    if (plain) return std::string(core::text_of(*plain));
  }
  not_authentic();
  return std::nullopt;
}

bool LogReader::is_any_authentic(const std::vector<PartView>& parts) {
  const FrameWalker& walker = open_->walker;
  return std::any_of(parts.begin(), parts.end(), [&](const PartView& part) {
    return open_->parts->open(walker.frame(), walker.chain_before(), part).has_value();
  });
}

void LogReader::not_authentic() {
  const FrameWalker& walker = open_->walker;
  hole(open_->number, "frame " + std::to_string(walker.head().sequence) + " is not authentic");
  open_->is_forged = true;
}

void LogReader::count_forged() {
  if (++open_->forged != max_forged_frames) return;
  hole(open_->number, "too many of its frames are not authentic: the rest of it is not read");
  open_->declared_frames = open_->walker.link().frames;
  open_->damaged = true;
}

bool LogReader::is_of_its_tenant(const std::vector<PartView>& parts, const std::string& record) const {
  const TenantKey* tenant = tenant_in(parts, open_->walker.header().tenants);
  return tenant == nullptr || is_of_tenant(record, tenant->name);
}

std::vector<Exchange> LogReader::unfinished() const {
  std::vector<Exchange> all;
  for (const auto& [number, exchange] : begun_) all.push_back(exchange);
  return all;
}

std::string LogReader::sealed_for(const Exchange& exchange) {
  for (const FramePlace& place : exchange.places) {
    bool has = true;
    const auto look = [&] { has = keys_.has(place.segment, place.content); };
    if (is_tenant_key(place.content) && look_at(keys_.file(place.segment), look) && !has) {
      return keys_.tenant_of(place.segment, place.content);
    }
  }
  return {};
}

std::optional<core::Bytes> LogReader::content(Exchange& exchange, PartType body) {
  if (exchange.damaged) return std::nullopt;
  core::Bytes whole;
  std::uint64_t gone = 0;  // segment, said already
  for (const FramePlace& place : exchange.places) {
    std::optional<core::Bytes> piece;
    if (look_at(keys_.file(place.segment), [&] { piece = content_at(place, body); })) {
      if (!piece) {
        if (!sealed_for(exchange).empty()) return std::nullopt;
        trouble(place.segment, "content of exchange " + std::to_string(exchange.number) + " is not authentic");
        exchange.damaged = true;
        return std::nullopt;
      }
      whole.insert(whole.end(), piece->begin(), piece->end());
    } else if (std::exchange(gone, place.segment) != place.segment) {
      exchange.cut = true;
      if (!removals_.cover(place.segment)) trouble(place.segment, not_there);
    }
  }
  return whole;
}

std::optional<core::Bytes> LogReader::content_at(const FramePlace& place, PartType body) {
  const bool tenants = is_tenant_key(place.content);
  if (!content_opener_ || content_segment_ != place.segment || (tenants && !content_opener_->has(place.content))) {
    content_opener_ = std::make_unique<PartOpener>(keys_.opener(place.segment, tenants));
    content_segment_ = place.segment;
  }
  // The chain hash so far is what stands before the frame.
  core::Bytes bytes(digest_size + place.size);
  FileSource source(keys_.file(place.segment));
  if (source.read(place.offset - digest_size, bytes) != bytes.size()) return std::nullopt;
  Digest before;
  std::copy_n(bytes.begin(), digest_size, before.begin());
  const core::ConstBytes frame = core::ConstBytes(bytes).subspan(digest_size);
  const auto parts = parts_of(frame);
  if (!parts) return std::nullopt;
  core::Bytes piece;
  for (const PartView& part : *parts) {
    const bool wanted = part.head.type == body;
    if (!wanted && !content_opener_->can_open(part.head)) continue;  // sealed for another
    // Parts of other types too: a body that was given another type would be missed in silence.
    const auto plain = content_opener_->open(frame, before, part);
    if (!plain) return std::nullopt;
    if (wanted) piece.insert(piece.end(), plain->begin(), plain->end());
  }
  return piece;
}

void LogReader::miss(std::uint64_t first, std::uint64_t last) {
  if (first > last) return;
  hole_ = true;
  const bool all_removed = removals_.cover(last);
  if (first <= removals_.last() && tell_) {
    tell_(first, "it was removed by its gateway, and a signed tombstone says so");
  }
  if (!all_removed) trouble(std::max(first, removals_.last() + 1), not_there);
}

void LogReader::say(const std::vector<ReaderKeys::Trouble>& troubles) {
  for (const ReaderKeys::Trouble& one : troubles) {
    if (one.closed) {
      hole(one.segment, one.words);
    } else {
      trouble(one.segment, one.words);
    }
  }
}

void LogReader::trouble(std::uint64_t segment, std::string_view words) {
  ++troubles_;
  if (tell_) tell_(segment, std::string(words));
}

void LogReader::hole(std::uint64_t segment, std::string_view words) {
  trouble(segment, words);
  hole_ = true;
}

}  // namespace sallyport::logging
