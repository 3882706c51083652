#include "gateway/config/load_watched.hpp"

#include "tests/gateway/config/config_fixture.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/waiting.hpp"

using namespace sallyport::gateway;
using namespace sallyport::tests;

namespace {

// Two looks: a change counts once it holds still.
bool changed(FileWatch& files) { return files.changed() || files.changed(); }

}  // namespace

TEST_CASE("files that stay as they were read are no change, whether or not they were known before") {
  const ConfigFolder folder;
  const auto files = folder.load(ConfigText{}).config.files;
  REQUIRE(files.size() > 2);
  for (const auto& expected : {files, std::vector<path>{folder.file()}}) {
    Watched watched = load_watched(expected, [&] { return load_config(folder.file()); });
    CHECK(watched.loaded.usable());
    CHECK_FALSE(changed(watched.files));
    write_file(folder / "a.pem", "another");
    CHECK(changed(watched.files));
    std::filesystem::remove(folder / "a.pem");
  }
}

TEST_CASE("a configuration that cannot be read leaves the watch where it was") {
  const ConfigFolder folder;
  Watched watched = load_watched({folder.file()}, [&] { return load_config(folder.file()); });
  CHECK_FALSE(watched.loaded.usable());
  write_file(folder.file(), ConfigText{}.text());
  CHECK(changed(watched.files));
}

TEST_CASE("what is always watched is watched also where the configuration does not name it") {
  const ConfigFolder folder;
  const path always = folder / "running-tokens.jsonl";
  write_file(folder.file(), ConfigText{}.text());
  for (const auto& expected : {std::vector<path>{folder.file()}, std::vector<path>{folder.file(), always}}) {
    write_file(always, "");
    Watched watched = load_watched(
        expected, [&] { return load_config(folder.file()); }, always);
    CHECK_FALSE(changed(watched.files));
    write_file(always, "another line");
    CHECK(changed(watched.files));
    write_file(folder / "a.pem", "another");
    CHECK(changed(watched.files));
    std::filesystem::remove(folder / "a.pem");
  }
}

TEST_CASE("permissions that were mended are a change, though not a byte of the file is another") {
  const ConfigFolder folder;
  const auto files = folder.load(ConfigText{}).config.files;
  Watched watched = load_watched(files, [&] { return load_config(folder.file()); });
  REQUIRE_FALSE(changed(watched.files));
  CHECK(eventually([&] {  // not within the same tick of the file system's clock
    std::filesystem::permissions(folder.file(), std::filesystem::perms::owner_read);
    return changed(watched.files);
  }));
}

TEST_CASE("a file that changes while the configuration is being read is a change") {
  const ConfigFolder folder;
  const auto files = folder.load(ConfigText{}).config.files;
  const auto load_and_change = [&](const path& file) {
    return [&folder, file] {
      auto loaded = load_config(folder.file());
      write_file(file, read_file(file) + "# longer\n");
      return loaded;
    };
  };
  write_file(folder / "tokens.jsonl", "");
  for (const path& file : {folder.file(), folder / "tokens.jsonl"}) {
    INFO(file);
    Watched watched = load_watched(files, load_and_change(file));
    CHECK(changed(watched.files));
    watched = load_watched({folder.file()}, load_and_change(file));
    CHECK(changed(watched.files));
  }
}
