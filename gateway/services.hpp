// What all workers share. Each member says in its own header that it is safe from every thread; nothing else is shared.
#pragma once

#include <cstdint>
#include <memory>

#include "auth/limiter.hpp"
#include "core/clock.hpp"
#include "gateway/address_slots.hpp"
#include "gateway/metrics.hpp"
#include "gateway/operator_log.hpp"
#include "gateway/request_body.hpp"
#include "gateway/snapshot.hpp"
#include "gateway/upstream_watch.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::gateway {

struct Services {
  const core::Clock& clock;
  Metrics& metrics;
  OperatorLogger& operator_log;
  auth::Limiter& limiter;
  BodyBudgets bodies;
  AddressSlots& address_slots;
  UpstreamWatch& upstream_watch;
  std::size_t connections = SIZE_MAX;  // of clients, for which the process has descriptors
  logging::SealedLog* log = nullptr;   // null where the configuration says `log: off`
};

}  // namespace sallyport::gateway
