#include "gateway/metrics.hpp"

#include <filesystem>
#include <set>
#include <sstream>
#include <thread>

#include "gateway/metric_series.hpp"
#include "gateway/shared_limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace std::chrono_literals;

namespace {

Config a_config() {
  Config config;
  config.listeners.push_back({"public", {"127.0.0.1", 1}, std::nullopt});
  routing::Upstream upstream;
  upstream.name = "llama";
  config.upstreams.push_back(upstream);
  routing::Model model;
  model.name = "llama-3";
  model.aliases = {"llama-latest"};
  config.models.push_back(model);
  return config;
}

logging::Record a_record() {
  logging::Record record;
  record.listener = "public";
  record.path = "/v1/chat/completions";
  record.model = "llama-3";
  record.upstream = "llama";
  record.status = 200;
  record.duration = 70ms;
  record.first_byte = 7ms;
  record.request_bytes = 100;
  record.response_bytes = 1000;
  record.prompt_tokens = 20;
  record.completion_tokens = 5;
  return record;
}

// The value after the line that starts with `series`; "" when there is none.
std::string value_of(const std::string& page, const std::string& series) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  }
  return "";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

const std::string gen_ai =
    R"({gen_ai_operation_name="chat",gen_ai_request_model="llama-3",listener="public",upstream="llama")";

}  // namespace

TEST_CASE("exchanges of all workers add up under their labels") {
  Metrics metrics(a_config(), 2);
  for (unsigned i = 0; i < 2; ++i) {
    metrics.worker(i).exchange_started();
    metrics.worker(i).exchange_finished(a_record());
  }
  metrics.worker(0).exchange_started();
  const std::string page = metrics.text({});
  INFO(page);
  const std::string labels = R"({listener="public",model="llama-3",upstream="llama",operation="chat")";
  CHECK(value_of(page, "sallyport_requests_total" + labels + R"(,status="2xx"})") == "2");
  CHECK(value_of(page, "sallyport_request_body_bytes_total" + labels + "}") == "200");
  CHECK(value_of(page, "sallyport_response_body_bytes_total" + labels + "}") == "2000");
  CHECK(value_of(page, "sallyport_requests_in_flight") == "1");
  CHECK(value_of(page, R"(sallyport_request_outcomes_total{outcome="ok"})") == "2");
  CHECK(value_of(page, "gen_ai_server_request_duration_seconds_count" + gen_ai + "}") == "2");
  CHECK(value_of(page, "gen_ai_server_request_duration_seconds_bucket" + gen_ai + R"(,le="0.04"})") == "0");
  CHECK(value_of(page, "gen_ai_server_request_duration_seconds_bucket" + gen_ai + R"(,le="0.08"})") == "2");
  CHECK(value_of(page, "gen_ai_server_request_duration_seconds_bucket" + gen_ai + R"(,le="+Inf"})") == "2");
  CHECK(value_of(page, "gen_ai_server_time_to_first_token_seconds_bucket" + gen_ai + R"(,le="0.01"})") == "2");
  CHECK(value_of(page, "gen_ai_client_token_usage_sum" + gen_ai + R"(,gen_ai_token_type="input"})") == "40");
  CHECK(value_of(page, "gen_ai_client_token_usage_sum" + gen_ai + R"(,gen_ai_token_type="output"})") == "10");
}

TEST_CASE("what a client sent never becomes a label") {
  Metrics metrics(a_config(), 1);
  for (int i = 0; i < 1000; ++i) {
    logging::Record record = a_record();
    record.model = "canary-" + std::to_string(i);
    record.upstream.clear();
    record.path = "/canary" + std::to_string(i);
    record.method = record.client_address = record.principal = "canary";
    record.status = 404;
    record.outcome = core::Reason::model_unknown;
    metrics.worker(0).exchange_started();
    metrics.worker(0).exchange_finished(record);
  }
  metrics.worker(0).handshake_finished(core::Reason::none, "canary");
  const std::string page = metrics.text({});
  CHECK_FALSE(contains(page, "canary"));
  CHECK(value_of(page, R"(sallyport_requests_total{listener="public",model="other",status="4xx"})") == "1000");
  CHECK(value_of(page, R"(sallyport_request_outcomes_total{outcome="model_unknown"})") == "1000");
  CHECK(value_of(page, R"(sallyport_key_exchanges_total{side="client",group="other"})") == "1");
}

TEST_CASE("an alias is counted under its model's public name") {
  Metrics metrics(a_config(), 1);
  logging::Record record = a_record();
  record.model = "llama-latest";
  metrics.worker(0).exchange_finished(record);
  CHECK_FALSE(contains(metrics.text({}), "llama-latest"));
  CHECK(contains(metrics.text({}), R"(model="llama-3")"));
}

