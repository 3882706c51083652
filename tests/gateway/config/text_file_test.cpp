#include "gateway/config/text_file.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using sallyport::gateway::read_text_file;
using namespace sallyport::tests;

TEST_CASE("a text file is read whole up to its limit, and refused past it") {
  const TemporaryDirectory folder;
  const path file = folder / "text";
  for (const std::size_t size : {0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100'000}) {
    const std::string text(size, 'a');
    write_file(file, text);
    CHECK(read_text_file(file, size).text == text);
    if (size == 0) continue;
    const auto past = read_text_file(file, size - 1);
    CHECK_FALSE(past.text);
    CHECK(past.problem == "is larger than " + std::to_string(size - 1) + " bytes");
  }
}

TEST_CASE("what cannot be opened or read says why") {
  const TemporaryDirectory folder;
  CHECK(read_text_file(folder / "absent", 10).problem == "cannot be opened: No such file or directory");
  CHECK(read_text_file(folder.where(), 10).problem == "cannot be read: Is a directory");
}
