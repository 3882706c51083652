#include "auth/limiter.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "auth/bucket.hpp"

namespace sallyport::auth {
namespace {

using core::Reason;

// Nobody knows when a running exchange will end, so this is only a polite pause.
constexpr core::Duration concurrency_retry = std::chrono::seconds(1);

Standings standings_of(const Bucket& requests, const Bucket& tokens) noexcept {
  Standings standings;
  if (requests.limited()) standings.requests = requests.standing();
  if (tokens.limited()) standings.tokens = tokens.standing();
  return standings;
}

std::int64_t whole(std::int64_t thousandths) noexcept { return (thousandths + 999) / 1000; }  // rounded up

// Whether gateways count this allowance together; each gateway limits concurrent requests by itself.
bool is_limited_by_time(const Allowance& allowance) noexcept {
  return allowance.requests_per_minute != 0 || allowance.tokens_per_minute != 0;
}

}  // namespace

struct Admission::Account {
  std::mutex mutex;  // guards all below
  Bucket requests;
  Bucket tokens;
  std::uint32_t running = 0;
  std::int64_t requests_spent = 0;  // since the last collect()
  std::int64_t tokens_spent = 0;

  // Guarded by the shard's lock instead.
  bool listed = false;  // to be collected
  bool asked = false;   // since the last collect()

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

  // Names the first limit that refuses; the wait is long enough for both buckets.
  Verdict judge(const Allowance& allowance, std::uint64_t expected_tokens) const noexcept {
    const core::Duration requests_wait = requests.wait_for(1);
    const core::Duration tokens_wait = expected_tokens == 0 ? core::Duration::zero() : tokens.wait_for(expected_tokens);
    const core::Duration wait = std::max(requests_wait, tokens_wait);
    if (requests_wait > core::Duration::zero()) return {Reason::requests_limited, wait};
    if (tokens_wait > core::Duration::zero()) return {Reason::tokens_limited, wait};
    const bool busy = allowance.concurrent_requests != 0 && running >= allowance.concurrent_requests;
    return busy ? Verdict{Reason::concurrency_limited, concurrency_retry} : Verdict{};
  }

  // Gives the number of tokens that it reserved.
  std::uint64_t take(std::uint64_t expected_tokens) noexcept {
    ++running;
    requests_spent += static_cast<std::int64_t>(requests.take(1));
    return take_tokens(expected_tokens);
  }

  std::uint64_t take_tokens(std::uint64_t amount) noexcept {
    const std::uint64_t taken = tokens.take(amount);
    tokens_spent += static_cast<std::int64_t>(taken);
    return taken;
  }

  void correct(std::uint64_t reserved, std::uint64_t used) noexcept {
    const std::lock_guard lock(mutex);
    if (used > reserved) {
      take_tokens(used - reserved);
    } else {
      tokens.give_back(reserved - used);
      tokens_spent -= static_cast<std::int64_t>(reserved - used);
    }
  }

  bool has_spent() noexcept {
    const std::lock_guard lock(mutex);
    return requests_spent != 0 || tokens_spent != 0;
  }

  Spent collect(const std::string& id, core::TimePoint now) {
    const std::lock_guard lock(mutex);
    requests.refill(now);
    tokens.refill(now);
    const Owed before{.requests = std::max<std::int64_t>(requests.owed() - requests_spent * 1000, 0),
                      .tokens = std::max<std::int64_t>(tokens.owed() - tokens_spent * 1000, 0)};
    return Spent{.principal = id,
                 .requests_per_minute = requests.per_minute(),
                 .tokens_per_minute = tokens.per_minute(),
                 .requests = std::exchange(requests_spent, 0),
                 .tokens = std::exchange(tokens_spent, 0),
                 .before = before};
  }

  void adopt(const Owed& owed, core::TimePoint now) noexcept {
    const std::lock_guard lock(mutex);
    requests.refill(now);
    tokens.refill(now);
    requests.set_owed(owed.requests + requests_spent * 1000);
    tokens.set_owed(owed.tokens + tokens_spent * 1000);
  }

  // Clamped at 0: tokens that were given back and not shared are dropped, because time restores them anyway.
  void put_back(const Spent& spent, core::TimePoint now) noexcept {
    const std::lock_guard lock(mutex);
    requests.refill(now);
    tokens.refill(now);
    requests_spent = std::clamp<std::int64_t>(requests_spent + spent.requests, 0, whole(requests.owed()));
    tokens_spent = std::clamp<std::int64_t>(tokens_spent + spent.tokens, 0, whole(tokens.owed()));
  }

  void leave() noexcept {
    const std::lock_guard lock(mutex);
    --running;
  }

