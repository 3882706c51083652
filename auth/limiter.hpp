// Who may spend how much. Principal and expected tokens → Admission, held for as long as the exchange lasts and settled
// with what it really used. Thread-safe; lives across reloads, so a reload does not refill anybody.
//
// Requests and tokens a minute are token buckets that hold one minute's allowance. Tokens are reserved by estimate
// before the call, so that many calls at once cannot overshoot together. The allowance is the Principal's: when a
// reload changed it, the next admission already counts by the new one.
//
// Gateways that count together tell each other what was spent, from time to time, and go on with the common count;
// admission itself waits for nobody. What they admitted too much in between is owed, and holds all of them back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/principal.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace sallyport::auth {

class Limiter;

// What a client is told in x-ratelimit-* and retry-after.
struct Standing {
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  core::Duration reset{};  // until it is whole again
};
struct Standings {
  std::optional<Standing> requests;
  std::optional<Standing> tokens;
  core::Duration retry_after{};  // set on refusal
};

// The right to run one exchange. Returned when destroyed; unsettled, it costs what was asked. One thread at a time; may
// outlive the Limiter.
class Admission {
 public:
  Admission(Admission&&) noexcept;
  Admission& operator=(Admission&&) noexcept;
  ~Admission();

  // Replaces the estimate; once, later calls do nothing. What exceeds the estimate may leave a debt of a few minutes'
  // allowance (bucket.hpp), which refuses others until it is paid; what was not used is there again at once. Charged to
  // the moment of the principal's last admission.
  void settle(std::uint64_t tokens_used) noexcept;

 private:
  friend class Limiter;
  struct Account;
  Admission(std::shared_ptr<Account> account, std::uint64_t reserved);
  void release() noexcept;

  std::shared_ptr<Account> account_;  // null when moved from
  std::uint64_t reserved_ = 0;
  bool settled_ = false;
};

// What a principal spent and time has not brought back, in thousandths of a request or token.
struct Owed {
  std::int64_t requests = 0;
  std::int64_t tokens = 0;
};

// What it spent at this gateway since the last collect(). Tokens are negative when more was given back.
struct Spent {
  std::string principal;
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::int64_t requests = 0;
  std::int64_t tokens = 0;
  Owed before{};  // what this gateway knew besides, for a server that has forgotten
};

// Whether gateways count together: then each also notes what is spent, to tell the others.
enum class Counting : std::uint8_t { alone, together };

class Limiter {
 public:
  // Past this many accounts in a shard, those with nothing in use and nothing spent are forgotten; they would begin
  // anew with the same. Principals come from the configuration, so what remains is bounded by it.
  static constexpr std::size_t shard_count = 16;
  static constexpr std::size_t accounts_before_sweep = 256;

  explicit Limiter(Counting counting = Counting::alone);
  ~Limiter();

  // All or nothing: a refusal spends nothing. `expected_tokens` is an estimate: what the prompt holds and the most that
  // the answer may hold; 0 spends no tokens. One above the whole allowance is admitted when the bucket is full.
  // `standings` is filled either way, with this exchange counted when it is admitted.
  // Errors: requests_limited, tokens_limited, concurrency_limited.
  core::Result<Admission> admit(const Principal& who, std::uint64_t expected_tokens, core::TimePoint now,
                                Standings& standings);

  // For Counting::together, by one thread at a time. Those who asked or spent since the last call, or have a call
  // running. Each may be answered with one of the two below before the next; without, it counts as told.
  std::vector<Spent> collect(core::TimePoint now);
  // `owed` is that of all gateways together and includes `spent`. It replaces what this gateway knew, but for what was
  // spent here meanwhile.
  void adopt(const Spent& spent, const Owed& owed, core::TimePoint now);
  // Nobody heard of `spent`: it is collected again, less what time has brought back here. So what gathers while there
  // is nobody to tell stays as small as a bucket.
  void put_back(const Spent& spent, core::TimePoint now);

  std::size_t account_count() const;

 private:
  struct Shards;
  Counting counting_;
  std::unique_ptr<Shards> shards_;
};

}  // namespace sallyport::auth