TEST_CASE("a reload keeps what was counted and brings new names") {
  Metrics metrics(a_config(), 1);
  metrics.worker(0).exchange_finished(a_record());
  Config changed = a_config();
  changed.models[0].name = "qwen";
  changed.models[0].aliases.clear();
  metrics.configure(changed);
  metrics.config_reloaded(true);
  metrics.config_reloaded(false);
  logging::Record record = a_record();
  record.model = "qwen";
  metrics.worker(0).exchange_finished(record);
  const std::string page = metrics.text({});
  CHECK(contains(page, R"(model="llama-3")"));
  CHECK(contains(page, R"(model="qwen")"));
  CHECK(value_of(page, R"(sallyport_config_reloads_total{outcome="ok"})") == "1");
  CHECK(value_of(page, R"(sallyport_config_reloads_total{outcome="failed"})") == "1");
  CHECK(value_of(page, "sallyport_config_last_reload_successful") == "0");
  metrics.config_reloaded(true);
  CHECK(value_of(metrics.text({}), "sallyport_config_last_reload_successful") == "1");
  CHECK(value_of(page, "sallyport_config_last_load_timestamp_seconds").size() == 10);
}

TEST_CASE("series are limited, what comes after is counted under other") {
  Config config = a_config();
  for (std::size_t i = 0; i < SeriesTable::limit; ++i) {
    routing::Model model;
    model.name = "m" + std::to_string(i);
    config.models.push_back(model);
  }
  Metrics metrics(config, 1);
  logging::Record record = a_record();
  const auto call = [&](std::size_t i) {
    record.model = "m" + std::to_string(i);
    metrics.worker(0).exchange_finished(record);
  };
  metrics.worker(0).exchange_finished(a_record());
  for (std::size_t i = 0; i + 1 < SeriesTable::limit; ++i) call(i);
  const std::string at_limit =
      R"(sallyport_requests_total{listener="other",model="other",upstream="other",status="2xx"})";
  CHECK(value_of(metrics.text({}), at_limit) == "");
  call(SeriesTable::limit - 1);
  call(SeriesTable::limit - 1);
  CHECK(value_of(metrics.text({}), at_limit) == "2");
}

TEST_CASE("connections, handshakes and upstreams are counted by outcome") {
  Metrics metrics(a_config(), 2);
  metrics.worker(0).connection_opened();
  metrics.worker(1).connection_opened();
  metrics.worker(1).connection_closed();
  metrics.worker(1).connection_refused();
  metrics.worker(0).connection_waited();
  metrics.worker(0).handshake_finished(core::Reason::none, "x25519");
  metrics.worker(1).handshake_finished(core::Reason::timeout, "");
  metrics.worker(0).upstream_connected(core::Reason::none, "X25519MLKEM768");
  metrics.worker(0).upstream_connected(core::Reason::upstream_certificate_expired);
  metrics.worker(0).upstream_connections(3, 5);
  metrics.worker(1).upstream_connections(1, 1);
  const std::string page = metrics.text({});
  CHECK(value_of(page, "sallyport_connections_accepted_total") == "2");
  CHECK(value_of(page, "sallyport_connections_open") == "1");
  CHECK(value_of(page, "sallyport_connections_refused_total") == "1");
  CHECK(value_of(page, "sallyport_connections_waited_total") == "1");
  CHECK(value_of(page, R"(sallyport_handshakes_total{outcome="ok"})") == "1");
  CHECK(value_of(page, R"(sallyport_handshakes_total{outcome="timeout"})") == "1");
  CHECK(value_of(page, R"(sallyport_upstream_connects_total{outcome="upstream_certificate_expired"})") == "1");
  CHECK(value_of(page, R"(sallyport_upstream_connections{state="idle"})") == "4");
  CHECK(value_of(page, R"(sallyport_upstream_connections{state="busy"})") == "2");
  CHECK(value_of(page, R"(sallyport_key_exchanges_total{side="client",group="X25519"})") == "1");
  CHECK(value_of(page, R"(sallyport_key_exchanges_total{side="upstream",group="X25519MLKEM768"})") == "1");
}

