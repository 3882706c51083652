#include "gateway/plain_path.hpp"

#include "tests/support/catch.hpp"

using sallyport::core::Reason;
using sallyport::gateway::check_plain_path;

TEST_CASE("a plain path passes, and so does a model path, which another method may use") {
  for (const auto* path : {"/", "/v1/files/", "/v1/Files", "/v1/responses/resp_1", "/v1/chat/completions/id_1",
                           "/v1/chat/completions", "/v1/models", "*"}) {
    INFO(path);
    CHECK(check_plain_path(path).has_value());
  }
}

TEST_CASE("a path that may be read as a model path does not pass") {
  struct Case {
    const char* path;
    Reason reason;
  };
  for (const Case& one :
       {Case{"/v1/%63hat/completions", Reason::path_ambiguous},
        Case{"/v1/audio/../chat/completions", Reason::path_ambiguous},
        Case{"/v1//chat/completions", Reason::path_ambiguous}, Case{"/v1/chat/completions%0A", Reason::path_ambiguous},
        Case{"/v1/chat/completions/", Reason::path_misspelt}, Case{"/v1/Chat/Completions", Reason::path_misspelt},
        Case{"/V1/MESSAGES/", Reason::path_misspelt}, Case{"/v1/models/", Reason::path_misspelt},
        Case{"/Tokenize", Reason::path_misspelt}}) {
    INFO(one.path);
    const auto checked = check_plain_path(one.path);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().reason == one.reason);
  }
}
