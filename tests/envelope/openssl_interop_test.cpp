// What we write is opened by OpenSSL's own command, and what it writes is opened by us.
#include <cstdlib>

#include "core/private_file.hpp"
#include "envelope/identity.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/vectors.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;
using sallyport::core::crypto::PublicKey;

namespace {

bool openssl(const TemporaryDirectory& directory, const std::string& arguments) {
  const std::string command = "cd " + directory.where().string() + " && openssl " + arguments + " >output 2>errors";
  const bool done = std::system(command.c_str()) == 0;
  if (!done) UNSCOPED_INFO(read_file(directory / "errors"));
  return done;
}

const std::string oaep = " -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 ";

}  // namespace

TEST_CASE("openssl pkeyutl opens our RSA-OAEP wrapping, and we open its own") {
  const TemporaryDirectory directory;
  const PrivateKey key = PrivateKey::generate_rsa(3072);
  write_private_file(directory / "key.pem", key.pem().reveal());
  const Recipient recipient = Recipient::of(key.public_key());
  const std::string data_key = "0123456789abcdef0123456789abcdef";

  const Bytes wrapped = recipient.wrap(bytes_of(data_key), bytes_of("ignored")).value();
  write_file(directory / "wrapped", text_of(wrapped));
  REQUIRE(openssl(directory, "pkeyutl -decrypt -inkey key.pem -in wrapped -out opened" + oaep));
  CHECK(read_file(directory / "opened") == data_key);

  REQUIRE(openssl(directory, "pkeyutl -encrypt -inkey key.pem -in opened -out theirs" + oaep));
  Identity loaded = Identity::load(directory / "key.pem", {});
  const std::string theirs = read_file(directory / "theirs");
  const Stanza stanza{recipient.suite(), recipient.id(), Bytes(bytes_of(theirs).begin(), bytes_of(theirs).end())};
  CHECK(loaded.unwrap(stanza, {})->reveal_text() == data_key);
}

TEST_CASE("openssl pkey reads the private keys we write, plain and encrypted, and finds the same public half") {
  const TemporaryDirectory directory;
  const PrivateKey keys[] = {PrivateKey::generate_p256(), PrivateKey::generate_rsa(2048),
                             PrivateKey::generate_ed25519()};
  for (const PrivateKey& key : keys) {
    write_file(directory / "plain.pem", key.pem().reveal_text());
    write_file(directory / "sealed.pem", key.encrypted_pem(Secret(std::string_view("some words"))));
    REQUIRE(openssl(directory, "pkey -in plain.pem -pubout -out plain.pub"));
    CHECK(read_file(directory / "plain.pub") == key.public_key().pem());
    REQUIRE(openssl(directory, "pkey -in sealed.pem -passin 'pass:some words' -pubout -out sealed.pub"));
    CHECK(read_file(directory / "sealed.pub") == key.public_key().pem());
    CHECK_FALSE(openssl(directory, "pkey -in sealed.pem -passin pass:other -pubout -out none"));
  }
}

TEST_CASE("an encrypted private key names scrypt and AES-256") {
  const TemporaryDirectory directory;
  write_file(directory / "sealed.pem", PrivateKey::generate_p256().encrypted_pem(Secret(std::string_view("words"))));
  REQUIRE(openssl(directory, "asn1parse -in sealed.pem"));
  const std::string parsed = read_file(directory / "output");
  for (const char* part : {":PBES2", ":scrypt", ":4000", ":aes-256-cbc"}) {
    INFO(part);
    CHECK(parsed.find(part) != std::string::npos);
  }
}

TEST_CASE("keys that openssl makes become recipients and identities") {
  const TemporaryDirectory directory;
  const std::string made[] = {
      "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
      "ecparam -name prime256v1 -genkey -noout -out key.pem",
      "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
      "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes256 -pass pass:words -out key.pem"};
  for (const std::string& arguments : made) {
    INFO(arguments);
    REQUIRE(openssl(directory, arguments));
    std::filesystem::permissions(directory / "key.pem", std::filesystem::perms::owner_read);
    REQUIRE(openssl(directory, "pkey -in key.pem -passin pass:words -pubout -out key.pub"));
    const auto key = PublicKey::from_pem(read_file(directory / "key.pub"));
    REQUIRE(key.has_value());
    const Recipient recipient = Recipient::of(*key);
    Identity identity = Identity::load(directory / "key.pem", [] { return Secret(std::string_view("words")); });
    const Stanza stanza{recipient.suite(), recipient.id(), recipient.wrap(bytes_of("data"), {}).value()};
    CHECK(identity.unwrap(stanza, {})->reveal_text() == "data");
    std::filesystem::remove(directory / "key.pem");
  }
}
