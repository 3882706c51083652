// What is shipped around the program: its configurations load, its manifests say what the cluster wants, its alerts ask
// for metrics that there are.
#include <yaml-cpp/yaml.h>

#include <regex>

#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using namespace sallyport::tests;
using namespace std::chrono_literals;

namespace {

const path source = SOURCE_DIR;

std::vector<path> yaml_files(const path& folder) {
  std::vector<path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  return files;
}

std::vector<YAML::Node> manifests() {
  std::vector<YAML::Node> all;
  for (const path& file : yaml_files("docker/kubernetes")) {
    for (const YAML::Node& manifest : YAML::LoadAllFromFile(file)) all.push_back(manifest);
  }
  return all;
}

YAML::Node manifest(const std::string& kind, const std::string& name) {
  for (const YAML::Node& one : manifests()) {
    if (one["kind"].as<std::string>() == kind && one["metadata"]["name"].as<std::string>() == name) return one;
  }
  throw std::runtime_error("no " + kind + " " + name);
}

// The recipients' public keys are the one thing that loading reads; here they come from the folder.
Loaded load(const ConfigFolder& folder, std::string text) {
  write_file(folder / "auditor.pub", a_recipient());
  std::filesystem::create_directories(folder / "keys");
  write_file(folder / "keys/auditor.pub", a_recipient());
  const std::string in_cluster = "file:/run/secrets/sallyport/tokens/";
  if (const auto at = text.find(in_cluster); at != text.npos) text.replace(at, in_cluster.size(), "file:");
  return folder.load(text);
}

constexpr auto pod_origin = "sallyport-1.ai-gateway.example";

// As in the pod sallyport-1.
Loaded in_cluster(const ConfigFolder& folder) {
  ::setenv("LOG_ORIGIN", pod_origin, 1);
  return load(folder, manifest("ConfigMap", "sallyport")["data"]["gateway.yaml"].as<std::string>());
}

bool has(const YAML::Node& list, const std::string& word) {
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& item) { return item.template as<std::string>() == word; });
}

// The metrics of a query that docs/metrics.md does not have; a test compares that page with what is served.
std::vector<std::string> unknown_metrics(const std::string& query) {
  static const std::string known = read_file(source / "docs/metrics.md");
  const std::string asked = std::regex_replace(query, std::regex("by \\([^)]*\\)"), "");
  const std::regex name("(sallyport|gen_ai|process)_[a-z_]+");
  std::vector<std::string> unknown;
  for (std::sregex_iterator found(asked.begin(), asked.end(), name), end; found != end; ++found) {
    const std::string metric = std::regex_replace(found->str(), std::regex("_(bucket|sum|count)$"), "");
    if (!contains(known, "`" + metric + "`")) unknown.push_back(metric);
  }
  return unknown;
}

}  // namespace

TEST_CASE("every YAML file of docker/ can be read") {
  for (const path& file : yaml_files("docker")) {
    INFO(file);
    CHECK_NOTHROW(YAML::LoadAllFromFile(file));
  }
}

TEST_CASE("the configurations that containers run with load") {
  const std::string name = GENERATE(as<std::string>{}, "gateway.yaml", "gateway-shared.yaml", "sidecar.yaml");
  ::setenv("LOG_ORIGIN", "of.its.own", 1);
  const ConfigFolder folder;
  const Loaded loaded = load(folder, read_file(source / "docker" / name));
  INFO(name << ":\n" << problems_of(loaded));
  REQUIRE(loaded.usable());
  CHECK(loaded.config.admin.has_value());  // the image's health check asks there
}

TEST_CASE("a sidecar lets in nobody without a certificate, and reaches the loopback alone") {
  const ConfigFolder folder;
  const Loaded loaded = load(folder, read_file(source / "docker/sidecar.yaml"));
  REQUIRE(loaded.usable());
  for (const Listener& listener : loaded.config.listeners) {
    REQUIRE(listener.tls);
    CHECK(listener.tls->client_certificates == ClientCertificates::required);
  }
  for (const routing::Endpoint& endpoint : loaded.config.upstreams.at(0).endpoints) CHECK(endpoint.host == "127.0.0.1");
  CHECK(loaded.config.tokens_file.empty());
}

