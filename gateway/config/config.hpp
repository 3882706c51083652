// The configuration as typed, immutable values, as load_config.hpp reads it from YAML. Defaults live here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "auth/authenticator.hpp"
#include "core/clock.hpp"
#include "http/reader.hpp"
#include "logging/sealed_log.hpp"
#include "routing/route_table.hpp"
#include "tls/identity.hpp"

namespace sallyport::gateway {

using std::filesystem::path;
using namespace std::chrono_literals;

struct Address {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
};

using tls::CertificateFiles;
using tls::ClientCertificates;
using tls::KeyExchange;
using ListenerTls = tls::ServerSettings;
using UpstreamTls = tls::ClientSettings;

struct Listener {
  std::string name;
  Address address;
  std::optional<ListenerTls> tls;  // absent only where the file says `plaintext: allowed`
};

// Everything that can grow.
struct Limits {
  http::HeadLimits head;
  std::uint64_t body_bytes = 64ull << 20;        // one request's body
  std::uint64_t spool_memory = 1ull << 20;       // of it, kept in memory; the rest goes to an encrypted temporary file
  std::uint64_t body_memory_total = 1ull << 30;  // all bodies in memory together; past it 503
  std::uint64_t body_disk_total = 16ull << 30;   // all bodies in temporary files together; past it 503
  std::size_t connections = 20'000;              // of clients, all listeners together
  std::size_t connections_per_address = 10'000;
  core::Duration handshake = 5s;
  core::Duration head_time = 10s;   // from the connection's or the request's first byte
  core::Duration body_stall = 20s;  // for each 16 KiB of the body
  core::Duration keep_alive_idle = 75s;
  std::uint64_t keep_alive_requests = 10'000;
  core::Duration keep_alive_time = 1h;  // what a handshake proved is not believed for ever
  core::Duration write_stall = 60s;
  core::Duration drain = 30s;       // for streams, after SIGTERM
  core::Duration ready_delay = 0s;  // /readyz false this long before listeners close
};

// What a model server asks for beside a client certificate, or instead of one.
struct ApiKey {
  path file;                            // empty: none is shown
  std::string field = "authorization";  // as `Bearer KEY`; in any other the key stands alone
};

// A Valkey or Redis server through which gateways count requests and tokens together.
struct SharedLimitsConfig {
  Address address;                 // the host may be a name
  std::optional<UpstreamTls> tls;  // absent only where the file says `plaintext: allowed`
  std::string username;
  path password_file;                       // empty: none is given
  core::Duration interval = 200ms;          // between two exchanges
  std::string prefix = "sallyport:limit:";  // of keys
  friend bool operator==(const SharedLimitsConfig&, const SharedLimitsConfig&) = default;
};

struct LogTenant {
  std::string name;
  std::vector<std::string> recipients;  // lines; the log's own among them where the operator reads too
};

struct LogConfig {
  logging::LogSettings settings;
  std::vector<std::string> recipients;  // lines, already read from their files
  std::vector<LogTenant> tenants;
  path signing_key;  // of the checkpoints; empty: the log is not signed
};

enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { info, warning, error };

struct OperatorLog {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
};

struct Config {
  std::uint32_t workers = 0;  // 0: one per core
  std::vector<Listener> listeners;
  std::optional<Address> admin;
  std::vector<routing::Upstream> upstreams;  // Upstream::number indexes the two that follow
  std::vector<UpstreamTls> upstream_tls;
  std::vector<ApiKey> upstream_api_keys;
  std::vector<routing::Model> models;
  std::vector<routing::PathRoute> routes;
  path tokens_file;  // empty: client certificates only
  std::vector<auth::CertificateRule> certificates;
  Limits limits;
  std::optional<SharedLimitsConfig> shared_limits;  // absent: this gateway counts alone
  std::optional<LogConfig> log;                     // absent only where the file says `log: off`
  OperatorLog operator_log;
  path spool_directory = "/var/tmp";
  std::vector<path> files;  // every file it refers to, to be watched
};

}  // namespace sallyport::gateway
