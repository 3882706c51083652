// Limiter: decides whether a principal may make one more call. admit() gives an Admission, which is held while the
// exchange lasts and settled with the tokens that it really used. Thread-safe. It lives across reloads, so that a
// reload does not refill any allowance.
//
// Requests and tokens per minute are token buckets that hold one minute's allowance. Tokens are reserved by estimate
// before the call, so that many concurrent calls cannot exceed the limit together. The allowance is the Principal's:
// after a reload changed it, the next admission already uses the new one.
//
// Gateways that count together exchange what was spent from time to time and continue with the common count; an
// admission never waits for another gateway. When they admit too much in between, the excess is a debt that holds all
// of them back.
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
  core::Duration reset{};  // until the whole allowance is available again
};
struct Standings {
  std::optional<Standing> requests;
  std::optional<Standing> tokens;
  core::Duration retry_after{};  // set by a refusal
};

// The right to run one exchange. The destructor ends it; without settle() it costs what was reserved. Used by one
// thread at a time. May outlive the Limiter.
class Admission {
 public:
  Admission(Admission&&) noexcept;
  Admission& operator=(Admission&&) noexcept;
  ~Admission();

  // Replaces the estimate. Only the first call counts. Use above the estimate may leave a debt of a few minutes'
  // allowance (bucket.hpp), and the principal's calls are refused until time has paid it; unused tokens are available
  // again at once. The bucket is not refilled here: it stands as of the principal's last admission (or collect(),
  // adopt() or put_back()).
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

// What a principal spent and time has not restored yet, in thousandths of a request or token.
struct Owed {
  std::int64_t requests = 0;
  std::int64_t tokens = 0;
};

// What a principal spent at this gateway since the last collect(). Tokens are negative when more was given back.
struct Spent {
  std::string principal;
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::int64_t requests = 0;
  std::int64_t tokens = 0;
  Owed before{};  // what this gateway counted before that, for a shared server that has lost its count
};

// Whether gateways count together. If so, each also notes what is spent, to tell the others.
enum class Counting : std::uint8_t { alone, together };

class Limiter {
 public:
  // Above this number of accounts in a shard, accounts with full buckets and no running call are dropped; a new account
  // would be the same. Principals come from the configuration, which so bounds the accounts that remain.
  static constexpr std::size_t shard_count = 16;
  static constexpr std::size_t accounts_before_sweep = 256;

  explicit Limiter(Counting counting = Counting::alone);
  ~Limiter();

  // All or nothing: a refusal spends nothing. `expected_tokens` is the estimate to reserve: the tokens of the prompt
  // and the most that the answer may have. With 0 the token limit does not refuse the call. An estimate above the whole
  // allowance is admitted when the bucket is full. `standings` is filled in both cases, with this exchange counted when
  // it is admitted. Errors: requests_limited, tokens_limited, concurrency_limited.
  core::Result<Admission> admit(const Principal& who, std::uint64_t expected_tokens, core::TimePoint now,
                                Standings& standings);

  // For Counting::together; these three are called by one thread at a time. Gives the principals that asked or spent
  // since the last call, or have a call running. Before the next collect(), each may be answered with adopt() or
  // put_back(); without an answer it counts as shared.
  std::vector<Spent> collect(core::TimePoint now);
  // `owed` is the count of all gateways and includes `spent`. It replaces this gateway's count, except for what was
  // spent here since collect().
  void adopt(const Spent& spent, const Owed& owed, core::TimePoint now);
  // `spent` could not be shared. The next collect() gives it again, less what time has restored here, so that an
  // unshared amount never grows beyond what the bucket lacks.
  void put_back(const Spent& spent, core::TimePoint now);

  std::size_t account_count() const;

 private:
  struct Shards;
  Counting counting_;
  std::unique_ptr<Shards> shards_;
};

}  // namespace sallyport::auth
