// What clients are told when something is refused, and docs/clients.md, which says so.
#include "gateway/respond.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace sallyport;
using namespace sallyport::gateway;
using core::Reason;
using routing::Family;

namespace {

constexpr Family families[] = {Family::openai_chat,      Family::openai_completions, Family::openai_embeddings,
                               Family::openai_responses, Family::anthropic_messages, Family::other};

std::vector<Reason> all_reasons() {
  std::vector<Reason> reasons;
  for (int i = 0; i <= static_cast<int>(Reason::internal); ++i) reasons.push_back(static_cast<Reason>(i));
  return reasons;
}

// The first two cells of each row of the page's tables.
std::vector<std::pair<std::string, std::string>> rows_of_the_page() {
  std::vector<std::pair<std::string, std::string>> rows;
  std::istringstream page(tests::read_file(std::filesystem::path(SOURCE_DIR) / "docs" / "clients.md"));
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| ")) continue;
    const std::size_t first = line.find(" | "), second = line.find(" | ", first + 1);
    if (second != line.npos) rows.emplace_back(line.substr(2, first - 2), line.substr(first + 3, second - first - 3));
  }
  return rows;
}

// "`a`, `b`": a and b.
std::vector<std::string> quoted(const std::string& cell) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = cell.find('`', at)) != cell.npos;) {
    const std::size_t end = cell.find('`', at + 1);
    words.push_back(cell.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return words;
}

}  // namespace

TEST_CASE("every refusal is one JSON object in its family's shape, and says something") {
  for (const Reason reason : all_reasons()) {
    for (const Family family : families) {
      std::string text;
      append_error_body(text, family, reason);
      INFO(text);
      const auto body = nlohmann::json::parse(text, nullptr, false);
      REQUIRE(body.is_object());
      const auto& error = body["error"];
      CHECK(error["message"].get<std::string>().ends_with('.'));
      if (family == Family::anthropic_messages) {
        CHECK(body["type"].get<std::string>() == "error");
        CHECK(error.size() == 2);
      } else {
        CHECK(error.size() == 4);
        CHECK(error["code"].is_string());
      }
      CHECK(error["type"].is_string());
    }
  }
}

TEST_CASE("docs/clients.md has every status and code that a client may meet, and no other") {
  std::set<std::pair<std::string, std::string>> told, documented;
  for (const Reason reason : all_reasons()) {
    const Refusal& refusal = refusal_for(reason);
    told.emplace(std::to_string(refusal.status), refusal.code);
  }
  for (const auto& [statuses, codes] : rows_of_the_page()) {
    if (statuses.empty() || statuses.find_first_not_of("0123456789, ") != statuses.npos) continue;
    std::istringstream numbers(statuses);
    std::string status;
    numbers >> status;
    for (const std::string& code : quoted(codes)) {  // each its own status, or all the same
      documented.emplace(status.substr(0, 3), code);
      numbers >> status;
    }
  }
  CHECK(told == documented);
}

TEST_CASE("docs/clients.md calls model paths what is one") {
  std::size_t paths = 0;
  for (const auto& [names, methods] : rows_of_the_page()) {
    if (methods != "POST") continue;
    for (const std::string& name : quoted(names)) {
      INFO(name);
      CHECK(routing::model_family(name).has_value());
      ++paths;
    }
  }
  CHECK(paths == 12);
}
