// A signed log, caught in the moment in which retention removes segments of it.
#pragma once

#include "tests/logging/signed_log.hpp"
#include "tests/logging/tampering.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

// Four segments of which retention is about to remove the first two: the tombstone stands in the fifth, and they are
// there still.
struct DyingLog : SignedLog {
  DyingLog() : SignedLog(log_signer(), std::chrono::hours(1)) {
    std::vector<core::Bytes> kept;
    for (const std::uint64_t number : {1, 2}) kept.push_back(bytes_of_file(segment(number)));
    for (const std::uint64_t number : {1, 2}) kept.push_back(bytes_of_file(keys(number)));
    {
      auto keeping = settings();
      keeping.retention.age = std::chrono::minutes(90);
      logging::SealedLog writer(keeping, {reader_key().recipient()}, clock);
      REQUIRE(eventually([&] { return writer.counters().retention.removed == 2; }));
    }
    for (const std::uint64_t number : {1, 2}) write_bytes(segment(number), kept[number - 1]);
    for (const std::uint64_t number : {1, 2}) write_bytes(keys(number), kept[number + 1]);
  }
  void remove(std::initializer_list<std::uint64_t> numbers) const {
    for (const std::uint64_t number : numbers) fs::remove(keys(number)), fs::remove(segment(number));
  }
};

}  // namespace sallyport::tests
