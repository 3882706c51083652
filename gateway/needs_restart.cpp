#include "gateway/needs_restart.hpp"

#include <algorithm>

namespace sallyport::gateway {

namespace {

bool same_listeners(const std::vector<Listener>& a, const std::vector<Listener>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Listener& x, const Listener& y) {
    return x.name == y.name && x.address == y.address && x.tls.has_value() == y.tls.has_value();
  });
}

bool same_log(const std::optional<LogConfig>& a, const std::optional<LogConfig>& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  if (a->signing_key != b->signing_key) return false;
  const auto& x = a->settings;
  const auto& y = b->settings;
  return x.directory == y.directory && x.origin == y.origin && x.durability == y.durability &&
         x.overload == y.overload && x.segment_bytes == y.segment_bytes && x.segment_age == y.segment_age &&
         x.flush_interval == y.flush_interval && x.queue_bytes == y.queue_bytes && x.stall_limit == y.stall_limit &&
         x.checkpoints.interval == y.checkpoints.interval && x.checkpoints.directory == y.checkpoints.directory &&
         x.checkpoints.command == y.checkpoints.command && x.retention.age == y.retention.age &&
         x.retention.bytes == y.retention.bytes;
}

}  // namespace

const char* needs_restart(const Config& running, const Config& wanted) {
  if (!same_listeners(running.listeners, wanted.listeners)) return "listeners";
  if (running.admin != wanted.admin) return "admin";
  if (running.workers != wanted.workers) return "workers";
  if (running.shared_limits.has_value() != wanted.shared_limits.has_value()) return "limits.shared";
  if (running.limits.body_memory_total != wanted.limits.body_memory_total) return "limits.body_memory_total";
  if (running.limits.body_disk_total != wanted.limits.body_disk_total) return "limits.body_disk_total";
  return same_log(running.log, wanted.log) ? nullptr : "log";
}

}  // namespace sallyport::gateway
