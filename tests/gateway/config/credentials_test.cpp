#include "gateway/config/credentials.hpp"

#include <stdexcept>

#include "core/private_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport;
using namespace sallyport::tests;

namespace {

struct KeyFile {
  TemporaryDirectory folder;
  gateway::ApiKey key{folder / "model-server.key"};

  explicit KeyFile(const std::string& text) {
    write_file(key.file, text);
    std::filesystem::permissions(key.file, std::filesystem::perms(0600));
  }
  std::string line() const { return std::string(gateway::read_api_key(key).reveal_text()); }
  std::string refusal() const {
    try {
      return line();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
};

}  // namespace

TEST_CASE("a model server's key is shown as a bearer token, or alone in a field of its own") {
  KeyFile file("sk-abc.DEF_123=\n");
  CHECK(file.line() == "authorization: Bearer sk-abc.DEF_123=\r\n");
  file.key.field = "x-api-key";
  CHECK(file.line() == "x-api-key: sk-abc.DEF_123=\r\n");
}

TEST_CASE("what is no key is refused with the file's name, and without a word of what is in it") {
  const std::string text = GENERATE(as<std::string>{}, "", "\n\n", "secret one", "secret\nx-admin: 1",
                                    "secret\r\n\r\nGET", "Bearer secret", "secr\xc3\xa9t", std::string("secret\0", 7));
  const KeyFile file(text);
  CHECK(file.refusal().starts_with(file.key.file.string() + " holds "));
  CHECK(file.refusal().find("secr") == std::string::npos);
}

TEST_CASE("a model server's key that others may read is refused") {
  const KeyFile file("sk-abc");
  std::filesystem::permissions(file.key.file, std::filesystem::perms(0644));
  CHECK_THROWS_AS(file.line(), std::runtime_error);
}

TEST_CASE("a password is what stands in a private file, without the newline at its end") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory / "password";
  core::write_private_file(file, core::bytes_of("correct horse\r\n"));
  CHECK(gateway::read_password(file).reveal_text() == "correct horse");
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  CHECK_THROWS_WITH(
      gateway::read_password(file),
      file.string() + ": group or others have access to this private file; run: chmod 600 " + file.string());
  core::write_private_file(directory / "empty", core::bytes_of("\n"));
  CHECK_THROWS_WITH(gateway::read_password(directory / "empty"), (directory / "empty").string() + " holds no password");
}
