// What the small model server says: the shapes of OpenAI's and Anthropic's answers, plain and streamed, filled with
// the prompt's own words. Bytes only, no I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace sallyport::model_server {

using Json = nlohmann::ordered_json;

struct Answer {
  unsigned status = 200;
  std::string body;                 // a plain answer's
  std::vector<std::string> events;  // a streamed answer's, each whole with its blank line; empty: plain
  bool cut = false;                 // half of it, and then the connection's end
  bool new_keys = false;            // TLS KeyUpdate before it
};

// One request's answer. `words`: how many words a chat answer has at most. Models that behave badly, by name: "missing"
// is not loaded, "failing" answers 500, "cutting" cuts its answers short, "rekeying" takes new TLS keys for each.
Answer answer(std::string_view method, std::string_view path, std::string_view body, std::size_t words);

}  // namespace sallyport::model_server
