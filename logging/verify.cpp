#include "logging/verify.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "logging/checkpoint_audit.hpp"
#include "logging/frame_walker.hpp"
#include "logging/key_audit.hpp"
#include "logging/live_log.hpp"
#include "logging/segment_audit.hpp"
#include "logging/storage.hpp"
#include "logging/writer_lock.hpp"

namespace sallyport::logging {

namespace {

constexpr unsigned max_replacements = 3;  // of one segment, while it is looked at: a disk does not fail more often

// What stands under one name, as far as its header tells.
struct Candidate {
  ListedSegment file;
  std::optional<ParsedHeader> header;
  bool in_place = false;  // readable, and the number in the header is the number in the name
};

// A writer whose disk failed before anything in its last segment was safe puts another in its place.
bool was_replaced(const Candidate& segment) {
  const auto now = read_header(segment.file.path);
  return now && segment.header && now->chain != segment.header->chain;
}

class Verifier {
 public:
  Verifier(const std::filesystem::path& directory, const VerifyOptions& options)
      : directory_(directory), options_(options), alive_(WriterLock::held(directory)) {}

  LogReport run() {
    list();
    read_headers(0);
    prepare_audit();
    check_segments(0);
    if (!gone_.empty()) {
      const std::size_t more = list_more();
      read_headers(more);
      check_segments(more);
    }
    audit_->finish(alive_);
    check_removed();
    check_presence();
    check_last();
    tenants_.settle(report_);
    report_.signed_state = audit_->state();
    return std::move(report_);
  }

 private:
  void find(FindingKind kind, std::uint64_t segment, std::string words) {
    report_.find(kind, segment, std::move(words));
  }

  void list();
  std::size_t list_more();
  template <class Look>
  void look_at_each(std::size_t from, Look look);
  void take_back(std::uint64_t number, std::size_t findings);
  void read_headers(std::size_t from);
  void check_segments(std::size_t from);
  void check_segment(std::size_t index, bool being_written);
  void read_header(Candidate& segment);
  void prepare_audit();
  void check_removed();
  void check_presence();
  void find_missing(std::uint64_t next, std::uint64_t there);
  void check_link(std::size_t index);
  void check_last();
  const SegmentLink* declared_by_successor(std::size_t index) const;

