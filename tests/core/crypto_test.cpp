#include "core/crypto.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::core::crypto;
using sallyport::tests::hex;
using sallyport::tests::read_vectors;

namespace {

Aes256Gcm::Nonce nonce_of(ConstBytes bytes) {
  Aes256Gcm::Nonce nonce;
  REQUIRE(bytes.size() == nonce.size());
  std::ranges::copy(bytes, nonce.begin());
  return nonce;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

bool all_zero(ConstBytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

std::size_t copies_in(ConstBytes memory, ConstBytes secret, const auto& counts) {
  std::size_t copies = 0;
  for (auto at = memory.begin();; ++at) {
    at = std::search(at, memory.end(), secret.begin(), secret.end());
    if (at == memory.end()) return copies;
    if (counts(static_cast<std::size_t>(at - memory.begin()))) ++copies;
  }
}

// How often it stands in what this process can write to: heap, stacks and data.
std::size_t copies_in_process(ConstBytes secret) {
  constexpr std::size_t largest_region = 1 << 30;  // larger ones are a sanitizer's shadow
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  REQUIRE(memory >= 0);
  std::ifstream maps("/proc/self/maps");
  Secret room(std::size_t{1} << 20);
  const auto room_begin = reinterpret_cast<std::uintptr_t>(room.reveal().data());
  std::size_t copies = 0;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char writable = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx r%c", &begin, &end, &writable) != 3) continue;
    if (writable != 'w' || end - begin > largest_region) continue;
    for (std::uintptr_t at = begin; at < end; at += room.size() - secret.size() + 1) {
      const MutableBytes window = room.reveal_for_writing().first(std::min(room.size(), end - at));
      const ssize_t got = ::pread(memory, window.data(), window.size(), static_cast<off_t>(at));
      if (got <= 0) continue;
      const auto is_not_the_window = [&](std::size_t offset) { return at + offset - room_begin >= room.size(); };
      copies += copies_in(window.first(static_cast<std::size_t>(got)), secret, is_not_the_window);
    }
  }
  ::close(memory);
  return copies;
}

}  // namespace

TEST_CASE("SHA-256 gives FIPS 180-4's values, whole and in pieces") {
  // NIST's example values for SHA-256.
  const std::string message = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const std::string digest = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
  CHECK(to_hex(sha256(bytes_of(message))) == digest);
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  for (std::size_t cut = 0; cut <= message.size(); ++cut) {
    hash.update(bytes_of(message.substr(0, cut)));
    hash.update(bytes_of(message.substr(cut)));
    CHECK(to_hex(hash.finish()) == digest);  // and finish() starts anew
  }
}

TEST_CASE("HMAC-SHA256 gives RFC 4231's values") {
  CHECK(to_hex(hmac_sha256(Bytes(20, std::byte{0x0b}), bytes_of("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256(Bytes(131, std::byte{0xaa}),
                           bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("a key that HMAC keeps for a while is in memory until WipeAtEnd ends, and no longer") {
  const Hash hash = GENERATE(Hash::sha256, Hash::sha384);
  Secret key(48);
  random(key.reveal_for_writing());
  Secret out(48);
  {
    const WipeAtEnd wipe_at_end;
    hkdf_expand(key.reveal(), bytes_of("info"), out.reveal_for_writing(), hash);
    CHECK(copies_in_process(key.reveal()) > 1);  // beside our own
  }
  CHECK(copies_in_process(key.reveal()) == 1);
  hkdf_expand(key.reveal(), bytes_of("info"), out.reveal_for_writing(), hash);
  CHECK(copies_in_process(key.reveal()) == 1);
}

TEST_CASE("an empty HMAC key is a key of its own, not the one used before, on a thread's first use too") {
  Digest first{};
  std::thread([&first] { first = hmac_sha256({}, bytes_of("data")); }).join();
  hmac_sha256(bytes_of("another key"), bytes_of("data"));
  CHECK(hmac_sha256({}, bytes_of("data")) == first);
}

TEST_CASE("HKDF-SHA256 passes Wycheproof") {
  const auto vectors = read_vectors("hkdf_sha256.json");
  for (const auto& test : vectors["tests"]) {
    INFO("tcId " << test["tcId"]);
    const Digest key = hkdf_extract(hex(test, "salt"), hex(test, "ikm"));
    Bytes out(test["size"].get<std::size_t>());
    if (test["result"] == "valid") {
      hkdf_expand(key, hex(test, "info"), out);
      CHECK(to_hex(out) == test["okm"].get<std::string>());
    } else {
      CHECK_THROWS(hkdf_expand(key, hex(test, "info"), out));
    }
  }
  CHECK(vectors["tests"].size() > 50);
}

TEST_CASE("HKDF gives 255 blocks and not a byte more") {
  const Digest key = hkdf_extract({}, bytes_of("key"));
  Bytes most(255 * 32);
  CHECK_NOTHROW(hkdf_expand(key, {}, most));
  most.push_back(std::byte{0});
  CHECK_THROWS(hkdf_expand(key, {}, most));
}

TEST_CASE("AES-256-GCM passes Wycheproof") {
  const auto vectors = read_vectors("aes_256_gcm.json");
  Aes256Gcm cipher(Bytes(32));
  for (const auto& test : vectors["tests"]) {
    INFO("tcId " << test["tcId"]);
    cipher.rekey(hex(test, "key"));
    const auto nonce = nonce_of(hex(test, "iv"));
    const Bytes associated = hex(test, "aad"), message = hex(test, "msg");
    const Bytes sealed = joined(hex(test, "ct"), hex(test, "tag"));
    Bytes out(message.size(), std::byte{0xee});
    const bool valid = test["result"] == "valid";
    CHECK(cipher.open(nonce, associated, sealed, out) == valid);
    CHECK((valid ? out == message : all_zero(out)));
    if (!valid) continue;
    Bytes again(sealed.size());
    cipher.seal(nonce, associated, message, again);
    CHECK(to_hex(again) == to_hex(sealed));
  }
  CHECK(vectors["tests"].size() > 50);
}

TEST_CASE("AES-256-GCM seals and opens in place") {
  Aes256Gcm cipher(Bytes(32, std::byte{7}));
  const Aes256Gcm::Nonce nonce{};
  Bytes buffer(1000 + Aes256Gcm::tag_size, std::byte{'x'});
  cipher.seal(nonce, {}, ConstBytes(buffer).first(1000), buffer);
  CHECK(cipher.open(nonce, {}, buffer, MutableBytes(buffer).first(1000)));
  CHECK(std::ranges::all_of(ConstBytes(buffer).first(1000), [](std::byte byte) { return byte == std::byte{'x'}; }));
}

TEST_CASE("AES-256-GCM refuses every changed bit, every cut and other associated data, and wipes what it had written") {
  Aes256Gcm cipher(Bytes(32, std::byte{7}));
  const Aes256Gcm::Nonce nonce{};
  const std::string plaintext = "the prompt";
  Bytes sealed(plaintext.size() + Aes256Gcm::tag_size);
  cipher.seal(nonce, bytes_of("place"), bytes_of(plaintext), sealed);
  Bytes out(plaintext.size());
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    const auto mask = static_cast<std::byte>(1u << bit % 8);
    sealed[bit / 8] ^= mask;
    CHECK_FALSE(cipher.open(nonce, bytes_of("place"), sealed, out));
    CHECK(all_zero(out));
    sealed[bit / 8] ^= mask;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    Bytes part(size < Aes256Gcm::tag_size ? 0 : size - Aes256Gcm::tag_size);
    CHECK_FALSE(cipher.open(nonce, bytes_of("place"), ConstBytes(sealed).first(size), part));
  }
  CHECK_FALSE(cipher.open(nonce, bytes_of("elsewhere"), sealed, out));
  CHECK_FALSE(cipher.open(nonce, {}, sealed, out));
  CHECK(cipher.open(nonce, bytes_of("place"), sealed, out));
  CHECK(text_of(out) == plaintext);
}

TEST_CASE("AES-256-GCM takes only keys of 32 bytes and buffers of the right size") {
  CHECK_THROWS_AS(Aes256Gcm(Bytes(31)), std::invalid_argument);
  CHECK_THROWS_AS(Aes256Gcm(Bytes(33)), std::invalid_argument);
  Aes256Gcm cipher(Bytes(32));
  Bytes out(20);
  CHECK_THROWS_AS(cipher.seal({}, {}, Bytes(5), out), std::invalid_argument);
  CHECK_THROWS_AS(cipher.open({}, {}, Bytes(20), out), std::invalid_argument);
}

TEST_CASE("a rekeyed cipher seals as a new one, after a failed opening too") {
  Bytes out(16), expected(16);
  Aes256Gcm cipher(Bytes(32, std::byte{1}));
  CHECK_FALSE(cipher.open({}, {}, Bytes(16), {}));
  cipher.rekey(Bytes(32, std::byte{2}));
  cipher.seal({}, {}, {}, out);
  Aes256Gcm(Bytes(32, std::byte{2})).seal({}, {}, {}, expected);
  CHECK(out == expected);
}

TEST_CASE("random bytes fill the whole buffer and differ each time") {
  Bytes first(64), second(64);
  random(first);
  random(second);
  CHECK(first != second);
  CHECK_FALSE(all_zero(ConstBytes(first).last(16)));
  random({});
}

TEST_CASE("equal looks at every byte and at the length") {
  Bytes bytes(40, std::byte{3});
  const Bytes same = bytes;
  CHECK(equal(bytes, same));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= std::byte{1};
    CHECK_FALSE(equal(bytes, same));
    bytes[i] ^= std::byte{1};
  }
  CHECK_FALSE(equal(bytes, ConstBytes(same).first(39)));
  CHECK(equal({}, {}));
}

TEST_CASE("threads have algorithms of their own and come to the same results") {
  const Digest expected = hmac_sha256(bytes_of("key"), bytes_of("data"));
  std::array<Digest, 4> results;
  std::vector<std::thread> threads;
  for (Digest& result : results) {
    threads.emplace_back([&result] {
      for (int i = 0; i < 200; ++i) result = hmac_sha256(bytes_of("key"), bytes_of("data"));
    });
  }
  for (auto& thread : threads) thread.join();
  for (const Digest& result : results) CHECK(result == expected);
}
