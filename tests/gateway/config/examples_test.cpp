// configs/*.yaml and docs/configuration.md against the loader: nothing missing, nothing invented.
#include <cstdlib>

#include "core/crypto.hpp"
#include "gateway/config/load_config.hpp"
#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace sallyport::tests;

namespace {

Loaded load_example(const ConfigFolder& folder, const std::string& name) {
  for (const char* key : {"auditor.pub", "acme.pub"}) write_file(folder / key, a_recipient());
  const logging::NoteSigner earlier("gateway-1", core::crypto::PrivateKey::generate_ed25519());
  write_file(folder / "signer-1.vkey", earlier.verifier().text());
  ::setenv("SALLYPORT_RECIPIENT", a_recipient().c_str(), 1);
  return folder.load(read_file(path(SOURCE_DIR) / "configs" / name));
}

std::string missing(const std::set<std::string>& wanted, const std::set<std::string>& present) {
  std::string text;
  for (const std::string& key : wanted) {
    if (!present.contains(key)) text += key + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every example configuration loads") {
  for (const auto& entry : std::filesystem::directory_iterator(path(SOURCE_DIR) / "configs")) {
    const ConfigFolder folder;
    const auto loaded = load_example(folder, entry.path().filename());
    INFO(entry.path().filename().string() << ":\n" << problems_of(loaded));
    CHECK(loaded.usable());
  }
}

TEST_CASE("full.yaml has every key that is known") {
  const ConfigFolder folder;
  const auto loaded = load_example(folder, "full.yaml");
  CHECK(missing(loaded.known_keys, loaded.used_keys) == "");
  CHECK(loaded.known_keys.contains("listeners[].tls.certificates[].chain"));
  CHECK(loaded.known_keys.contains("certificates[].limits.tokens_per_minute"));
}

TEST_CASE("docs/configuration.md explains every key that is known") {
  const ConfigFolder folder;
  const auto loaded = load_example(folder, "full.yaml");
  const std::string page = read_file(path(SOURCE_DIR) / "docs" / "configuration.md");
  std::string unexplained;
  for (const std::string& key : loaded.known_keys) {
    if (page.find("| `" + key + "` |") == page.npos) unexplained += key + "\n";
  }
  CHECK(unexplained == "");
}

TEST_CASE("where full.yaml shows a default, it is the default") {
  const ConfigFolder folder;
  const auto loaded = load_example(folder, "full.yaml");
  REQUIRE(loaded.usable());
  const Config none;
  const Config& full = loaded.config;
  CHECK(full.workers == none.workers);
  CHECK(full.spool_directory == none.spool_directory);
  CHECK(full.operator_log.level == none.operator_log.level);
  CHECK(full.operator_log.format == none.operator_log.format);
  const Limits defaults;
  CHECK(full.limits.head.bytes == defaults.head.bytes);
  CHECK(full.limits.head.fields == defaults.head.fields);
  CHECK(full.limits.head.target_bytes == defaults.head.target_bytes);
  CHECK(full.limits.head.name_bytes == defaults.head.name_bytes);
  CHECK(full.limits.body_bytes == defaults.body_bytes);
  CHECK(full.limits.spool_memory == defaults.spool_memory);
  CHECK(full.limits.body_memory_total == defaults.body_memory_total);
  CHECK(full.limits.body_disk_total == defaults.body_disk_total);
  CHECK(full.limits.connections == defaults.connections);
  CHECK(full.limits.connections_per_address == defaults.connections_per_address);
  CHECK(full.limits.handshake == defaults.handshake);
  CHECK(full.limits.head_time == defaults.head_time);
  CHECK(full.limits.body_stall == defaults.body_stall);
  CHECK(full.limits.keep_alive_idle == defaults.keep_alive_idle);
  CHECK(full.limits.keep_alive_requests == defaults.keep_alive_requests);
  CHECK(full.limits.keep_alive_time == defaults.keep_alive_time);
  CHECK(full.limits.write_stall == defaults.write_stall);
  CHECK(full.limits.drain == defaults.drain);
  CHECK(full.limits.ready_delay == defaults.ready_delay);
  const SharedLimitsConfig shared;
  CHECK(full.shared_limits->interval == shared.interval);
  CHECK(full.shared_limits->prefix == shared.prefix);
  const routing::Upstream upstream;
  CHECK(full.upstreams[0].timeouts.connect == upstream.timeouts.connect);
  CHECK(full.upstreams[0].timeouts.first_byte == upstream.timeouts.first_byte);
  CHECK(full.upstreams[0].timeouts.idle == upstream.timeouts.idle);
  CHECK(full.upstreams[0].pool.connections == upstream.pool.connections);
  CHECK(full.upstreams[0].pool.idle == upstream.pool.idle);
  CHECK(full.upstreams[0].pool.idle_expiry == upstream.pool.idle_expiry);
  CHECK(full.upstreams[0].pool.lifetime == upstream.pool.lifetime);
  const logging::LogSettings log;
  CHECK(full.log->settings.durability == log.durability);
  CHECK(full.log->settings.overload == log.overload);
  CHECK(full.log->settings.segment_bytes == log.segment_bytes);
  CHECK(full.log->settings.segment_age == log.segment_age);
  CHECK(full.log->settings.flush_interval == log.flush_interval);
  CHECK(full.log->settings.queue_bytes == log.queue_bytes);
  CHECK(full.log->settings.stall_limit == log.stall_limit);
}
