#include "gateway/shared_limits.hpp"

#include "core/private_file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport;

TEST_CASE("a password is what stands in a private file, without the newline at its end") {
  const tests::TemporaryDirectory directory;
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
