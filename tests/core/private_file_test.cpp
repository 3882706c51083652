#include "core/private_file.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/skipped.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace sallyport::core;
using namespace sallyport::tests;

namespace {

std::vector<std::string> synced;  // by fsync() below, in order

std::string refusal(const path& file) {
  try {
    read_private_file(file);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "(read)";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

// In place of the C library's, for this whole program.
extern "C" int fsync(int descriptor) {
  synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).string());
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

TEST_CASE("a private file is on disk when it has been written, and its name too") {
  const TemporaryDirectory directory;
  const path home = std::filesystem::canonical(directory.where());
  synced.clear();
  write_private_file(home / "key", bytes_of("content"));
  CHECK(synced == std::vector<std::string>{home / "key", home});
  synced.clear();
  const path before = std::filesystem::current_path();
  std::filesystem::current_path(home);
  write_private_file("bare", bytes_of("content"));
  std::filesystem::current_path(before);
  CHECK(synced == std::vector<std::string>{home / "bare", home});
}

TEST_CASE("a private file is written for its owner alone and read back whole") {
  const TemporaryDirectory directory;
  const path file = directory / "key";
  const mode_t umask_before = ::umask(0);
  write_private_file(file, bytes_of("content"));
  ::umask(umask_before);
  struct stat status;
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(read_private_file(file).reveal_text() == "content");
}

TEST_CASE("a private file is never written over") {
  const TemporaryDirectory directory;
  write_private_file(directory / "key", bytes_of("first"));
  CHECK_THROWS_AS(write_private_file(directory / "key", bytes_of("second")), std::runtime_error);
  CHECK(read_private_file(directory / "key").reveal_text() == "first");
  std::filesystem::create_symlink(directory / "elsewhere", directory / "link");
  CHECK_THROWS_AS(write_private_file(directory / "link", bytes_of("second")), std::runtime_error);
  CHECK_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

TEST_CASE("a secret that is another's, and a group's of ours to read, is read: so an orchestrator gives it") {
  if (::geteuid() != 0) return skipped("only root can give a file away");
  const TemporaryDirectory directory;
  const path file = directory / "key";
  write_private_file(file, bytes_of("content"));
  constexpr uid_t another = 65534;
  REQUIRE(::chown(file.c_str(), another, ::getegid()) == 0);
  REQUIRE(::chmod(file.c_str(), 0440) == 0);
  CHECK(read_private_file(file).reveal_text() == "content");
  for (const mode_t mode : {0460, 0450, 0444}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(has(refusal(file), "group or others"));
  }
}

TEST_CASE("a private file that anybody else has access to is refused, with what to do") {
  const TemporaryDirectory directory;
  const path file = directory / "key";
  write_private_file(file, bytes_of("content"));
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0660, 0644}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(has(refusal(file), "chmod 600 " + file.string()));
  }
  for (const mode_t mode : {0600, 0400}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(refusal(file) == "(read)");
  }
}

TEST_CASE("a private file has at most 64 KiB") {
  const TemporaryDirectory directory;
  write_private_file(directory / "most", Bytes(maximum_private_file_size));
  CHECK(read_private_file(directory / "most").size() == maximum_private_file_size);
  write_private_file(directory / "more", Bytes(maximum_private_file_size + 1));
  CHECK(has(refusal(directory / "more"), "too large"));
}

TEST_CASE("what is missing or no regular file is refused and does not wait") {
  const TemporaryDirectory directory;
  CHECK(has(refusal(directory / "none"), "No such file"));
  CHECK(has(refusal(directory.where()), "not a regular file"));
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(has(refusal(directory / "fifo"), "not a regular file"));
}
