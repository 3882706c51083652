#include "gateway/upstream_watch.hpp"

#include <system_error>

namespace sallyport::gateway {

using core::Reason;

void UpstreamWatch::dialled(const routing::Upstream& upstream, const routing::Endpoint& endpoint, core::Error outcome) {
  if (outcome.reason == Reason::cancelled) return;
  const std::string where = endpoint.text();
  const std::string key = upstream.name + ' ' + where;
  const std::lock_guard guard(mutex_);
  if (outcome.reason == Reason::none) {
    if (failing_.erase(key) == 0) return;
    return tell_(LogLevel::info, "upstream_works", {{"upstream", upstream.name}, {"endpoint", where}});
  }
  const auto [known, fresh] = failing_.try_emplace(key, outcome.reason);
  if (!fresh && known->second == outcome.reason) return;
  known->second = outcome.reason;
  std::string why(name(outcome.reason));
  if (outcome.os_code != 0) why += ": " + std::generic_category().message(outcome.os_code);
  tell_(LogLevel::error, "upstream_fails", {{"upstream", upstream.name}, {"endpoint", where}, {"reason", why}});
}

void UpstreamWatch::forget() {
  const std::lock_guard guard(mutex_);
  failing_.clear();
}

}  // namespace sallyport::gateway
