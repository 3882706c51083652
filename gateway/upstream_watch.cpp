#include "gateway/upstream_watch.hpp"

#include <system_error>

namespace sallyport::gateway {

using core::Reason;

bool UpstreamWatch::is_news(const std::string& key, Reason reason, core::TimePoint now) {
  const std::lock_guard guard(mutex_);
  Told& told = told_[key];
  if (told.reason == reason) return false;
  if (reason != Reason::none) {
    if (now < told.failed_at + failure_interval) return false;
    told.failed_at = now;
  }
  told.reason = reason;
  return true;
}

void UpstreamWatch::dialled(const routing::Upstream& upstream, const routing::Endpoint& endpoint, core::Error outcome,
                            core::TimePoint now) {
  if (outcome.reason == Reason::cancelled) return;
  const std::string where = endpoint.text();
  if (!is_news(upstream.name + ' ' + where, outcome.reason, now)) return;
  if (outcome.reason == Reason::none) {
    return tell_(LogLevel::info, "upstream_works", {{"upstream", upstream.name}, {"endpoint", where}});
  }
  std::string why(name(outcome.reason));
  if (outcome.os_code != 0) why += ": " + std::generic_category().message(outcome.os_code);
  tell_(LogLevel::error, "upstream_fails", {{"upstream", upstream.name}, {"endpoint", where}, {"reason", why}});
}

void UpstreamWatch::forget() {
  const std::lock_guard guard(mutex_);
  told_.clear();
}

}  // namespace sallyport::gateway
