#include "gateway/config/cross_check.hpp"

#include <algorithm>
#include <unordered_map>

#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {
namespace {

std::string item(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// Words that may each be used once, with the place that used them first.
class Once {
 public:
  Once(Reading& reading, std::string what) : reading_(reading), what_(std::move(what)) {}

  void use(const std::string& word, const std::string& path) {
    if (word.empty()) return;
    const auto [first, fresh] = first_.emplace(word, path);
    if (!fresh) {
      reading_.problem(path, "'" + word + "' is already " + what_ + " (" + first->second + "); choose another");
    }
  }

 private:
  Reading& reading_;
  std::string what_;
  std::unordered_map<std::string, std::string> first_;
};

template <class Item>
void names_once(const std::vector<Item>& items, std::string_view list, Reading& reading) {
  Once names(reading, "the name of another");
  for (std::size_t i = 0; i < items.size(); ++i) names.use(items[i].name, item(list, i) + ".name");
}

void check_names(const Config& config, Reading& reading) {
  names_once(config.listeners, "listeners", reading);
  names_once(config.upstreams, "upstreams", reading);
  names_once(config.routes, "routes", reading);
  if (config.log) names_once(config.log->tenants, "log.tenants", reading);
  Once certificates(reading, "the name of another");
  for (std::size_t i = 0; i < config.certificates.size(); ++i) {
    certificates.use(config.certificates[i].grant.name, item("certificates", i) + ".name");
  }
  Once models(reading, "the name or alias of a model");
  for (std::size_t i = 0; i < config.models.size(); ++i) {
    models.use(config.models[i].name, item("models", i) + ".name");
    for (std::size_t j = 0; j < config.models[i].aliases.size(); ++j) {
      models.use(config.models[i].aliases[j], item("models", i) + "." + item("aliases", j));
    }
  }
  Once prefixes(reading, "the path of another route");
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    prefixes.use(config.routes[i].prefix, item("routes", i) + ".path");
  }
}

void check_addresses(const Config& config, Reading& reading) {
  Once addresses(reading, "listened on");
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Address& address = config.listeners[i].address;
    if (address.port != 0) addresses.use(text_of(address), item("listeners", i) + ".address");
  }
  if (config.admin && config.admin->port != 0) addresses.use(text_of(*config.admin), "admin.address");
}

void check_callers(const Config& config, Reading& reading) {
  const bool asks_certificates = std::any_of(config.listeners.begin(), config.listeners.end(), [](const Listener& l) {
    return l.tls && l.tls->client_certificates != ClientCertificates::off;
  });
  if (config.tokens_file.empty() && config.certificates.empty()) {
    reading.problem("", "lets nobody in: give `tokens: {file: …}`, or `certificates` for clients that show one");
  }
  if (!config.certificates.empty() && !asks_certificates) {
    reading.problem("certificates",
                    "are never seen, because no listener asks for one; set `client_certificates` in a listener's tls");
  }
}

void check_calls(const Config& config, Reading& reading) {
  const bool complete = !reading.places.contains("models") && !reading.places.contains("routes");
  if (complete) reading.problem("", "routes no call: give at least one of `models` and `routes`");
  if (config.log) return;
  const auto refuse_content = [&](const auto& items, std::string_view list) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].capture != routing::Capture::full) continue;
      reading.problem(item(list, i) + ".capture", "is full, but there is no log to keep content in");
    }
  };
  refuse_content(config.models, "models");
  refuse_content(config.routes, "routes");
}

void check_upstreams(const Config& config, Reading& reading) {
  std::vector<bool> used(config.upstreams.size());
  const auto use = [&](std::size_t index) {
    if (index < used.size()) used[index] = true;
  };
  for (const routing::Model& model : config.models) {
    for (const routing::Target& target : model.targets) use(target.upstream);
  }
  for (const routing::PathRoute& route : config.routes) use(route.upstream);
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) reading.problem(item("upstreams", i), "is named by no model and no route", Severity::warning);
  }
}

void check_limits(const Limits& limits, Reading& reading) {
  if (limits.head.target_bytes >= limits.head.bytes) {
    reading.problem("limits.target", "must be smaller than limits.head (" + std::to_string(limits.head.bytes) +
                                         " bytes), which counts the request line too");
  }
  if (limits.spool_memory > limits.body_memory_total) {
    reading.problem("limits.spool_memory", "is more for one request than limits.body_memory_total allows for all");
  }
  if (limits.connections_per_address > limits.connections) {
    reading.problem("limits.connections_per_address",
                    "is more than limits.connections (" + std::to_string(limits.connections) + ")");
  }
}

}  // namespace

void cross_check(const Config& config, Reading& reading) {
  check_names(config, reading);
  check_addresses(config, reading);
  check_callers(config, reading);
  check_calls(config, reading);
  if (!has_errors(reading.problems)) check_upstreams(config, reading);  // else it may be the errors' doing
  check_limits(config.limits, reading);
}

}  // namespace sallyport::gateway
