// What clients do to a gateway, all at once and for as long as it lasts. Every answer is compared with what the model
// server says to that prompt (tests/model_server), so an answer that is taken for whole is the right one.
#pragma once

#include <map>
#include <set>

#include "tests/support/gateway_process.hpp"

namespace sallyport::tests::soak {

// The most words of an answer (`model_server --words`): of the models "fast" and "mortal", and of "paced".
inline constexpr std::size_t fast_words = 400, paced_words = 40;

// How often calls ended so, by what clients saw: the status of an answer that came whole, "cut" or "left".
using Endings = std::map<std::string, std::uint64_t>;

// Safe from every thread.
class Tally {
 public:
  void ended(const std::string& how);
  void wrong(const std::string& what);
  void connected(SSL* connection, bool tried_to_resume);

  Endings endings() const;
  std::uint64_t calls() const;
  Endings wrongs() const;                   // what must not be; of very many kinds, the first
  std::size_t certificates() const;         // of the gateway, that were seen
  std::pair<int, int> resumptions() const;  // tried, and taken

 private:
  mutable std::mutex mutex_;
  Endings endings_;
  Endings wrongs_;
  std::set<std::string> serials_;
  int tried_ = 0, resumed_ = 0;
};

class Traffic {
 public:
  // Begins. The gateway has the models fast, paced, mortal, failing, cutting and rekeying.
  explicit Traffic(const GatewayProcess& gateway);
  ~Traffic() { stop(); }

  void stop();          // each client ends the call that it is at
  void paced_stream();  // one call more, to its end

  const Tally& tally() const noexcept { return tally_; }

 private:
  const GatewayProcess& gateway_;
  Tally tally_;
  Signal stop_;
  std::vector<std::jthread> clients_;
};

}  // namespace sallyport::tests::soak
