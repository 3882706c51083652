// Host names → addresses, for one worker. The system's resolver can take long and cannot be interrupted, so each lookup
// runs in a thread of its own: a name that is slow to resolve keeps no other name waiting, and no worker from ending.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "core/task.hpp"
#include "core/timer_wheel.hpp"
#include "tls/ready_set.hpp"

namespace sallyport::tls {

class Resolver {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  // Blocks. Empty: there is no such name. Nothing: no answer could be had now. Called in other threads, which may
  // outlive the Resolver and main(): it must own, or be able to do without, what it touches.
  using Lookup = std::function<std::optional<Addresses>(const std::string& host)>;
  static std::optional<Addresses> ask_system(const std::string& host);

  // How long an answer is used without a lookup; how long a newer lookup is then waited for before the last addresses
  // are used again; and for how long these may be (RFC 8767 §5 does the last two alike).
  static constexpr core::Duration fresh = std::chrono::seconds(5);
  static constexpr core::Duration patience = std::chrono::seconds(1);
  static constexpr core::Duration stale = std::chrono::hours(1);

  // Both must outlive it; it is used on their thread alone.
  Resolver(ReadySet& ready, core::TimerWheel& wheel, Lookup lookup = ask_system);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();  // coroutines that still wait are destroyed where they are

  // At most one lookup of a name is under way; all who ask meanwhile share it, each until its own deadline. `host` must
  // live until completion. Errors: upstream_unresolved, upstream_connect_timeout, cancelled.
  core::Task<core::Result<Addresses>> resolve(const std::string& host, core::TimePoint deadline);

  // All who wait, and all who ask from now on, get `cancelled`.
  void cancel();

 private:
  struct Waiter {
    core::Result<Addresses> found;  // what it gets when its time is over
    core::Event over;
  };
  struct Name {
    Addresses addresses;  // the last known
    core::TimePoint learned{};
    core::TimePoint asked{};  // when the lookup under way began
    bool looking = false;
    std::list<Waiter> waiters;
  };
  struct Door;  // what a lookup's thread may still touch when the Resolver is gone

  Name& name_of(const std::string& host);
  bool known(const Name& name, core::Duration age) const;
  bool start(const std::string& host, Name& name);
  void answer(const std::string& host, std::optional<Addresses> found);
  static void wake(Name& name, const core::Result<Addresses>& found);

  ReadySet& ready_;
  core::TimerWheel& wheel_;
  const Lookup lookup_;
  std::shared_ptr<Door> door_;
  std::unordered_map<std::string, Name> names_;
  bool cancelled_ = false;
};

}  // namespace sallyport::tls
