// The sections of the YAML file → one Config. Private to load_config.cpp, load_calls.cpp and load_log.cpp, which share
// the work.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/yaml_reader.hpp"

namespace sallyport::gateway {

// Reads the sections into one Config. Upstreams and the log come first: others refer to them.
class ConfigLoader {
 public:
  ConfigLoader(Reading& reading, std::uint64_t written_at) : reading_(reading), written_at_(written_at) {}

  Config load(const YamlNode& root) {
    watch(reading_.file);
    Value(root, "", "", reading_).section([this](Section& top) { read_top(top); });
    return std::move(config_);
  }

 private:
  void read_top(Section& top);
  void read_listener(Section& section, Listener& listener);
  void read_listener_tls(Section& section, ListenerTls& tls);
  void read_admin(Section& section);
  void read_upstream(Section& section, routing::Upstream& upstream);
  void read_api_key_place(Section& section, ApiKey& key);
  void read_endpoints(Section& section, routing::Upstream& upstream);
  void read_upstream_tls(Section& section, UpstreamTls& tls);
  void read_model(Section& section, routing::Model& model);
  void read_target(Section& section, routing::Target& target);
  void read_route(Section& section, routing::PathRoute& route);
  void read_certificate(Section& section, auth::CertificateRule& rule);
  void read_certificate_files(Section& section, CertificateFiles& files);
  void read_grant(Section& section, auth::Grant& grant);
  void read_match(Section& section, auth::CertificateRule& rule);
  void read_limits(Section& section);
  void read_shared_limits(Section& section);
  bool read_log(const Value& value);
  void read_log_section(Section& section, LogConfig& log);
  void read_recipients_of(Section& section, std::vector<std::string>& recipients);
  void refuse_mixed(Section& section, const std::vector<std::string>& recipients);
  void read_tenant(Section& section, LogTenant& tenant);
  void read_checkpoints(Section& section, LogConfig& log);
  void read_retention(Section& section, LogConfig& log);
  void read_operator_log(Section& section);

  // One item for each element of a list, read or not, so that indices and paths stay in step.
  template <class Item>
  std::function<void(const Value&)> into(std::vector<Item>& items, void (ConfigLoader::*read)(Section&, Item&)) {
    return [this, &items, read](const Value& value) {
      Item& item = items.emplace_back();
      value.section([&](Section& section) { (this->*read)(section, item); });
    };
  }

  bool address(Section& section, Address& out);
  bool upstream(Section& section, std::size_t& index);
  bool capture(Section& section, routing::Capture& out);
  bool tenant(Section& section, std::string& out);
  void key_exchange(Section& section, KeyExchange& out);
  bool file(Section& section, std::string_view key, path& out, Need need = Need::optional);
  void watch(const path& file);

  Reading& reading_;
  Config config_;
  std::uint64_t written_at_;
  routing::Capture default_capture_ = routing::Capture::metadata;
  bool mixed_allowed_ = false;  // recipients
};

}  // namespace sallyport::gateway
