// How many connections each client address has, over all workers together. Thread-safe.
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
  // One connection of an address; given back when destroyed. Must not outlive the AddressSlots.
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

  // Nothing when the address has `limit` already.
  std::optional<Slot> take(const std::string& address, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    const auto count = counts_.try_emplace(address).first;
    if (count->second >= limit) return std::nullopt;
    ++count->second;
    return Slot(*this, *count);
  }

 private:
  void give_back(Counts::value_type& count) {
    const std::lock_guard lock(mutex_);
    if (--count.second == 0) counts_.erase(counts_.find(count.first));
  }

  std::mutex mutex_;
  Counts counts_;
};

}  // namespace sallyport::gateway
