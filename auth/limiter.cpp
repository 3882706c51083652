#include "auth/limiter.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <unordered_map>

#include "auth/bucket.hpp"

namespace sallyport::auth {
namespace {

using core::Reason;

// When a running exchange will end is not known, so this is only a polite pause.
constexpr core::Duration concurrency_retry = std::chrono::seconds(1);

Standings standings_of(const Bucket& requests, const Bucket& tokens) noexcept {
  Standings standings;
  if (requests.limited()) standings.requests = requests.standing();
  if (tokens.limited()) standings.tokens = tokens.standing();
  return standings;
}

}  // namespace

struct Admission::Account {
  std::mutex mutex;  // guards all below
  Bucket requests;
  Bucket tokens;
  std::uint32_t running = 0;

  struct Verdict {
    Reason reason = Reason::none;
    core::Duration retry_after{};
  };

  void update(const Allowance& allowance, core::TimePoint now) noexcept {
    requests.set_allowance(allowance.requests_per_minute, now);
    tokens.set_allowance(allowance.tokens_per_minute, now);
    requests.refill(now);
    tokens.refill(now);
  }

  // The first limit that refuses is named; the wait is long enough for both buckets.
  Verdict judge(const Allowance& allowance, const Ask& ask) const noexcept {
    const core::Duration requests_wait = requests.wait_for(1);
    const core::Duration tokens_wait = ask.tokens == 0 ? core::Duration::zero() : tokens.wait_for(ask.tokens);
    const core::Duration wait = std::max(requests_wait, tokens_wait);
    if (requests_wait > core::Duration::zero()) return {Reason::requests_limited, wait};
    if (tokens_wait > core::Duration::zero()) return {Reason::tokens_limited, wait};
    const bool busy = allowance.concurrent_requests != 0 && running >= allowance.concurrent_requests;
    return busy ? Verdict{Reason::concurrency_limited, concurrency_retry} : Verdict{};
  }

  void correct(std::uint64_t reserved, std::uint64_t used) noexcept {
    const std::lock_guard lock(mutex);
    if (used > reserved) {
      tokens.take(used - reserved);
    } else {
      tokens.give_back(reserved - used);
    }
  }

  void leave() noexcept {
    const std::lock_guard lock(mutex);
    --running;
  }

  // For an account that no Admission holds, so nothing is running.
  bool like_new(core::TimePoint now) noexcept {
    const std::lock_guard lock(mutex);
    requests.refill(now);
    tokens.refill(now);
    return requests.whole() && tokens.whole();
  }
};

Admission::Admission(std::shared_ptr<Account> account, std::uint64_t reserved, Standings standings)
    : account_(std::move(account)), reserved_(reserved), standings_(standings) {}

Admission::Admission(Admission&& other) noexcept = default;  // leaves other.account_ null

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this == &other) return *this;
  release();
  account_ = std::move(other.account_);
  reserved_ = other.reserved_;
  settled_ = other.settled_;
  standings_ = other.standings_;
  return *this;
}

Admission::~Admission() { release(); }

void Admission::release() noexcept {
  if (account_) account_->leave();
  account_.reset();
}

void Admission::settle(std::uint64_t tokens_used) noexcept {
  if (!account_ || settled_) return;
  settled_ = true;
  account_->correct(reserved_, tokens_used);
}

// A shard's lock is held to find an account, an account's to count; the second is also taken within the first, never
// the other way round.
struct Limiter::Shards {
  using Account = Admission::Account;

  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<Account>> accounts;
    std::size_t sweep_above = accounts_before_sweep;

    std::shared_ptr<Account> account(const std::string& id, core::TimePoint now) {
      const std::lock_guard lock(mutex);
      auto& account = accounts[id];
      if (account) return account;
      account = std::make_shared<Account>();
      const std::shared_ptr<Account> kept = account;
      if (accounts.size() > sweep_above) sweep(now);
      return kept;
    }

    // Another thread gets hold of an account only through this map, so one that nobody else holds stays so.
    void sweep(core::TimePoint now) {
      std::erase_if(accounts,
                    [&](const auto& entry) { return entry.second.use_count() == 1 && entry.second->like_new(now); });
      sweep_above = std::max(accounts_before_sweep, accounts.size() * 2);  // keeps the cost of sweeping constant each
    }
  };

  std::array<Shard, shard_count> shards;

  Shard& of(const std::string& id) noexcept { return shards[std::hash<std::string>{}(id) % shard_count]; }
};

Limiter::Limiter() : shards_(std::make_unique<Shards>()) {}
Limiter::~Limiter() = default;

core::Result<Admission> Limiter::admit(const Principal& who, const Ask& ask, core::TimePoint now,
                                       Standings& standings) {
  std::shared_ptr<Admission::Account> account = shards_->of(who.id()).account(who.id(), now);
  const std::lock_guard lock(account->mutex);
  account->update(who.allowance(), now);
  const auto verdict = account->judge(who.allowance(), ask);
  if (verdict.reason != Reason::none) {
    standings = standings_of(account->requests, account->tokens);
    standings.retry_after = verdict.retry_after;
    return core::Error(verdict.reason);
  }
  account->requests.take(1);
  const std::uint64_t reserved = account->tokens.take(ask.tokens);
  ++account->running;
  standings = standings_of(account->requests, account->tokens);
  return Admission(std::move(account), reserved, standings);
}

std::size_t Limiter::account_count() const {
  std::size_t count = 0;
  for (const Shards::Shard& shard : shards_->shards) {
    const std::lock_guard lock(shard.mutex);
    count += shard.accounts.size();
  }
  return count;
}

}  // namespace sallyport::auth
