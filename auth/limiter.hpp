// Who may spend how much. Principal + Ask → Admission, held for as long as the exchange lasts and settled with what it
// really used. Thread-safe; lives across reloads, so a reload does not refill anybody.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

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

// The right to run one exchange. Returned when destroyed; unsettled, it costs what was asked.
class Admission {
 public:
  Admission(Admission&&) noexcept;
  Admission& operator=(Admission&&) noexcept;
  ~Admission();
  void settle(std::uint64_t tokens_used) noexcept;  // replaces the estimate; once
  const Standings& standings() const noexcept { return standings_; }

 private:
  friend class Limiter;
  struct Account;
  Admission(std::shared_ptr<Account> account, std::uint64_t reserved, Standings standings);
  std::shared_ptr<Account> account_;
  std::uint64_t reserved_ = 0;
  Standings standings_;
};

struct Ask {
  std::uint64_t tokens = 0;  // estimate before the call: prompt bytes / 4 + the most it may answer
};

class Limiter {
 public:
  Limiter();
  ~Limiter();
  // Errors: requests_limited, tokens_limited, concurrency_limited; `standings` is filled either way.
  core::Result<Admission> admit(const Principal& who, const Ask& ask, core::TimePoint now, Standings& standings);

 private:
  struct Shards;
  std::unique_ptr<Shards> shards_;
};

}  // namespace sallyport::auth
