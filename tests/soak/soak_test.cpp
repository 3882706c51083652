// The gateway as its operators would see it over a long time: every kind of client and of misbehaving model server at
// once, reloads, new certificates, readers of the log; and at the end what must have held. SALLYPORT_SOAK_MINUTES says
// how long it lasts (10). It keeps the whole log, some 200 MB a minute, in the temporary directory.
#include <signal.h>

#include <future>
#include <iostream>

#include "tests/soak/figures.hpp"
#include "tests/soak/operators.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport::tests;
using namespace sallyport::tests::soak;

namespace {

// Seconds between two of each.
constexpr int reload_every = 3, replacement_every = 12, verdict_every = 2, death_every = 10, line_every = 30;
constexpr int seconds_dead = 2;
constexpr Milliseconds drain = 10s;

const std::string of_outcomes = "sallyport_request_outcomes_total{";

int seconds_to_run() {
  const char* minutes = ::getenv("SALLYPORT_SOAK_MINUTES");
  return static_cast<int>(60 * (minutes == nullptr ? 10 : std::strtod(minutes, nullptr)));
}

std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

std::string text_of(const Endings& endings) {
  std::string text;
  for (const auto& [how, count] : endings) text += (text.empty() ? "" : ", ") + how + " × " + std::to_string(count);
  return text;
}

// Everything that runs, in the order in which it starts.
struct Soak {
  ModelServer fast{0, fast_words}, paced{40, paced_words}, mortal{2, fast_words};
  SigningKey signer;
  GatewayProcess gateway{wish()};
  LogKeeper keeper{gateway, signer};
  const std::size_t idle_descriptors = gateway.process().open_descriptors();
  Traffic traffic{gateway};

  Figures figures;
  Endings problems_found;  // by readers of the log while it was written
  int reloads = 0, replacements = 0, deaths = 0;

