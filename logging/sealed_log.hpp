// The sealed log's writing side: records and content in, encrypted segments out. The gateway can write it, not read it.
//
// Workers hand over entries; one writer thread seals and appends them (group commit). Thread-safe. Nothing here blocks
// a worker: what cannot be taken is refused (fail closed) or counted (overload: count).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"
#include "core/shared_bytes.hpp"
#include "envelope/recipient.hpp"
#include "logging/file_fault.hpp"
#include "logging/note_signer.hpp"
#include "logging/record.hpp"

namespace sallyport::logging {

enum class Durability : std::uint8_t { buffered, written, synced };
enum class Overload : std::uint8_t { refuse, count };

// Signed statements of how far the log goes. They are in the log itself and, with a directory or a command, in a second
// place, which nothing waits for.
struct CheckpointSettings {
  std::optional<NoteSigner> signer;                   // none: nothing is signed
  core::Duration interval = std::chrono::seconds(5);  // at the latest, also when nothing happens
  std::filesystem::path directory;                    // empty: none. Files there are only appended to
  std::vector<std::string> command{};  // a program and its arguments, which gets each on its input; empty: none
  core::Duration deadline = std::chrono::seconds(10);  // of a second place: then it has failed, and a program is killed
  core::Duration pause = std::chrono::seconds(2);      // after a failure of it
  std::vector<NoteVerifier> earlier{};                 // who signed here before; retention believes nobody else
};

// What is older, or more, than this is removed: whole segments, with a signed tombstone. Zero: no limit.
struct RetentionSettings {
  core::Duration age{};
  std::uint64_t bytes = 0;  // of all segments
  bool any() const noexcept { return age > core::Duration::zero() || bytes > 0; }
};

// Why retention removes nothing, though something may be due: it never signs for what it cannot be sure of.
struct RetentionFault {
  enum class Kind : std::uint32_t {
    none,
    missing,  // a segment is gone, and no tombstone says that it was removed
    altered,  // a segment is not the one that was written
    failed,   // the directory or a segment cannot be read, or something cannot be removed
  };
  Kind kind = Kind::none;
  std::uint32_t segment = 0;  // its number; 0: no single one
};
std::string_view name(RetentionFault::Kind kind) noexcept;

struct RetentionState {
  std::uint64_t looks = 0, errors = 0;  // that were made; after which nothing could be removed
  std::uint64_t removed = 0;            // segments
  RetentionFault fault;                 // of the last look
};

struct LogSettings {
  std::filesystem::path directory;
  std::string origin;  // this gateway's name in the log
  Durability durability = Durability::written;
  Overload overload = Overload::refuse;
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;
  core::Duration segment_age = std::chrono::minutes(5);            // counted from its first frame
  core::Duration flush_interval = std::chrono::milliseconds(200);  // buffered: at most this is lost on kill -9
  std::size_t queue_bytes = 64ull * 1024 * 1024;  // held in memory and waiting for the writer, all exchanges together
  core::Duration stall_limit = std::chrono::seconds(10);  // a write that takes longer: the disk counts as failed
  core::Duration retry_interval =
      std::chrono::milliseconds(500);  // after a failed write, until the next segment is tried
  CheckpointSettings checkpoints;
  RetentionSettings retention;  // only with a signer
};

// Of the directory, or the program, that takes the checkpoints.
struct SecondPlaceState {
  std::uint64_t taken = 0, errors = 0;  // checkpoints; tries that failed or took too long
  std::uint64_t dropped = 0;            // checkpoints that it will not get: too many waited
  std::uint64_t waiting = 0;            // checkpoints that it has not taken yet
  bool failing = false;                 // the last try failed, or hangs
  std::optional<core::WallTime> last;   // when the newest that it took was signed
  FileFault fault{};                    // of a directory, while it fails
};

// Whose content is sealed under a key of its own, and who opens that key.
struct Tenant {
  std::string name;
  std::vector<envelope::Recipient> recipients;
};

struct LogCounters {
  std::uint64_t records = 0;  // sealed and written
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;     // frames' bytes written
  std::uint64_t lost = 0;      // exchanges of which the record or some content is missing from the log
  std::uint64_t segments = 0;  // started
  std::uint64_t write_errors = 0;
  std::uint64_t checkpoints = 0;  // signed and on disk, also in the directory where there is one
  RetentionState retention;
  SecondPlaceState directory, command;  // for the checkpoints
  std::uint64_t queued_bytes = 0;       // held now
  std::uint64_t queued_records = 0;     // handed over and not in the log
  bool healthy = true;                  // false: a write failed, or hangs, and none has succeeded since
  FileFault fault;                      // the last one: why it is not healthy
  bool signs = false, has_directory = false, runs_command = false;
  bool closed = false;                            // it was ended, all is in it, and its last segment has its clean end
  std::optional<core::WallTime> last_checkpoint;  // when it was signed
};

class LogWriter;
class Storage;

// One exchange's place in the log. Reserved before any upstream call, so a promise exists before content moves.
// Used by one worker. Destroyed unfinished, it seals a record with Reason::internal.
class LogEntry {
 public:
  LogEntry(LogEntry&&) noexcept;
  LogEntry& operator=(LogEntry&&) noexcept;
  ~LogEntry();

