// One HTTPS server, asked one thing at a time, for commands: it blocks, which no worker may.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "envelope/vault.hpp"
#include "tls/identity.hpp"

namespace sallyport::gateway {

class HttpsClient {
 public:
  static constexpr std::size_t answer_limit = 2 * 1024 * 1024;  // head and body
  static constexpr std::chrono::milliseconds usual_deadline{30'000};

  // Throws std::runtime_error when the files of `trust` cannot be used.
  HttpsClient(std::string host, std::uint16_t port, const tls::ClientSettings& trust,
              std::chrono::milliseconds deadline = usual_deadline);
  ~HttpsClient();

  // On a connection of its own; a TLS session is resumed. Nothing is tried twice, no redirection is followed.
  // Errors: those of tls::connect, timeout, upstream_malformed, upstream_truncated, body_too_large, io_failed.
  core::Result<envelope::HttpsResponse> fetch(const envelope::HttpsRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::gateway