  const std::filesystem::path& directory_;
  const VerifyOptions& options_;
  const bool alive_;
  std::optional<SignedNote> since_;
  std::optional<CheckpointAudit> audit_;
  std::uint64_t first_ = 1;  // segment that must be there
  std::vector<Candidate> segments_;
  std::vector<std::uint64_t> gone_;  // listed, and not there when they were looked at
  std::map<SegmentId, std::uint64_t> seen_;
  TenantAudit tenants_;
  LogReport report_;
};

// What there is, or what comes from the segment on in which the last verification ended.
void Verifier::list() {
  for (ListedSegment& file : list_segments(directory_)) segments_.push_back({std::move(file), std::nullopt});
  if (segments_.empty()) throw std::runtime_error(directory_.string() + " holds no log segment");
  if (options_.since.empty()) return;
  since_ = last_note_in(options_.since);
  const auto checkpoint = parse_checkpoint(since_->text);
  if (!checkpoint) throw std::runtime_error(options_.since.string() + " holds no checkpoint");
  first_ = checkpoint->segment;
  report_.origin = checkpoint->origin;
  const auto before = [&](const Candidate& segment) { return segment.file.number < first_; };
  segments_.erase(std::remove_if(segments_.begin(), segments_.end(), before), segments_.end());
}

// Where segments went meanwhile: their tombstone was on disk first, perhaps in one that was begun after the list was
// made. Gives the index of the first that is new.
std::size_t Verifier::list_more() {
  const std::size_t known = segments_.size();
  const std::uint64_t last = known == 0 ? 0 : segments_.back().file.number;
  for (ListedSegment& file : list_segments(directory_)) {
    if (file.number > last) segments_.push_back({std::move(file), std::nullopt});
  }
  return known;
}

// A segment that goes at this moment is left out, as if it had not been listed: it is missing unless a tombstone covers
// it.
template <class Look>
void Verifier::look_at_each(std::size_t from, Look look) {
  for (std::size_t i = from; i < segments_.size();) {
    const std::size_t findings = report_.findings.size();
    if (look_at(segments_[i].file.path, [&] { look(i); })) {
      ++i;
      continue;
    }
    const std::uint64_t number = segments_[i].file.number;
    take_back(number, findings);
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(i));
    gone_.push_back(number);
  }
}

void Verifier::read_headers(std::size_t from) {
  look_at_each(from, [this](std::size_t index) { read_header(segments_[index]); });
}

void Verifier::check_segments(std::size_t from) {
  look_at_each(from, [this](std::size_t index) {
    Candidate& segment = segments_[index];
    const bool being_written = alive_ && index + 1 == segments_.size();
    const std::size_t findings = report_.findings.size();
    check_segment(index, being_written);
    for (unsigned i = 0; being_written && i < max_replacements && was_replaced(segment); ++i) {
      take_back(segment.file.number, findings);
      read_header(segment);
      check_segment(index, being_written);
    }
  });
}

void Verifier::check_segment(std::size_t index, bool being_written) {
  check_link(index);
  audit_segment({segments_[index].file, segments_[index].header, declared_by_successor(index), being_written},
                options_.holder, *audit_, tenants_, report_);
}

// What was said of a segment since there were so many findings: it has gone, or another has come in its place.
void Verifier::take_back(std::uint64_t number, std::size_t findings) {
  report_.findings.resize(findings);
  if (!report_.segments.empty() && report_.segments.back().number == number) report_.segments.pop_back();
  if (audit_) audit_->leave_out(number);
}

void Verifier::read_header(Candidate& segment) {
  const std::uint64_t number = segment.file.number;
  FileSource source(segment.file.path);
  FrameWalker walker(source);
  if (const auto problem = walker.open(); problem != HeaderProblem::none) {
    return find(FindingKind::unreadable, number, std::string(words(problem)));
  }
  segment.header = walker.header();
  const SegmentHeader& header = walker.header().header;
  if (report_.origin.empty()) report_.origin = header.origin;
  segment.in_place = header.number == number;
  if (!segment.in_place) {
    find(FindingKind::misplaced, number, "the file holds segment " + std::to_string(header.number));
  }
  if (header.origin != report_.origin) {
    segment.in_place = false;
    find(FindingKind::foreign, number, "it belongs to the log of \"" + header.origin + "\"");
  }
  const auto first = seen_.emplace(header.id, number);
  if (!first.second) {
    segment.in_place = false;
    find(FindingKind::duplicated, number, "the same as segment " + std::to_string(first.first->second));
  }
}

// Whose checkpoints count, and those that were kept elsewhere.
void Verifier::prepare_audit() {
  std::vector<NoteVerifier> signers = options_.signers;
  for (const Candidate& segment : segments_) {
    if (!options_.signers.empty() || !segment.in_place) continue;
    auto signer = signer_named_by(segment.header->header);
    const auto same = [&](const NoteVerifier& other) { return other.id() == signer->id(); };
    if (signer && std::none_of(signers.begin(), signers.end(), same)) signers.push_back(std::move(*signer));
  }
  for (const NoteVerifier& signer : signers) report_.signers.push_back(signer.text());
  report_.signers_named = !options_.signers.empty();
  audit_.emplace(report_.origin, std::move(signers),
                 [this](FindingKind kind, std::string said, const SegmentLink& at, std::uint64_t segment) {
                   if (at.bytes == 0) return find(kind, segment, std::move(said));
                   report_.find(kind, segment, std::move(said), at.frames, at.bytes);
                 });
  if (!options_.checkpoints.empty()) {
    for (const SignedNote& note : notes_in_directory(options_.checkpoints)) audit_->expect(note);
    if (!audit_->heard_of_it()) {
      throw std::runtime_error(options_.checkpoints.string() + " holds no checkpoint of \"" + report_.origin + "\"");
    }
  }
  if (since_) audit_->expect(*since_);
}

// Segments that the writer removed, by its own signed word.
void Verifier::check_removed() {
  const auto& tombstone = audit_->tombstone();
  if (!tombstone || tombstone->last < first_) return;
  find(FindingKind::removed, tombstone->last,
       "segments 1 to " + std::to_string(tombstone->last) + " were removed by " + tombstone->reason + " at " +
           tombstone->time + ", and a signed tombstone says so");
  first_ = tombstone->last + 1;
  for (const Candidate& segment : segments_) {
    if (!segment.in_place || segment.file.number != first_) continue;
    if (segment.header->header.previous.id != tombstone->last_id) {
      find(FindingKind::wrong_link, first_, "it does not follow the segment that the tombstone names");
    }
  }
  // Their remains, while the removal is under way or was cut short.
  auto& findings = report_.findings;
  const auto remains = [&](const Finding& f) { return f.kind == FindingKind::keys_missing && f.segment < first_; };
  findings.erase(std::remove_if(findings.begin(), findings.end(), remains), findings.end());
}

void Verifier::check_presence() {
  std::uint64_t next = std::max<std::uint64_t>(first_, 1);
  for (const Candidate& segment : segments_) {
    find_missing(next, segment.file.number);
    next = std::max(first_, segment.file.number + 1);
  }
  if (!gone_.empty()) find_missing(next, *std::max_element(gone_.begin(), gone_.end()) + 1);
}

// Segments from `next` on, up to the one that is there.
void Verifier::find_missing(std::uint64_t next, std::uint64_t there) {
  for (std::uint64_t missing = next; missing < there; ++missing) {
    if (missing == next + 2 && there - missing > 1) {  // a long run is said in one line
      return find(FindingKind::missing, there - 1, "so are all up to segment " + std::to_string(there - 1));
    }
    find(FindingKind::missing, missing, "the segment is not there");
  }
}

// How the header at `index` speaks of the segment before it.
void Verifier::check_link(std::size_t index) {
  const Candidate& segment = segments_[index];
  if (!segment.in_place) return;
  const std::uint64_t number = segment.file.number;
  const SegmentLink& link = segment.header->header.previous;
  if ((number == 1) != (link.end == PreviousEnd::none)) {
    return find(
        FindingKind::wrong_link, number,
        number == 1 ? "the first segment claims that one came before it" : "it claims to be the log's first segment");
  }
  if (index == 0 || segments_[index - 1].file.number + 1 != number || !segments_[index - 1].in_place) return;
  if (link.id != segments_[index - 1].header->header.id) {
    find(FindingKind::wrong_link, number,
         "it does not follow the segment " + std::to_string(number - 1) +
             " that is here: one of the two is not of this log");
  }
}

// Null: there is no successor, or it speaks of another segment (which check_link has said).
const SegmentLink* Verifier::declared_by_successor(std::size_t index) const {
  if (index + 1 == segments_.size()) return nullptr;
  const Candidate& successor = segments_[index + 1];
  if (!successor.in_place || successor.file.number != segments_[index].file.number + 1) return nullptr;
  const SegmentLink& link = successor.header->header.previous;
  return link.id == segments_[index].header->header.id ? &link : nullptr;
}

// A key block without its segment behind the last one: a crash just then, or a segment that was taken away. A gateway
// may have started since the log was listed, and makes the key block first.
void Verifier::check_last() {
  if (segments_.empty()) return;
  const std::uint64_t next = segments_.back().file.number + 1;
  const bool alone = std::filesystem::exists(directory_ / keys_name(next)) &&
                     !std::filesystem::exists(directory_ / segment_name(next));
  if (!alive_ && alone && !WriterLock::held(directory_)) {
    find(FindingKind::missing, next, "its key block is here, the segment is not");
  }
}

}  // namespace

LogReport verify_log(const std::filesystem::path& directory, const VerifyOptions& options) {
  return Verifier(directory, options).run();
}

}  // namespace sallyport::logging
