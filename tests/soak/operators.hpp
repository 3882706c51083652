// What the people around a gateway do: run model servers, keep copies of the log and verify it, replace certificates.
#pragma once

#include "tests/soak/traffic.hpp"
#include "tests/support/gateway_process.hpp"

namespace sallyport::tests::soak {

// tests/model_server as a process that can be killed, and comes back at the same address.
class ModelServer {
 public:
  ModelServer(int delay_ms, std::size_t words);  // between two events; of an answer at most

  std::string endpoint() const { return "https://127.0.0.1:" + std::to_string(port_); }
  bool running() const noexcept { return child_ != nullptr; }
  void kill();
  void start();  // throws when it cannot

 private:
  const int delay_ms_;
  const std::size_t words_;
  const TemporaryDirectory directory_;
  int starts_ = 0;
  std::uint16_t port_ = 0;
  std::unique_ptr<ChildProcess> child_;
};

// A signing key for checkpoints: signer.key and signer.vkey.
class SigningKey {
 public:
  SigningKey();
  path key() const { return directory_ / "signer.key"; }
  path verifier() const { return directory_ / "signer.vkey"; }

 private:
  const TemporaryDirectory directory_;
};

// Of `log verify`.
struct Verdict {
  std::vector<std::string> problems;  // also when it ended otherwise than a good one
  std::uint64_t records = 0, segments = 0;
  bool removed = false;  // some segments, by a tombstone's word
};

// Keeps what retention would remove, as hard links: segments are only appended to, and never after their end.
class LogKeeper {
 public:
  LogKeeper(const GatewayProcess& gateway, const SigningKey& signer) : gateway_(gateway), signer_(signer) {}

  void keep() const;
  Verdict verify_live() const { return verify(gateway_.log_directory()); }
  Verdict verify_kept() const { return verify(kept_.where()); }
  Endings endings() const;        // as the records in what was kept tell of them
  std::uint64_t decoded() const;  // records that `log cat --content` shows of it

 private:
  Verdict verify(const path& log) const;
  std::vector<std::string> cat() const;

  const GatewayProcess& gateway_;
  const SigningKey& signer_;
  const TemporaryDirectory kept_;
};

// New keys and certificates for both of the gateway's identities, under the names that the configuration has.
void replace_certificates();

}  // namespace sallyport::tests::soak