  // True while content comes faster than the disk takes it: whoever brings more does well to wait a little, for the
  // writer works it off. False when the disk fails: then waiting would not help.
  bool should_wait() const noexcept;

  // Calls `told` once, as finish() calls its, when it is this one's turn to bring more: who waits is served in order,
  // and everybody once the disk fails. One that hangs tells nobody.
  void wait_for_room(std::function<void()> told);

  // Content, in the order it passes. The last piece of a request, and what is small of an answer, waits for the record
  // or for its lane's look; the rest is handed on as frames of its own.
  // Errors: log_unavailable, when the queue has no room for it and the policy is to refuse: finish() will say so too.
  core::Result<void> request_body(core::SharedBytes piece);  // at most 64 KiB; its memory is kept, not copied
  core::Result<void> response_body(core::ConstBytes piece);  // copied

  // The end. `sealed` is called once, when the record has reached the durability promised, or with log_unavailable when
  // it could not: from the writer's thread, or where the entry is a LogLane's from its worker's. With `buffered`, and
  // with Overload::count while the log fails, it is called at once, from this thread. It must neither block nor throw.
  // Overload::count never fails it: what is missing is counted. A record that failed here may still be written when the
  // disk works again.
  void finish(const Record& record, std::function<void(core::Result<void>)> sealed);

 private:
  friend class LogWriter;
  friend class LogLane;
  class State;
  explicit LogEntry(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class SealedLog {
 public:
  // Opens the directory (one writer at a time, by a lock file), starts a segment and the writer's thread.
  // Throws std::runtime_error with words for the operator.
  SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock,
            std::vector<Tenant> tenants = {});
  // The same on a storage of the caller's: a test's disk that fails.
  SealedLog(LogSettings settings, std::vector<envelope::Recipient> recipients, const core::Clock& clock,
            std::unique_ptr<Storage> storage, std::vector<Tenant> tenants = {});
  ~SealedLog();  // as end(), and waits for it

  // `tenant`: whose content it is; empty: the log's recipients read it. The tenant reads the record too. Where the
  // segment in which content is sealed has no key for the tenant, that content is dropped, and stated as lost: it is
  // never sealed under another key.
  // Errors: log_unavailable (policy refuse, and the writer cannot promise a record now). That exchange is counted as
  // lost: it is refused without a record.
  core::Result<LogEntry> open_entry(bool keep_content, std::string_view tenant = {});

  // From the next segment on, which starts at once. Throws std::invalid_argument for tenants past the format's limits.
  void set_recipients(std::vector<envelope::Recipient> recipients, std::vector<Tenant> tenants = {});

  // Has what is queued sealed and the segment ended cleanly; every LogEntry must be gone. Does not wait.
  void end();
  bool ended() const noexcept;    // after end(): nothing more is written. Then counters().closed
  bool removes() const noexcept;  // after ended(): the destructor would wait for retention's thread
  bool hangs() const noexcept;    // a write has taken longer than the stall_limit and goes on

  LogCounters counters() const noexcept;

 private:
  friend class LogLane;
  std::unique_ptr<LogWriter> writer_;
};

}  // namespace sallyport::logging
