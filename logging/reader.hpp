// The sealed log's reading side: exchanges in the order in which they ended, with a key that opens them. For commands
// and tests: it blocks, and what an operator must hear is said in words.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "envelope/key_holder.hpp"
#include "logging/frame_walker.hpp"
#include "logging/live_log.hpp"
#include "logging/reader_keys.hpp"

namespace sallyport::logging {

// Where a frame stands.
struct FramePlace {
  std::uint64_t segment = 0;  // number
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
  KeyNumber content = content_key;  // seals the bodies in it
};

struct Exchange {
  std::uint64_t number = 0;
  bool finished = true;            // false: its end is not in the log
  bool cut = false;                // pieces may be missing: not all from its beginning to its end could be read
  bool damaged = false;            // content may be missing or another's: a frame has other parts than belong in it
  std::uint64_t segment = 0;       // in which it ended, or was last seen
  std::string metadata;            // the record's JSON; of an unfinished one {"opened": time}
  std::vector<FramePlace> places;  // the frames that hold its content, in order
};

// An exchange stands in the log where it ended, so what started before a moment may stand this long behind it.
inline constexpr core::Duration longest_exchange = std::chrono::hours(24);

// Where reading starts and ends. Exchanges that began before the start are shown as cut.
struct ReadFrom {
  std::optional<core::WallTime> since;    // segments that hold nothing started later are passed over unread
  std::uint64_t segment = 0;              // segments of a lower number too
  std::optional<core::WallTime> until{};  // ends before the first segment that is younger by longest_exchange
};

// One log. Follows it as it grows: next() may be called again after nullopt.
class LogReader {
 public:
  using Tell = std::function<void(std::uint64_t segment, const std::string& words)>;

  // `tell` hears of each place that cannot be read, once; reading goes on behind it where that is possible. It also
  // hears of declared gaps, and of segments that the gateway removed meanwhile. Throws std::runtime_error when the
  // directory cannot be read or holds no segment.
  LogReader(std::filesystem::path directory, envelope::KeyHolder& holder, Tell tell, ReadFrom from = {});
  ~LogReader();
  void tell_to(Tell tell) { tell_ = std::move(tell); }  // from now on

  std::optional<Exchange> next();

  // Those that have begun and not ended, where next() stands.
  std::vector<Exchange> unfinished() const;

  // The tenant for whom some of its content is sealed, where this key does not open that; empty: there is none.
  std::string sealed_for(const Exchange& exchange);

  // A body's bytes, as far as the log has them: the exchange is cut when the segment of a piece has gone. nullopt when
  // a piece is not authentic, which makes the exchange damaged, or is sealed for another.
  std::optional<core::Bytes> content(Exchange& exchange, PartType body);

  // With a tenant's key alone: whose exchanges it shows, and how many of others it passed over so far.
  const std::set<std::string>& tenants() const noexcept { return keys_.tenants(); }
  std::uint64_t passed_over() const noexcept { return passed_over_; }

  std::uint64_t troubles() const noexcept { return troubles_; }  // places that could not be read
  std::uint64_t segments_opened() const noexcept { return opened_; }

 private:
  struct Open;
  bool advance();  // to the next segment that opens; false: there is none yet
  void list();
  std::optional<ListedSegment> following();  // the first segment behind the last one
  bool open(const ListedSegment& segment);
  enum class Past { no, yes, claimed };
  Past is_past_end(const ListedSegment& segment);
  bool over();  // the open segment gives no more frames, and another follows
  bool was_replaced() const;
  void forget(std::uint64_t segment);              // to read it again
  void check_end(const ListedSegment& successor);  // does the open segment end where its successor says?
  std::optional<Exchange> take_frame();
  bool is_for_this_key(const std::vector<PartView>& parts) const;
  std::optional<Exchange> take_exchange(const std::vector<PartView>& parts, bool fits);
  void take_piece(const std::vector<PartView>& parts, bool fits);
  bool is_any_authentic(const std::vector<PartView>& parts);
  void not_authentic();  // the walker's frame
  void count_forged();
  std::optional<std::string> text_of(const std::vector<PartView>& parts);
  bool is_of_its_tenant(const std::vector<PartView>& parts, const std::string& record) const;
  std::optional<core::Bytes> content_at(const FramePlace& place, PartType body);
  void miss(std::uint64_t first, std::uint64_t last);  // segments that are not there, or that are being removed
  void say(const std::vector<ReaderKeys::Trouble>& troubles);
  void trouble(std::uint64_t segment, std::string_view words);
  void hole(std::uint64_t segment, std::string_view words);  // trouble, and pieces of open exchanges may stand there

  std::filesystem::path directory_;
  ReaderKeys keys_;
  Tell tell_;
  ReadFrom from_;
  std::vector<ListedSegment> listed_;
  std::uint64_t newest_;  // segment of any listing
  Removals removals_;
  std::unique_ptr<Open> open_;
  std::uint64_t last_ = 0;                   // number of the segment that was opened, or passed over, last
  std::map<std::uint64_t, Exchange> begun_;  // by exchange
  std::unique_ptr<PartOpener> content_opener_;
  std::uint64_t content_segment_ = 0;  // which content_opener_ is for
  std::uint64_t troubles_ = 0, opened_ = 0, passed_over_ = 0;
  std::uint64_t doubtful_ = 0;  // the first segment that was passed over because it claims to be past the end
  bool hole_ = false;           // before the next frame
};

}  // namespace sallyport::logging
