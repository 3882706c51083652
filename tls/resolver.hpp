// Resolver: host names to addresses, for one worker. The system's resolver can take long and cannot be interrupted, so
// each lookup runs in a thread of its own: a slow name delays neither other names nor the end of the worker.
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
  // Looks one name up; may block. An empty vector: there is no such name. nullopt: no answer could be had now. It runs
  // in other threads, which may outlive the Resolver and main(), so it must own all that it uses.
  using Lookup = std::function<std::optional<Addresses>(const std::string& host)>;
  static std::optional<Addresses> ask_system(const std::string& host);

  // The age up to which addresses are used without a new lookup. After it a lookup starts, and callers wait for it for
  // `patience`; then they get the last addresses again, up to the age `stale` (as in RFC 8767 §5).
  static constexpr core::Duration fresh = std::chrono::seconds(5);
  static constexpr core::Duration patience = std::chrono::seconds(1);
  static constexpr core::Duration stale = std::chrono::hours(1);

  // `ready` and `wheel` must outlive it. Used on their thread only.
  Resolver(ReadySet& ready, core::TimerWheel& wheel, Lookup lookup = ask_system);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();  // destroys the coroutines that still wait in resolve()

  // The addresses of `host`, never none. At most one lookup of a name runs at a time; all callers share it, each until
  // its own deadline. `host` must live until completion. Errors: upstream_unresolved (there is no such name, or no
  // answer), upstream_connect_timeout, cancelled.
  core::Task<core::Result<Addresses>> resolve(const std::string& host, core::TimePoint deadline);

  // Every resolve() under way, and every later one, ends with Reason::cancelled.
  void cancel();

 private:
  struct Waiter {
    core::Result<Addresses> found;  // before an answer comes: the result if none does in time
    core::Event over;
  };
  struct Name {
    Addresses addresses;  // of the last answer
    core::TimePoint learned{};
    core::TimePoint asked{};  // when the lookup under way began
    bool looking = false;
    std::list<Waiter> waiters;
  };
  struct OwnerLink;  // leads a lookup's thread to the Resolver, or tells that it is gone

  Name& name_of(const std::string& host);
  bool known(const Name& name, core::Duration age) const;
  bool start(const std::string& host, Name& name);
  void answer(const std::string& host, std::optional<Addresses> found);
  static void wake(Name& name, const core::Result<Addresses>& found);

  ReadySet& ready_;
  core::TimerWheel& wheel_;
  const Lookup lookup_;
  std::shared_ptr<OwnerLink> link_;
  std::unordered_map<std::string, Name> names_;
  bool cancelled_ = false;
};

}  // namespace sallyport::tls
