#include "tls/resolver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace sallyport::tls {

using core::Error;
using core::Reason;
using core::Result;
using core::Task;

struct Resolver::OwnerLink {
  std::mutex mutex;
  Resolver* owner;  // set on the Resolver's own thread, under the mutex; null when the Resolver is gone
};

std::optional<Resolver::Addresses> Resolver::ask_system(const std::string& host) {
  using boost::asio::ip::tcp;
  boost::asio::io_context unused;
  boost::system::error_code error;
  const auto found = tcp::resolver(unused).resolve(host, "", error);
  if (error == boost::asio::error::host_not_found) return Addresses();
  if (error) return std::nullopt;
  Addresses addresses;
  for (const auto& each : found) addresses.push_back(each.endpoint().address());
  return addresses;
}

Resolver::Resolver(ReadySet& ready, core::TimerWheel& wheel, Lookup lookup)
    : ready_(ready), wheel_(wheel), lookup_(std::move(lookup)), link_(std::make_shared<OwnerLink>()) {
  link_->owner = this;
}

Resolver::~Resolver() {
  const std::lock_guard lock(link_->mutex);
  link_->owner = nullptr;
}

Task<Result<Resolver::Addresses>> Resolver::resolve(const std::string& host, core::TimePoint deadline) {
  if (cancelled_) co_return Error(Reason::cancelled);
  Name& name = name_of(host);
  if (known(name, fresh)) co_return name.addresses;
  if (!name.looking && !start(host, name)) co_return Error(Reason::upstream_unresolved);

  Result<Addresses> otherwise = Error(Reason::upstream_connect_timeout);
  core::TimePoint until = deadline;
  if (known(name, stale)) {
    otherwise = name.addresses;
    until = std::min(deadline, name.asked + patience);
  }
  if (until <= wheel_.now()) co_return otherwise;
  const auto waiter = name.waiters.emplace(name.waiters.end());
  waiter->found = std::move(otherwise);
  core::TimerWheel::Timer timer(wheel_, [&waiter] { waiter->over.set(); });
  timer.set(until);
  co_await waiter->over.wait();
  auto found = std::move(waiter->found);
  name.waiters.erase(waiter);
  co_return found;
}

void Resolver::cancel() {
  cancelled_ = true;
  for (auto& [host, name] : names_) wake(name, Error(Reason::cancelled));
}

// Names come from the configuration and are few. A new name removes those with no addresses that can still be used and
// no caller, such as a reload leaves behind.
Resolver::Name& Resolver::name_of(const std::string& host) {
  if (const auto found = names_.find(host); found != names_.end()) return found->second;
  std::erase_if(names_, [this](const auto& entry) {
    const Name& name = entry.second;
    return !name.looking && name.waiters.empty() && !known(name, stale);
  });
  return names_[host];
}

bool Resolver::known(const Name& name, core::Duration age) const {
  return !name.addresses.empty() && wheel_.now() < name.learned + age;
}

// False when no thread can be started.
bool Resolver::start(const std::string& host, Name& name) {
  const auto look_up = [link = link_, lookup = lookup_, host, &ready = ready_] {
    auto found = lookup(host);
    const std::lock_guard lock(link->mutex);
    if (link->owner == nullptr) return;
    ready.post([link, host, found = std::move(found)] {
      if (link->owner != nullptr) link->owner->answer(host, found);
    });
  };
  try {
    // Detached, because getaddrinfo cannot be interrupted. The link says whether the answer is still wanted.
    std::thread(look_up).detach();
  } catch (const std::system_error&) {
    return false;
  }
  name.looking = true;
  name.asked = wheel_.now();
  return true;
}

void Resolver::answer(const std::string& host, std::optional<Addresses> found) {
  Name& name = names_[host];
  name.looking = false;
  if (found) {
    name.addresses = *std::move(found);
    name.learned = wheel_.now();
  }
  // When there is no answer now, the last addresses stay in use.
  if (known(name, stale)) return wake(name, name.addresses);
  wake(name, Error(Reason::upstream_unresolved));
}

// A waiter that wakes removes itself from the list and may append itself again, so only as many as now wait are woken.
void Resolver::wake(Name& name, const Result<Addresses>& found) {
  for (auto& waiter : name.waiters) waiter.found = found;
  for (std::size_t left = name.waiters.size(); left > 0; --left) name.waiters.front().over.set();
}

}  // namespace sallyport::tls