  // For an account that no Admission holds, so no call is running.
  bool like_new(core::TimePoint now) noexcept {
    const std::lock_guard lock(mutex);
    requests.refill(now);
    tokens.refill(now);
    return requests.whole() && tokens.whole();
  }
};

Admission::Admission(std::shared_ptr<Account> account, std::uint64_t reserved)
    : account_(std::move(account)), reserved_(reserved) {}

Admission::Admission(Admission&& other) noexcept = default;  // leaves other.account_ null

Admission& Admission::operator=(Admission&& other) noexcept {
  if (this == &other) return *this;
  release();
  account_ = std::move(other.account_);
  reserved_ = other.reserved_;
  settled_ = other.settled_;
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

// A shard's mutex guards its map, an account's mutex its counts. A thread that holds a shard's mutex may lock an
// account's, never the other way round.
struct Limiter::Shards {
  using Account = Admission::Account;

  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<Account>> accounts;
    std::vector<std::string> listed;  // ids
    std::size_t sweep_above = accounts_before_sweep;

    std::shared_ptr<Account> account(const std::string& id, bool to_be_collected, core::TimePoint now) {
      const std::lock_guard lock(mutex);
      std::shared_ptr<Account> account = find_or_make(id, now);
      if (!to_be_collected) return account;
      account->asked = true;
      if (!std::exchange(account->listed, true)) listed.push_back(id);
      return account;
    }

    std::shared_ptr<Account> find_or_make(const std::string& id, core::TimePoint now) {
      auto& account = accounts[id];
      if (account) return account;
      account = std::make_shared<Account>();
      const std::shared_ptr<Account> kept = account;
      if (accounts.size() > sweep_above) sweep(now);
      return kept;
    }

    // Under this mutex, an account that only the map holds stays so: other threads get accounts only from the map.
    void sweep(core::TimePoint now) {
      std::erase_if(accounts, [&](const auto& entry) {
        const auto& account = entry.second;
        return account.use_count() == 1 && !account->listed && account->like_new(now);
      });
      sweep_above = std::max(accounts_before_sweep, accounts.size() * 2);  // sweeping costs O(1) for each new account
    }

    void collect(std::vector<Spent>& all, core::TimePoint now) {
      const std::lock_guard lock(mutex);
      std::erase_if(listed, [&](const std::string& id) {
        const std::shared_ptr<Account>& account = accounts.at(id);
        const bool in_use = account.use_count() > 1;
        account->listed = std::exchange(account->asked, false) || in_use || account->has_spent();
        if (account->listed) all.push_back(account->collect(id, now));
        return !account->listed;
      });
    }

    // The account of a collected principal; null when it has been dropped since.
    std::shared_ptr<Account> find(const std::string& id) const {
      const std::lock_guard lock(mutex);
      const auto found = accounts.find(id);
      return found == accounts.end() ? nullptr : found->second;
    }
  };

  std::array<Shard, shard_count> shards;

  Shard& of(const std::string& id) noexcept { return shards[std::hash<std::string>{}(id) % shard_count]; }
};

Limiter::Limiter(Counting counting) : counting_(counting), shards_(std::make_unique<Shards>()) {}
Limiter::~Limiter() = default;

core::Result<Admission> Limiter::admit(const Principal& who, std::uint64_t expected_tokens, core::TimePoint now,
                                       Standings& standings) {
  const bool to_be_collected = counting_ == Counting::together && is_limited_by_time(who.allowance());
  std::shared_ptr<Admission::Account> account = shards_->of(who.id()).account(who.id(), to_be_collected, now);
  const std::lock_guard lock(account->mutex);
  account->update(who.allowance(), now);
  const auto verdict = account->judge(who.allowance(), expected_tokens);
  if (verdict.reason != Reason::none) {
    standings = standings_of(account->requests, account->tokens);
    standings.retry_after = verdict.retry_after;
    return core::Error(verdict.reason);
  }
  const std::uint64_t reserved = account->take(expected_tokens);
  standings = standings_of(account->requests, account->tokens);
  return Admission(std::move(account), reserved);
}

std::vector<Spent> Limiter::collect(core::TimePoint now) {
  std::vector<Spent> all;
  for (Shards::Shard& shard : shards_->shards) shard.collect(all, now);
  return all;
}

void Limiter::adopt(const Spent& spent, const Owed& owed, core::TimePoint now) {
  if (const auto account = shards_->of(spent.principal).find(spent.principal)) account->adopt(owed, now);
}

void Limiter::put_back(const Spent& spent, core::TimePoint now) {
  if (const auto account = shards_->of(spent.principal).find(spent.principal)) account->put_back(spent, now);
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