TEST_CASE("the log's counts are shown while there is a log") {
  Config config = a_config();
  Metrics without(config, 1);
  CHECK_FALSE(contains(without.text({}), "sallyport_log_"));
  config.log.emplace();
  Metrics with(config, 1);
  logging::LogCounters counters;
  counters.records = 12'345'678'901;
  counters.lost = 3;
  counters.healthy = false;
  const std::string page = with.text(counters);
  CHECK(value_of(page, "sallyport_log_records_total") == "12345678901");
  CHECK(value_of(page, "sallyport_log_lost_total") == "3");
  CHECK(value_of(page, "sallyport_log_healthy") == "0");
  CHECK_FALSE(contains(page, "checkpoint"));
  config.log->settings.checkpoints.interval = 90s;
  with.configure(config);
  counters.signs = true;
  CHECK(value_of(with.text(counters), "sallyport_log_checkpoint_interval_seconds") == "90");
  counters.checkpoints = 7;
  counters.directory.errors = 9;
  counters.directory.dropped = 4;
  counters.directory.waiting = 3;
  counters.last_checkpoint = core::WallTime(std::chrono::milliseconds(1'500));
  const std::string signing = with.text(counters);
  CHECK(value_of(signing, "sallyport_log_checkpoints_total") == "7");
  CHECK(value_of(signing, "sallyport_log_last_checkpoint_timestamp_seconds") == "1.5");
  CHECK(value_of(signing, "sallyport_log_checkpoint_errors_total") == "9");
  CHECK(value_of(signing, "sallyport_log_checkpoints_dropped_total") == "4");
  CHECK(value_of(signing, "sallyport_log_checkpoints_waiting") == "3");
  CHECK_FALSE(contains(signing, "command"));
  counters.runs_command = true;
  counters.command = {
      .taken = 5, .errors = 2, .failing = true, .last = core::WallTime(std::chrono::milliseconds(2'500))};
  const std::string running = with.text(counters);
  CHECK(value_of(running, "sallyport_log_checkpoint_command_runs_total") == "5");
  CHECK(value_of(running, "sallyport_log_checkpoint_command_errors_total") == "2");
  CHECK(value_of(running, "sallyport_log_checkpoint_command_last_timestamp_seconds") == "2.5");
}

TEST_CASE("tokens are shown as in force once every worker has them, to the last bit of their hash") {
  CHECK_FALSE(contains(Metrics(a_config(), 1).text({}), "sallyport_tokens_"));
  Config config = a_config();
  config.tokens_file = "tokens.jsonl";
  Metrics metrics(config, 2);
  constexpr std::uint64_t largest = (1ull << 48) - 1;
  metrics.worker(0).callers_adopted(largest);
  CHECK(value_of(metrics.text({}), "sallyport_tokens_hash") == "0");
  metrics.worker(1).callers_adopted(largest);
  CHECK(value_of(metrics.text({}), "sallyport_tokens_hash") == "281474976710655");
  CHECK(value_of(metrics.text({}), "sallyport_tokens_last_load_successful") == "1");
  metrics.tokens_loaded(false);
  CHECK(value_of(metrics.text({}), "sallyport_tokens_last_load_successful") == "0");
}

TEST_CASE("shared limits are shown where there are any") {
  const Metrics metrics(a_config(), 1);
  CHECK_FALSE(contains(metrics.text({}), "sallyport_shared_limits_"));
  SharedLimitsStatus status;
  status.up = true;
  status.exchanges = 7;
  status.failures = 2;
  const std::string page = metrics.text({}, &status);
  CHECK(value_of(page, "sallyport_shared_limits_up") == "1");
  CHECK(value_of(page, R"(sallyport_shared_limits_exchanges_total{outcome="ok"})") == "7");
  CHECK(value_of(page, R"(sallyport_shared_limits_exchanges_total{outcome="failed"})") == "2");
}

TEST_CASE("docs/metrics.md names every metric that is served, and no other") {
  Config config = a_config();
  config.log.emplace();
  config.tokens_file = "tokens.jsonl";
  Metrics metrics(config, 1);
  metrics.worker(0).exchange_finished(a_record());
  std::set<std::string> served, documented;
  logging::LogCounters counters;
  counters.signs = counters.runs_command = true;
  const SharedLimitsStatus shared_limits;
  std::istringstream page(metrics.text(counters, &shared_limits));
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("# TYPE ")) served.insert(line.substr(7, line.rfind(' ') - 7));
  }
  std::istringstream text(tests::read_file(std::filesystem::path(SOURCE_DIR) / "docs" / "metrics.md"));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("| `")) documented.insert(line.substr(3, line.find('`', 3) - 3));
  }
  CHECK(served == documented);
}

TEST_CASE("a scrape while workers count sees whole numbers and ends with the right sum") {
  constexpr int calls = 20'000;
  Metrics metrics(a_config(), 2);
  std::vector<std::thread> workers;
  for (unsigned index = 0; index < 2; ++index) {
    workers.emplace_back([&metrics, index] {
      logging::Record record = a_record();
      for (int i = 0; i < calls; ++i) {
        record.status = i % 2 == 0 ? 200 : 503;
        record.path = i % 3 == 0 ? "/v1/embeddings" : "/v1/chat/completions";
        metrics.worker(index).exchange_started();
        metrics.worker(index).exchange_finished(record);
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    if (i % 10 == 0) metrics.configure(a_config());
    CHECK(contains(metrics.text({}), "sallyport_build_info"));
  }
  for (std::thread& worker : workers) worker.join();
  const std::string page = metrics.text({});
  CHECK(value_of(page, R"(sallyport_request_outcomes_total{outcome="ok"})") == std::to_string(2 * calls));
  CHECK(value_of(page, "sallyport_requests_in_flight") == "0");
}

TEST_CASE("the bounds of a histogram belong to their buckets") {
  TokenHistogram tokens;
  tokens.observe(0);
  tokens.observe(1);
  tokens.observe(2);
  tokens.observe(67108864);
  tokens.observe(67108865);
  TokenHistogram::Totals totals;
  tokens.add_to(totals);
  CHECK(totals.buckets.front() == 2);
  CHECK(totals.buckets[1] == 1);
  CHECK(totals.buckets[13] == 1);
  CHECK(totals.buckets[14] == 1);
  CHECK(totals.sum == 2 * 67108864ull + 4);
}
