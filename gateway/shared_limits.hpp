// Limits that several gateways share through Valkey or Redis. A thread of its own tells the server every interval what
// was spent here, and this gateway's buckets go on from its answer. No request waits for it: while the server cannot
// be reached, each gateway counts alone.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "auth/limiter.hpp"
#include "core/clock.hpp"
#include "gateway/config/config.hpp"
#include "gateway/operator_log.hpp"

namespace sallyport::gateway {

// How it goes, for metrics and the operator's log. Outlives reloads; read from any thread.
struct SharedLimitsStatus {
  std::atomic<bool> up{false};  // the last exchange succeeded
  std::atomic<std::uint64_t> exchanges{0};
  std::atomic<std::uint64_t> failures{0};
  std::string told = "not asked yet";  // what the operator heard last, empty when all is well; the thread's own
};

class SharedLimits {
 public:
  // Reads the certificates and the password, and makes the thread, which waits for start(). Throws std::runtime_error
  // naming the file and what is wrong with it.
  SharedLimits(const SharedLimitsConfig& config, auth::Limiter& limiter, const core::Clock& clock,
               OperatorLogger& operator_log, SharedLimitsStatus& status);
  ~SharedLimits();  // ends the thread; what it waits for is cut short
  SharedLimits(const SharedLimits&) = delete;
  SharedLimits& operator=(const SharedLimits&) = delete;

  // Neither the configuration nor a file that it names has changed. Looks at the files.
  bool is_for(const SharedLimitsConfig& config) const;

  void start() noexcept;  // once; no other of the same limiter may be counting

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sallyport::gateway
