// A configuration in a folder of its own, with the files it names.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "core/private_key.hpp"
#include "envelope/identity.hpp"
#include "gateway/config/load_config.hpp"
#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

inline std::string a_recipient() {
  return envelope::Identity(core::crypto::PrivateKey::generate_p256()).recipient().text();
}

// Every part once, and right: a test changes one of them.
struct ConfigText {
  std::string listeners =
      "listeners:\n  - {name: in, address: 127.0.0.1:8443, tls: {certificates: [{chain: a.pem, key: a.key}]}}\n";
  std::string upstreams = "upstreams:\n  - {name: up, endpoints: [\"https://10.0.0.5:8000\"]}\n";
  std::string models = "models:\n  - {name: m, targets: [{upstream: up}]}\n";
  std::string access = "tokens: {file: tokens.jsonl}\n";
  std::string log = "log: off\n";
  std::string more;

  std::string text() const { return listeners + upstreams + models + access + log + more; }
};

class ConfigFolder {
 public:
  gateway::Loaded load(std::string_view text) const {
    write_file(file(), text);
    return gateway::load_config(file());
  }
  gateway::Loaded load(const ConfigText& config) const { return load(std::string_view(config.text())); }
  path file() const { return folder_ / "gateway.yaml"; }
  path operator/(const path& name) const { return folder_ / name; }

 private:
  TemporaryDirectory folder_;
};

// All problems, a line each, without the file's name: "3:5: models[0].name: …".
inline std::string problems_of(const gateway::Loaded& loaded) {
  std::string text;
  for (gateway::Problem problem : loaded.problems) {
    problem.file.clear();
    text += text_of(problem).substr(1) + "\n";
  }
  return text;
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace sallyport::tests
