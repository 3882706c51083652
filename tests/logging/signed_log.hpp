// A log with signed checkpoints, and the second place in which they are kept.
#pragma once

#include "tests/logging/log_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

inline const logging::NoteSigner& log_signer() {
  static const logging::NoteSigner signer("gateway-1", core::crypto::PrivateKey::generate_ed25519());
  return signer;
}

inline const logging::NoteSigner& other_signer() {
  static const logging::NoteSigner signer("gateway-1", core::crypto::PrivateKey::generate_ed25519());
  return signer;
}

// Segments of three exchanges each; ended cleanly. The frames of a segment: 0 checkpoint, 1 to 3 exchanges,
// 4 checkpoint, 5 end.
struct SignedLog {
  explicit SignedLog(const logging::NoteSigner& by = log_signer(), core::Duration apart = {}) : signer(by) {
    std::filesystem::create_directory(checkpoints);
    for (int run = 0; run < 4; ++run, clock.advance(apart)) write_segment("run-" + std::to_string(run));
  }

  logging::LogSettings settings() const {
    auto all = log_settings(log);
    all.checkpoints.signer = signer;
    all.checkpoints.directory = checkpoints;
    return all;
  }
  // So that a clock that the test turns makes nothing hang or rotate; a second place is tried again at once.
  logging::LogSettings patient() const {
    auto all = settings();
    all.stall_limit = all.segment_age = std::chrono::hours(24);
    all.checkpoints.pause = std::chrono::milliseconds(10);
    return all;
  }
  void write_segment(const std::string& name) {
    logging::SealedLog writer(settings(), {reader_key().recipient()}, clock);
    for (int i = 0; i < 3; ++i) REQUIRE(seal(writer, name + "-" + std::to_string(i), "prompt", "answer").has_value());
  }
  path segment(std::uint64_t number) const { return log / logging::segment_name(number); }
  path keys(std::uint64_t number) const { return log / logging::keys_name(number); }
  path kept(std::uint64_t number) const { return checkpoints / logging::checkpoints_name(number); }

  logging::VerifyOptions by_signer() const {
    logging::VerifyOptions options;
    options.signers = {signer.verifier()};
    return options;
  }
  using Names = std::vector<std::string>;
  Names findings(const logging::VerifyOptions& options) const {
    Names names;
    for (const auto& finding : logging::verify_log(log, options).findings) {
      names.push_back(std::string(logging::name(finding.kind)) + "@" + std::to_string(finding.segment));
    }
    return names;
  }
  // With the signer's public key; with the checkpoints kept elsewhere too; with nothing at all.
  Names signed_findings() const { return findings(by_signer()); }
  Names kept_findings() const {
    auto options = by_signer();
    options.checkpoints = checkpoints;
    return findings(options);
  }
  Names own_word_findings() const { return findings({}); }

  const logging::NoteSigner& signer;
  FakeClock clock;
  TemporaryDirectory directory;
  path log = directory / "log", checkpoints = directory / "checkpoints";
};

}  // namespace sallyport::tests