TEST_CASE("Prometheus asks each gateway of compose, and waits for none whose profile may not be up") {
  const YAML::Node services = YAML::LoadFile((source / "docker/compose.yaml").string())["services"];
  const YAML::Node job = YAML::LoadFile((source / "docker/observe/prometheus.yaml").string())["scrape_configs"][0];
  const YAML::Node always = job["static_configs"][0]["targets"], found = job["dns_sd_configs"][0];
  std::size_t gateways = 0;
  for (const auto& service : services) {
    const auto name = service.first.as<std::string>();
    for (const auto& volume : service.second["volumes"]) {
      const auto mounted = volume.as<std::string>();
      if (!mounted.starts_with("./gateway")) continue;
      INFO(name);
      ++gateways;
      const ConfigFolder folder;
      const Loaded loaded = load(folder, read_file(source / "docker" / mounted.substr(2, mounted.find(':') - 2)));
      REQUIRE(loaded.usable());
      CHECK(loaded.config.admin->host == "0.0.0.0");
      const std::string port = std::to_string(loaded.config.admin->port);
      const bool in_profile = service.second["profiles"] || service.second["<<"]["profiles"];
      CHECK(has(always, name + ":" + port) == !in_profile);
      CHECK((has(found["names"], name) && found["port"].as<std::string>() == port) == in_profile);
    }
  }
  CHECK(gateways == 3);
}

TEST_CASE("every manifest says what it is") {
  CHECK(manifests().size() >= 10);
  for (const YAML::Node& one : manifests()) {
    REQUIRE(one["kind"]);
    INFO(one["kind"].as<std::string>());
    CHECK(one["apiVersion"]);
    CHECK(one["metadata"]["name"]);
  }
}

TEST_CASE("a pod that ends is out of its Service before it drains, and has the time that its drain may take") {
  const ConfigFolder folder;
  const Loaded loaded = in_cluster(folder);
  INFO(problems_of(loaded));
  REQUIRE(loaded.usable());
  const Limits& limits = loaded.config.limits;
  const auto pod = manifest("StatefulSet", "sallyport")["spec"]["template"]["spec"];
  const auto log_limit = logging::LogSettings{}.stall_limit;
  const auto before_drain =
      std::chrono::seconds(pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as<int>());
  CHECK(before_drain >= 5s);
  CHECK(std::chrono::seconds(pod["terminationGracePeriodSeconds"].as<int>()) >
        before_drain + limits.ready_delay + limits.drain + log_limit);
  const std::string unit = read_file(source / "packaging/sallyport.service");
  std::smatch stop;
  REQUIRE(std::regex_search(unit, stop, std::regex("TimeoutStopSec=([0-9]+)\n")));
  CHECK(std::chrono::seconds(std::stoi(stop[1])) > Limits{}.ready_delay + Limits{}.drain + log_limit);
}

TEST_CASE("each pod signs a log of its own name, on a volume of its own") {
  const auto set = manifest("StatefulSet", "sallyport")["spec"];
  std::map<std::string, std::string> variables;
  for (const auto& variable : set["template"]["spec"]["containers"][0]["env"]) {
    const YAML::Node text = variable["value"] ? variable["value"] : variable["valueFrom"]["fieldRef"]["fieldPath"];
    variables[variable["name"].as<std::string>()] = text.as<std::string>();
  }
  CHECK(variables["POD_NAME"] == "metadata.name");
  CHECK(variables["LOG_ORIGIN"].starts_with("$(POD_NAME)."));
  const ConfigFolder folder;
  const Loaded loaded = in_cluster(folder);
  REQUIRE(loaded.usable());
  CHECK(loaded.config.log->settings.origin == pod_origin);
  CHECK_FALSE(loaded.config.log->signing_key.empty());
  CHECK(set["volumeClaimTemplates"][0]["metadata"]["name"].as<std::string>() == "log");
}

