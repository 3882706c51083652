// The operator's listener: /healthz, /readyz, /metrics. Plain HTTP on an address of its own, never on the clients'.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "gateway/buffer_pool.hpp"
#include "gateway/config/config.hpp"
#include "tls/tcp_stream.hpp"

namespace sallyport::gateway {

class Admin {
 public:
  struct Answers {
    std::function<bool()> ready;
    std::function<std::string()> metrics;  // Prometheus' text format
  };

  // Binds at once; throws std::runtime_error naming the address. `loop` outlives this.
  Admin(const Address& address, tls::Loop& loop, Answers answers);
  ~Admin();  // on the loop's thread: ends the connections that are open

 private:
  struct Listener;
  void take_clients();
  core::Task<void> serve(tls::TcpStream& stream);

  tls::Loop& loop_;
  Answers answers_;
  BufferPool buffers_;
  std::list<tls::TcpStream> open_;
  std::unique_ptr<Listener> listener_;
};

}  // namespace sallyport::gateway
