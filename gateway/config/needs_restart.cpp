#include "gateway/config/needs_restart.hpp"

#include <algorithm>

namespace sallyport::gateway {

namespace {

bool same_listeners(const std::vector<Listener>& a, const std::vector<Listener>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Listener& x, const Listener& y) {
    return x.name == y.name && x.address == y.address && x.tls.has_value() == y.tls.has_value();
  });
}

bool same_signers(const std::vector<logging::NoteVerifier>& a, const std::vector<logging::NoteVerifier>& b) {
  return std::ranges::equal(a, b, {}, &logging::NoteVerifier::text, &logging::NoteVerifier::text);
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
         x.checkpoints.command == y.checkpoints.command && same_signers(x.checkpoints.earlier, y.checkpoints.earlier) &&
         x.retention.age == y.retention.age && x.retention.bytes == y.retention.bytes;
}

}  // namespace

std::string needs_restart(const Config& running, const Config& wanted) {
  std::string sections;
  const auto compare = [&](bool same, const char* section) {
    if (!same) sections.append(sections.empty() ? "" : ", ").append(section);
  };
  const Limits &limits = running.limits, &others = wanted.limits;
  compare(same_listeners(running.listeners, wanted.listeners), "listeners");
  compare(running.admin == wanted.admin, "admin");
  compare(running.workers == wanted.workers, "workers");
  compare(running.shared_limits.has_value() == wanted.shared_limits.has_value(), "limits.shared");
  compare(limits.body_memory_total == others.body_memory_total, "limits.body_memory_total");
  compare(limits.body_disk_total == others.body_disk_total, "limits.body_disk_total");
  compare(same_log(running.log, wanted.log), "log");
  return sections;
}

}  // namespace sallyport::gateway
