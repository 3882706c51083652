// A log in a directory of its own, with a key pair made once for all tests of this program.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/private_key.hpp"
#include "envelope/identity.hpp"
#include "logging/reader.hpp"
#include "logging/sealed_log.hpp"
#include "logging/storage.hpp"
#include "logging/verify.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

inline const core::crypto::PrivateKey& reader_private_key() {
  static const auto key = core::crypto::PrivateKey::generate_p256();
  return key;
}

inline envelope::Identity& reader_key() {
  static envelope::Identity identity(reader_private_key());
  return identity;
}

inline envelope::Identity& other_key() {
  static envelope::Identity identity(core::crypto::PrivateKey::generate_p256());
  return identity;
}

// Of two tenants.
inline envelope::Identity& acme_key() {
  static envelope::Identity identity(core::crypto::PrivateKey::generate_p256());
  return identity;
}

inline envelope::Identity& globex_key() {
  static envelope::Identity identity(core::crypto::PrivateKey::generate_p256());
  return identity;
}

// The reader's key, how often it was asked for, and what happens the first time: a log's first segment is being opened
// then, and all of them have been listed. With `use`: what happens that time.
struct KeyAtFirstUse final : envelope::KeyHolder {
  explicit KeyAtFirstUse(std::function<void()> first, unsigned use = 1) : once(std::move(first)), at(use) {}
  std::vector<envelope::Recipient> recipients() const override { return reader_key().recipients(); }
  core::Result<core::Secret> unwrap(const envelope::Stanza& stanza, core::ConstBytes context) override {
    if (++uses == at) once();
    return reader_key().unwrap(stanza, context);
  }
  std::function<void()> once;
  unsigned at, uses = 0;
};

inline logging::LogSettings log_settings(const path& directory) {
  logging::LogSettings settings;
  settings.directory = directory;
  settings.origin = "gateway-1";
  settings.flush_interval = std::chrono::milliseconds(20);
  settings.retry_interval = std::chrono::milliseconds(20);
  return settings;
}

inline logging::Record record_named(const std::string& request_id) {
  logging::Record record;
  record.request_id = request_id;
  record.started = FakeClock::start;
  record.principal = "team-a";
  record.model = "llama";
  record.status = 200;
  record.content_kept = true;
  return record;
}

inline core::Result<void> keep_request(logging::LogEntry& entry, std::string_view text) {
  core::Result<void> kept;
  for (std::size_t at = 0; at < text.size() && kept; at += logging::max_content_piece) {
    kept = entry.request_body(core::SharedBytes::copy_of(core::bytes_of(text.substr(at, logging::max_content_piece))));
  }
  return kept;
}

// Finishes an exchange and waits for its promise.
inline core::Result<void> finish(logging::LogEntry entry, const logging::Record& record) {
  // Shared: the writer's thread may still be inside set_value() when this one goes on.
  const auto sealed = std::make_shared<std::promise<core::Result<void>>>();
  auto told = sealed->get_future();
  entry.finish(record, [sealed](core::Result<void> result) { sealed->set_value(result); });
  return told.get();
}

inline core::Result<void> seal(logging::SealedLog& log, const std::string& id, std::string_view request = {},
                               std::string_view response = {}, const std::string& tenant = {}) {
  auto entry = log.open_entry(true, tenant);
  if (!entry) return entry.error();
  keep_request(*entry, request);
  entry->response_body(core::bytes_of(response));
  logging::Record record = record_named(id);
  record.tenant = tenant;
  return finish(std::move(*entry), record);
}

struct ReadExchange {
  logging::Exchange exchange;
  std::string request, response;
  std::string sealed_for;
};

struct ReadLog {
  std::vector<ReadExchange> exchanges;
  std::vector<logging::Exchange> unfinished;
  std::vector<std::string> troubles;
  std::uint64_t passed_over = 0;

  const ReadExchange* find(const std::string& request_id) const {
    for (const ReadExchange& read : exchanges) {
      if (read.exchange.metadata.find("\"request_id\":\"" + request_id + "\"") != std::string::npos) return &read;
    }
    return nullptr;
  }
  bool has(const std::string& request_id) const { return find(request_id) != nullptr; }
};

inline ReadLog read_log(const path& directory, envelope::KeyHolder& key = reader_key()) {
  ReadLog read;
  logging::LogReader reader(directory, key, [&](std::uint64_t segment, const std::string& words) {
    read.troubles.push_back(std::to_string(segment) + ": " + words);
  });
  const auto text = [&](logging::Exchange& exchange, logging::PartType body) {
    const auto content = reader.content(exchange, body);
    return content ? std::string(core::text_of(*content)) : std::string("(not authentic)");
  };
  while (auto exchange = reader.next()) {
    auto request = text(*exchange, logging::PartType::request_body);
    auto response = text(*exchange, logging::PartType::response_body);
    auto sealed_for = reader.sealed_for(*exchange);
    read.exchanges.push_back({std::move(*exchange), std::move(request), std::move(response), std::move(sealed_for)});
  }
  read.passed_over = reader.passed_over();
  read.unfinished = reader.unfinished();
  return read;
}

inline std::vector<std::string> findings_of(const path& directory, envelope::KeyHolder* key = nullptr) {
  std::vector<std::string> names;
  for (const auto& finding : logging::verify_log(directory, key).findings) {
    names.push_back(std::string(logging::name(finding.kind)) + "@" + std::to_string(finding.segment));
  }
  return names;
}

}  // namespace sallyport::tests