  GatewayWish wish() const;
  void run(int seconds);
  void look();
  void disturb(int second);
  void tell(int second, int seconds) const;
};

GatewayWish Soak::wish() const {
  const auto upstream = [](const std::string& name, const ModelServer& server) {
    return UpstreamWish{.name = name, .endpoint = server.endpoint(), .more = "    pool: { idle_expiry: 3s }\n"};
  };
  std::string models;
  for (const char* name : {"fast", "failing", "cutting", "rekeying"}) {
    models += "  - { name: " + std::string(name) + ", targets: [{ upstream: fast }] }\n";
  }
  for (const char* name : {"paced", "mortal"}) {
    models += "  - { name: " + std::string(name) + ", targets: [{ upstream: " + name + " }] }\n";
  }
  return {.upstreams = {upstream("fast", fast), upstream("paced", paced), upstream("mortal", mortal)},
          .models = models,
          .log =
              "durability: written, capture: full, segment: { size: 8MiB, age: 4s }, retention: { size: 64MiB }, "
              "checkpoints: { key: " +
              signer.key().string() + ", interval: 1s, directory: checkpoints }",
          .limits = "{ spool_memory: 128KiB, drain: " + std::to_string(drain.count()) + "ms }",
          .more = "operator_log: { format: json }\n"};
}

// The figures that must not grow. What they may do is stated with each.
void Soak::look() {
  ChildProcess& process = gateway.process();
  figures.add("resident KiB", {.share = 0.10, .more = 2048}, static_cast<double>(process.resident_kib()));
  figures.add("descriptors", {.share = 0.10, .more = 4}, static_cast<double>(process.open_descriptors()));
  figures.add("threads", {}, static_cast<double>(process.threads()));
  figures.add("clients' connections", {.more = 4}, gateway.metric("sallyport_connections_open"));
  figures.add("upstream connections", {.share = 0.10, .more = 4}, gateway.metric("sallyport_upstream_connections{"));
  figures.add("requests in flight", {.share = 0.10, .more = 8}, gateway.metric("sallyport_requests_in_flight"));
  keeper.keep();
}

void Soak::tell(int second, int seconds) const {
  std::cout << "soak: " << second << " s of " << seconds << ": " << traffic.tally().calls() << " calls ("
            << text_of(traffic.tally().endings()) << "), " << figures.last("resident KiB") / 1024 << " MiB resident, "
            << figures.last("descriptors") << " descriptors, " << reloads << " reloads, " << replacements
            << " new certificates, " << deaths << " dead servers, " << traffic.tally().wrongs().size()
            << " kinds of wrong" << std::endl;
}

// Ends early when the gateway does.
void Soak::run(int seconds) {
  const auto start = std::chrono::steady_clock::now();
  for (int second = 1; second <= seconds; ++second) {
    const auto due =
        std::chrono::ceil<Milliseconds>(start + std::chrono::seconds(second) - std::chrono::steady_clock::now());
    if (gateway.wait_for_exit(std::max(due, 0ms))) return;
    look();
    disturb(second);
    if (second % line_every == 0) tell(second, seconds);
  }
}

void Soak::disturb(int second) {
  if (second % replacement_every == 0) {
    replace_certificates();
    ++replacements;
  }
  if (second % reload_every == 0) {
    gateway.signal(SIGHUP);
    ++reloads;
  }
  if (second % death_every == 0) {
    mortal.kill();
    ++deaths;
  }
  if (second % death_every == seconds_dead && !mortal.running()) mortal.start();
  if (second % verdict_every == 0) {
    for (const std::string& problem : keeper.verify_live().problems) ++problems_found[problem];
  }
}

// Of the operator's log. What `serve` says before it begins is no JSON.
std::vector<std::string> errors_in(const std::string& log) {
  std::vector<std::string> errors;
  for (std::size_t at = 0; at < log.size();) {
    const std::string line = log.substr(at, log.find('\n', at) - at);
    at += line.size() + 1;
    const Json event = Json::parse(line, nullptr, false);
    const bool error = event.is_object() ? event.value("level", "") == "error" : line.find(": warning: ") == line.npos;
    const bool killed = event.is_object() && event.value("upstream", "") == "mortal";  // the soak does that
    if (error && !killed) errors.push_back(line);
  }
  return errors;
}

void check_answers(const Soak& soak) {
  const Tally& tally = soak.traffic.tally();
  INFO("wrong, as clients saw it: " << text_of(tally.wrongs()));
  CHECK(tally.wrongs().empty());
  INFO("reloads refused, or other errors in the operator's log:" << text_of(errors_in(soak.gateway.errors())));
  CHECK(errors_in(soak.gateway.errors()).empty());
  CHECK(soak.gateway.metric("sallyport_config_reloads_total{outcome=\"failed\"}") == 0);
  CHECK(soak.gateway.metric("sallyport_config_reloads_total{outcome=\"ok\"}") >= soak.reloads);
  CHECK(tally.certificates() >= static_cast<std::size_t>(soak.replacements));  // the last may have come too late
  const auto [tried, resumed] = tally.resumptions();
  CHECK(resumed > tried / 2);  // a reload begins with new ticket keys
}

void check_nothing_grew(const Soak& soak) {
  std::cout << "soak: " << soak.figures.summary() << std::endl;
  INFO("medians of the second and of the last fifth:" << text_of(soak.figures.grown()));
  CHECK(soak.figures.grown().empty());
}

// With the load gone.
void check_counters(Soak& soak) {
  const GatewayProcess& gateway = soak.gateway;
  const double calls = static_cast<double>(soak.traffic.tally().calls());
  const auto held = [&] {
    return gateway.metric("sallyport_requests_in_flight") + gateway.metric("sallyport_connections_open") +
           gateway.metric("sallyport_upstream_connections{");
  };
  ChildProcess& process = soak.gateway.process();
  eventually([&] { return held() == 0; });
  CHECK(gateway.metric("sallyport_requests_in_flight") == 0);
  CHECK(gateway.metric("sallyport_connections_open") == 0);
  CHECK(gateway.metric("sallyport_upstream_connections{") == 0);
  // Not right behind a question, whose connection is one of them.
  CHECK(eventually([&] { return process.open_descriptors() <= soak.idle_descriptors; }));
  CHECK(gateway.metric(of_outcomes) == calls);
  CHECK(gateway.metric("sallyport_requests_total{") == calls);
  CHECK(gateway.metric("sallyport_log_records_total") == calls);
  CHECK(gateway.metric("sallyport_log_lost_total") == 0);
  CHECK(gateway.metric("sallyport_log_write_errors_total") == 0);
  CHECK(gateway.metric("sallyport_log_checkpoint_errors_total") == 0);
  CHECK(gateway.metric("sallyport_log_removal_errors_total") == 0);
}

void check_drain(Soak& soak) {
  const std::uint64_t whole = soak.traffic.tally().endings()["200"];
  const auto last = std::async(std::launch::async, [&] { soak.traffic.paced_stream(); });
  CHECK(eventually([&] { return soak.gateway.metric("sallyport_requests_in_flight") == 1; }));
  soak.gateway.signal(SIGTERM);
  CHECK(soak.gateway.wait_for_exit(drain).value_or(-1) == 0);
  last.wait();
  CHECK(soak.traffic.tally().endings()["200"] == whole + 1);
}

void check_log(const Soak& soak) {
  soak.keeper.keep();
  const Tally& tally = soak.traffic.tally();
  INFO("problems that `log verify` found while the log was written: " << text_of(soak.problems_found));
  CHECK(soak.problems_found.empty());
  const Verdict kept = soak.keeper.verify_kept(), left = soak.keeper.verify_live();
  INFO("in the log, and in what retention left of it:" << text_of(kept.problems) << text_of(left.problems));
  CHECK(kept.problems.empty());
  CHECK(left.problems.empty());
  CHECK(left.removed == (left.segments < kept.segments));
  CHECK(kept.records == tally.calls());
  const Endings recorded = soak.keeper.endings();
  INFO("clients saw " << text_of(tally.endings()) << "\nrecords say " << text_of(recorded));
  CHECK(recorded == tally.endings());
  CHECK(soak.keeper.decoded() == tally.calls());
  std::cout << "soak: " << kept.records << " records in " << kept.segments << " segments, " << left.segments
            << " of them not removed" << std::endl;
}

}  // namespace

TEST_CASE("a figure that grows is found, and one that only swings is not") {
  Figures figures;
  for (int i = 0; i < 100; ++i) {
    figures.add("grows", {.share = 0.1, .more = 10}, 100 + i);
    figures.add("warms up", {.share = 0.1, .more = 10}, std::min(100 * i, 1900));
    figures.add("swings", {.share = 0.1, .more = 10}, i % 10 < 6 ? 100 : 1000);
  }
  CHECK(figures.grown() == std::vector<std::string>{"grows: 130 → 190"});
}

TEST_CASE("through a long time of everything at once the gateway answers, holds its size and keeps its log") {
  Soak soak;
  soak.run(seconds_to_run());
  REQUIRE(soak.gateway.process().running());
  soak.traffic.stop();
  check_answers(soak);
  check_nothing_grew(soak);
  check_counters(soak);
  check_drain(soak);
  check_log(soak);
}
