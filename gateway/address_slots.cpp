#include "gateway/address_slots.hpp"

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>

namespace sallyport::gateway {

namespace {

using boost::asio::ip::address_v6;

constexpr std::size_t network_size = 8;  // of 16 bytes

std::string client_of(const std::string& address) {
  boost::system::error_code is_ipv4;
  const address_v6 ipv6 = boost::asio::ip::make_address_v6(address, is_ipv4);
  if (is_ipv4) return address;
  if (ipv6.is_v4_mapped()) return make_address_v4(boost::asio::ip::v4_mapped, ipv6).to_string();
  address_v6::bytes_type network = ipv6.to_bytes();
  std::fill(network.begin() + network_size, network.end(), 0);
  return address_v6(network).to_string();
}

}  // namespace

std::optional<AddressSlots::Slot> AddressSlots::take(const std::string& address, std::size_t limit) {
  const std::string client = client_of(address);
  const std::lock_guard lock(mutex_);
  const auto count = counts_.try_emplace(client).first;
  if (count->second >= limit) return std::nullopt;
  ++count->second;
  return Slot(*this, *count);
}

void AddressSlots::give_back(Counts::value_type& count) {
  const std::lock_guard lock(mutex_);
  if (--count.second == 0) counts_.erase(counts_.find(count.first));
}

}  // namespace sallyport::gateway
