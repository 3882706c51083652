#include "core/secret.hpp"

#include <algorithm>
#include <memory_resource>
#include <ostream>
#include <type_traits>

#include "tests/support/catch.hpp"

using namespace sallyport::core;

namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Comparable = requires(const T& value) {
  value == value;
};

bool all_zero(ConstBytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

TEST_CASE("a secret can be neither printed, nor compared with ==, nor copied by accident") {
  CHECK(Printable<std::string>);
  CHECK_FALSE(Printable<Secret>);
  CHECK_FALSE(Comparable<Secret>);
  CHECK_FALSE(std::is_copy_constructible_v<Secret>);
  CHECK_FALSE(std::is_copy_assignable_v<Secret>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string>);
}

TEST_CASE("a secret tells equal content from other content and other lengths") {
  const Secret secret(std::string_view("open sesame"));
  CHECK(secret.equals(bytes_of("open sesame")));
  CHECK_FALSE(secret.equals(bytes_of("open sesamf")));
  CHECK_FALSE(secret.equals(bytes_of("open sesam")));
  CHECK_FALSE(secret.equals({}));
  CHECK(Secret().equals({}));
}

TEST_CASE("taking a text leaves nothing of it with the caller") {
  std::string text = "a passphrase that is too long for the small string buffer";
  const std::string before = text;
  const char* storage = text.data();
  const Secret secret = Secret::take(text);
  CHECK(secret.reveal_text() == before);
  CHECK(text.empty());
  CHECK(all_zero(bytes_of({storage, before.size()})));
}

TEST_CASE("wipe leaves only zeros") {
  std::byte bytes[] = {std::byte{1}, std::byte{2}, std::byte{3}};
  wipe(bytes);
  CHECK(all_zero(bytes));
  wipe({});
}

TEST_CASE("what moves to a larger place leaves the old one wiped") {
  const std::string before(100, 'x');
  Bytes place(200);  // where what is given back may be looked at
  std::pmr::monotonic_buffer_resource memory(place.data(), place.size());
  std::pmr::string text(before, &memory);
  const char* const old = text.data();
  CHECK(std::count(place.begin(), place.end(), std::byte{'x'}) == 100);
  reserve_wiping(text, 1000);
  CHECK(text == std::string_view(before));
  CHECK(text.capacity() >= 1000);
  CHECK(text.data() != old);
  CHECK(std::count(place.begin(), place.end(), std::byte{'x'}) == 0);
}

TEST_CASE("a moved-from secret is empty, and a secret survives being assigned to itself") {
  Secret first(std::string_view("first"));
  Secret second(std::string_view("second"));
  Secret copy = second.copy();

  first = std::move(second);
  CHECK(first.reveal_text() == "second");
  CHECK(second.empty());
  CHECK(copy.reveal_text() == "second");

  Secret& same = first;
  first = std::move(same);
  CHECK(first.reveal_text() == "second");
}
