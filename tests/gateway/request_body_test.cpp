#include "gateway/request_body.hpp"

#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

namespace sallyport::tests {

using core::Reason;
using gateway::BodyLimits;
using gateway::ByteBudget;
using gateway::RequestBody;

namespace {

constexpr std::uint64_t block = 64 * 1024;
constexpr std::uint64_t spool_memory = 2 * (block + 16);  // what a spool holds beside the body's first part

struct Store {
  ByteBudget memory{16 << 20}, disk{16 << 20};
  TemporaryDirectory directory;
  BodyLimits limits{8 << 20, 4096};
  RequestBody body() { return RequestBody(limits, {memory, disk}, directory.where()); }
};

std::string numbered(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

std::string whole(RequestBody& body) {
  std::string text;
  for (;;) {
    const auto part = body.part(text.size());
    REQUIRE(part.has_value());
    if (part->empty()) return text;
    text += core::text_of(*part);
  }
}

}  // namespace

TEST_CASE("a body comes back as it went in, whatever the pieces and wherever it lies") {
  Store store;
  const std::size_t size = GENERATE(0, 1, 4095, 4096, 4097, 4096 + 65535, 4096 + 65536, 4096 + 65537, 300'000);
  const std::size_t piece = GENERATE(1000, 4096, 65536, 300'000);
  const std::string text = numbered(size);
  {
    auto body = store.body();
    for (std::size_t at = 0; at < size; at += piece) {
      REQUIRE(body.append(core::bytes_of(std::string_view(text).substr(at, piece))).has_value());
    }
    CHECK(body.size() == size);
    CHECK(whole(body) == text);
    CHECK(whole(body) == text);  // a second try reads it again
  }
  CHECK(store.memory.used() == 0);
  CHECK(store.disk.used() == 0);
}

TEST_CASE("a body of known size is received where it stays, and takes no more memory than it needs") {
  Store store;
  const std::size_t size = GENERATE(1, 4095, 4096, 4097, 30'000, 300'000);
  store.limits.memory_bytes = GENERATE(4096, 1 << 20);
  const std::size_t at_once = GENERATE(700, 100'000), first = GENERATE(0, 600);
  const std::string text = numbered(size);
  auto body = store.body();
  body.expect(size);
  REQUIRE(body.append(core::bytes_of(std::string_view(text).substr(0, first))).has_value());
  while (body.size() < size) {
    const auto room = body.room();
    REQUIRE(room.has_value());
    const std::string_view rest = std::string_view(text).substr(body.size());
    REQUIRE(room->size() <= rest.size());
    CHECK(room->empty() == (body.size() >= store.limits.memory_bytes));
    const auto piece = core::bytes_of(rest.substr(0, room->empty() ? at_once : std::min(at_once, room->size())));
    if (room->empty()) {
      REQUIRE(body.append(piece).has_value());
    } else {
      std::copy(piece.begin(), piece.end(), room->begin());
      body.grow(piece.size());
    }
    if (body.size() <= store.limits.memory_bytes)
      CHECK(store.memory.used() <= std::max<std::size_t>(5 * body.size(), 16 * 1024));
  }
  CHECK(whole(body) == text);
  CHECK(body.room()->empty());
  if (size <= store.limits.memory_bytes) CHECK(store.memory.used() == size);
}

TEST_CASE("a body that is announced and does not come holds little of the memory that all share") {
  Store store;
  store.limits.memory_bytes = 1 << 20;
  auto body = store.body();
  body.expect(1 << 20);
  while (body.size() < 100'000) {
    const auto room = body.room();
    REQUIRE(room.has_value());
    REQUIRE_FALSE(room->empty());
    CHECK(store.memory.used() <= std::max<std::uint64_t>(16 * 1024, 5 * body.size()));
    body.grow(1);
  }
}

TEST_CASE("a block with room left is not shared, but copied: who keeps it pays for what is in it") {
  Store store;
  auto body = store.body();  // of unknown size
  REQUIRE(body.append(core::bytes_of("x")).has_value());
  const auto part = body.share(0);
  REQUIRE(part.has_value());
  CHECK(core::text_of(part->bytes()) == "x");
  CHECK(part->bytes().data() != body.part(0)->data());
}

TEST_CASE("what the log shares of a body outlives it") {
  Store store;
  const std::string text = numbered(4096 + 70'000);
  std::vector<core::SharedBytes> shared;
  {
    auto body = store.body();
    REQUIRE(body.append(core::bytes_of(text)).has_value());
    for (std::uint64_t at = 0; at < body.size(); at += shared.back().size()) {
      auto part = body.share(at);
      REQUIRE(part.has_value());
      REQUIRE_FALSE(part->empty());
      shared.push_back(std::move(*part));
    }
    CHECK(shared.front().bytes().data() == body.part(0)->data());  // not a copy
  }
  std::string got;
  for (const auto& part : shared) got += core::text_of(part.bytes());
  CHECK(got == text);
}

TEST_CASE("a body is refused at one byte over its limit") {
  Store store;
  store.limits.bytes = 5000;
  auto body = store.body();
  REQUIRE(body.append(core::bytes_of(numbered(5000))).has_value());
  CHECK(body.append(core::bytes_of("x")).error().reason == Reason::body_too_large);
}

TEST_CASE("memory and disk are charged to the process's budgets, and a body past either is refused") {
  Store store;
  SECTION("memory, a spool's own included") {
    ByteBudget memory(4096 + spool_memory);
    RequestBody body(store.limits, {memory, store.disk}, store.directory.where());
    REQUIRE(body.append(core::bytes_of(numbered(4097))).has_value());
    CHECK(memory.used() == 4096 + spool_memory);
    RequestBody other(store.limits, {memory, store.disk}, store.directory.where());
    CHECK(other.append(core::bytes_of("x")).error().reason == Reason::overloaded);
  }
  SECTION("memory that is enough for the body, but not for a spool") {
    ByteBudget memory(4096 + spool_memory - 1);
    RequestBody body(store.limits, {memory, store.disk}, store.directory.where());
    REQUIRE(body.append(core::bytes_of(numbered(4096))).has_value());
    CHECK(body.append(core::bytes_of("x")).error().reason == Reason::overloaded);
  }
  SECTION("disk") {
    ByteBudget disk(2 * (block + 16));
    RequestBody body(store.limits, {store.memory, disk}, store.directory.where());
    REQUIRE(body.append(core::bytes_of(numbered(4096 + 3 * block - 1))).has_value());
    CHECK(body.append(core::bytes_of("x")).error().reason == Reason::overloaded);
    CHECK(disk.used() == 2 * (block + 16));
  }
}

TEST_CASE("without a place to spool a small body passes and a large one is refused") {
  Store store;
  const path absent = store.directory / "absent";
  RequestBody body(store.limits, {store.memory, store.disk}, absent);
  REQUIRE(body.append(core::bytes_of(numbered(4096 + block - 1))).has_value());
  CHECK(body.append(core::bytes_of("x")).error().reason == Reason::overloaded);
  CHECK(store.disk.used() == 0);
}

}  // namespace sallyport::tests
