// One HTTP server, asked one thing at a time, for commands: it blocks, which no worker may.
#pragma once

#include <memory>
#include <string>

#include "core/clock.hpp"
#include "envelope/vault.hpp"
#include "tls/identity.hpp"

namespace sallyport::gateway {

class HttpClient {
 public:
  static constexpr core::Duration usual_patience = std::chrono::seconds(30);
  static constexpr std::size_t usual_answer_limit = 2 << 20;

  // `trust` null: plain HTTP. No fetch lasts longer than `patience`, nor takes head and body of more than
  // `answer_limit`. Throws std::runtime_error when the files of `trust` cannot be used.
  HttpClient(std::string host, std::uint16_t port, const tls::ClientSettings* trust,
             core::Duration patience = usual_patience, std::size_t answer_limit = usual_answer_limit);
  ~HttpClient();

  // On a connection of its own; a TLS session is resumed. Nothing is tried twice, no redirection is followed.
  // Errors: those of tls::connect, timeout, upstream_malformed, upstream_truncated, body_too_large, io_failed.
  core::Result<envelope::HttpResponse> fetch(const envelope::HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::gateway
