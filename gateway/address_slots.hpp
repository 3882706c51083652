// How many connections each client has, over all workers together. Thread-safe.
//
// A client is an IPv4 address, mapped into IPv6 or not, or the /64 that an IPv6 address is in: the lower 64 bits are
// its own to choose (RFC 4291 section 2.5.4).
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace sallyport::gateway {

class AddressSlots {
  using Counts = std::unordered_map<std::string, std::size_t>;

 public:
  // One connection of a client; given back when destroyed. Must not outlive the AddressSlots.
  class Slot {
   public:
    Slot(Slot&& from) noexcept : home_(std::exchange(from.home_, nullptr)), count_(from.count_) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (home_ != nullptr) home_->give_back(*count_);
    }

   private:
    friend class AddressSlots;
    Slot(AddressSlots& home, Counts::value_type& count) : home_(&home), count_(&count) {}
    AddressSlots* home_;
    Counts::value_type* count_;  // stays where it is while it counts a slot
  };

  // Nothing when the client with that address, as text, has `limit` already.
  std::optional<Slot> take(const std::string& address, std::size_t limit);

 private:
  void give_back(Counts::value_type& count);

  std::mutex mutex_;
  Counts counts_;
};

}  // namespace sallyport::gateway
