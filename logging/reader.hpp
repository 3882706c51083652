// The sealed log's reading side: puts exchanges together from the frames that log_walker.hpp brings, in the order in
// which they ended. For commands and tests: it blocks, and what an operator must hear is said in words.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "envelope/key_holder.hpp"
#include "logging/log_walker.hpp"
#include "logging/reader_report.hpp"

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

// One log. Follows it as it grows: next() may be called again after nullopt.
class LogReader {
 public:
  using Tell = ReaderReport::Tell;

  // `tell` hears of each place that cannot be read, once; reading goes on behind it where that is possible. It also
  // hears of declared gaps, and of segments that the gateway removed meanwhile. Throws std::runtime_error when the
  // directory cannot be read or holds no segment.
  LogReader(std::filesystem::path directory, envelope::KeyHolder& holder, Tell tell, ReadFrom from = {});
  LogReader(const LogReader&) = delete;                          // its walker holds its report
  void tell_to(Tell tell) { report_.tell_to(std::move(tell)); }  // from now on

  std::optional<Exchange> next();

  // Those that have begun and not ended, where next() stands.
  std::vector<Exchange> unfinished() const;

  // The tenant for whom some of its content is sealed, where this key does not open that; empty: there is none.
  std::string sealed_for(const Exchange& exchange);

  // A body's bytes, as far as the log has them: the exchange is cut when the segment of a piece has gone. nullopt when
  // a piece is not authentic, which makes the exchange damaged, or is sealed for another.
  std::optional<core::Bytes> content(Exchange& exchange, PartType body);

  // With a tenant's key alone: whose exchanges it shows, and how many of others it passed over so far.
  const std::set<std::string>& tenants() const noexcept { return log_.keys().tenants(); }
  std::uint64_t passed_over() const noexcept { return passed_over_; }

  std::uint64_t troubles() const noexcept { return report_.troubles(); }  // places that could not be read
  std::uint64_t segments_opened() const noexcept { return log_.segments_opened(); }

 private:
  std::optional<Exchange> take_frame();
  std::optional<Exchange> take_exchange(const std::vector<PartView>& parts, bool fits);
  void take_piece(const std::vector<PartView>& parts, bool fits);
  void forget(std::uint64_t segment);  // what was read of it
  bool is_for_this_key(const std::vector<PartView>& parts) const;
  std::optional<std::string> text_of(const std::vector<PartView>& parts);
  bool is_any_authentic(const std::vector<PartView>& parts);
  void not_authentic();
  std::string this_frame(std::string_view words) const;
  std::optional<core::Bytes> content_at(const FramePlace& place, PartType body);

  ReaderReport report_;
  LogWalker log_;
  bool rejected_ = false;                    // the frame that is being taken
  std::map<std::uint64_t, Exchange> begun_;  // by exchange
  std::unique_ptr<PartOpener> content_opener_;
  std::uint64_t content_segment_ = 0;  // which content_opener_ is for
  std::uint64_t passed_over_ = 0;
};

}  // namespace sallyport::logging