TEST_CASE("the pod has no rights, and its secrets are where the configuration looks") {
  const auto pod = manifest("StatefulSet", "sallyport")["spec"]["template"]["spec"];
  const auto container = pod["containers"][0];
  CHECK(pod["securityContext"]["runAsNonRoot"].as<bool>());
  CHECK_FALSE(pod["automountServiceAccountToken"].as<bool>());
  CHECK(container["securityContext"]["readOnlyRootFilesystem"].as<bool>());
  CHECK_FALSE(container["securityContext"]["allowPrivilegeEscalation"].as<bool>());
  CHECK(has(container["securityContext"]["capabilities"]["drop"], "ALL"));
  for (const char* probe : {"startupProbe", "readinessProbe", "livenessProbe"}) CHECK(container[probe]);

  std::map<std::string, std::string> secret_at;  // folder → secret
  for (const auto& volume : pod["volumes"]) {
    if (!volume["secret"]) continue;
    for (const auto& mount : container["volumeMounts"]) {
      if (mount["name"].as<std::string>() != volume["name"].as<std::string>()) continue;
      secret_at[mount["mountPath"].as<std::string>()] = volume["secret"]["secretName"].as<std::string>();
    }
  }
  const ConfigFolder folder;
  const Loaded loaded = in_cluster(folder);
  REQUIRE(loaded.usable());
  for (const path& file : loaded.config.files) {
    if (!file.string().starts_with("/run/secrets")) continue;
    INFO(file);
    REQUIRE(secret_at.contains(file.parent_path()));
    CHECK(manifest("Secret", secret_at[file.parent_path()])["stringData"][file.filename().string()]);
  }
}

TEST_CASE("services, the disruption budget and the monitor select the pods and ports there are") {
  const auto pods = manifest("StatefulSet", "sallyport")["spec"]["template"];
  const auto label = pods["metadata"]["labels"]["app.kubernetes.io/name"].as<std::string>();
  const auto selected = [&](const YAML::Node& selector) {
    return selector["app.kubernetes.io/name"].as<std::string>() == label;
  };
  CHECK(selected(manifest("StatefulSet", "sallyport")["spec"]["selector"]["matchLabels"]));
  CHECK(selected(manifest("Service", "sallyport")["spec"]["selector"]));
  CHECK(selected(manifest("Service", "sallyport-admin")["spec"]["selector"]));
  CHECK(selected(manifest("PodDisruptionBudget", "sallyport")["spec"]["selector"]["matchLabels"]));
  CHECK(selected(manifest("NetworkPolicy", "sallyport")["spec"]["podSelector"]["matchLabels"]));
  const auto monitor = manifest("ServiceMonitor", "sallyport")["spec"];
  const auto admin = manifest("Service", "sallyport-admin");
  CHECK(monitor["endpoints"][0]["port"].as<std::string>() == admin["spec"]["ports"][0]["name"].as<std::string>());
  for (const auto& wanted : monitor["selector"]["matchLabels"]) {
    CHECK(admin["metadata"]["labels"][wanted.first.as<std::string>()].as<std::string>() ==
          wanted.second.as<std::string>());
  }
}

TEST_CASE("alerts ask for metrics that there are; each is explained in docs/operations.md, and raised by a test") {
  const std::string tests = read_file(source / "tests/docker/alerts.yaml");
  const std::string operations = read_file(source / "docs/operations.md");
  const YAML::Node rules = YAML::LoadFile((source / "docker/observe/alerts.yaml").string())["groups"][0]["rules"];
  CHECK(rules.size() >= 8);
  for (const auto& rule : rules) {
    const auto alert = rule["alert"].as<std::string>();
    INFO(alert);
    CHECK(contains(operations, "| `" + alert + "` |"));
    CHECK(contains(tests, "alertname: " + alert + "\n        eval_time"));
    CHECK(unknown_metrics(rule["expr"].as<std::string>()) == std::vector<std::string>{});
  }
}

TEST_CASE("the dashboard asks for metrics that there are") {
  // YAML takes JSON too.
  const YAML::Node dashboard = YAML::LoadFile((source / "docker/observe/dashboards/sallyport.json").string());
  CHECK(dashboard["panels"].size() >= 12);
  for (const auto& panel : dashboard["panels"]) {
    INFO(panel["title"].as<std::string>());
    CHECK(panel["targets"].size() > 0);
    for (const auto& target : panel["targets"]) {
      CHECK(unknown_metrics(target["expr"].as<std::string>()) == std::vector<std::string>{});
    }
  }
}
