#include "envelope/command_holder.hpp"

#include <sys/stat.h>

#include "core/crypto.hpp"
#include "core/private_file.hpp"
#include "core/private_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/waiting.hpp"

using namespace sallyport::core;
using namespace sallyport::envelope;
using namespace sallyport::tests;
using sallyport::core::crypto::PrivateKey;

namespace {

const Stanza stanza{Suite::rsa_oaep_sha256, "0123456789abcdef", Bytes(384, std::byte{'w'})};
const ConstBytes context = bytes_of("ctx");

class Script {
 public:
  explicit Script(const std::string& lines) {
    write_file(file(), "#!/bin/sh\n" + lines + "\n");
    ::chmod(file().c_str(), 0700);
  }
  path file() const { return directory_ / "open key"; }  // a blank: nothing splits it
  path beside(const char* name) const { return directory_ / name; }

  // The data key, an error's name, or what failed, without the program's own name.
  std::string answer(const Stanza& asked = stanza, std::chrono::milliseconds deadline = 10s) const {
    try {
      CommandHolder holder(file(), deadline);
      const auto opened = holder.unwrap(asked, context);
      return opened ? std::string(opened->reveal_text()) : std::string(name(opened.error().reason));
    } catch (const HolderFailed& failed) {
      std::string words = failed.what();
      const std::size_t at = words.find(file().string());
      return at == words.npos ? words : words.replace(at, file().string().size(), "PROGRAM");
    }
  }

 private:
  TemporaryDirectory directory_;
};

std::string refusal(const path& program) {
  try {
    const CommandHolder holder(program);
  } catch (const HolderFailed& failed) {
    return failed.what();
  }
  return "(taken)";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a program is given suite, recipient and context, and the wrapped key on its standard input") {
  const Script script("cat >\"$(dirname \"$0\")/stdin\"; printf '%s|' \"$@\"");
  CHECK(script.answer() == "rsa-oaep-sha256|0123456789abcdef|637478|");
  CHECK(read_file(script.beside("stdin")) == std::string(384, 'w'));
}

TEST_CASE("what a changed key block says in place of a recipient id reaches no program") {
  const Script script("printf '%s|' \"$@\"");
  for (const char* id : {"", "--output=/etc/passwd", "$(touch canary); `touch canary`", "0123456789abcde",
                         "0123456789ABCDEF", "0123456789abcdef0"}) {
    Stanza changed = stanza;
    changed.recipient_id = id;
    CHECK(script.answer(changed) == "envelope_malformed");
  }
}

TEST_CASE("a program that opens what was wrapped gives the data key") {
  const Script script(
      "exec openssl pkeyutl -decrypt -inkey \"$(dirname \"$0\")/key\" "
      "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 || exit 11");
  const PrivateKey key = PrivateKey::generate_rsa(2048);
  write_private_file(script.beside("key"), key.pem().reveal());
  const Recipient recipient = Recipient::of(key.public_key());
  const std::string data_key = "0123456789abcdef0123456789abcdef";
  CHECK(script.answer({recipient.suite(), recipient.id(), recipient.wrap(bytes_of(data_key), {}).value()}) == data_key);
}

TEST_CASE("any byte may be in a data key, and 64 bytes are the most") {
  CHECK(Script("printf 'a\\000b\\n'").answer() == std::string("a\0b\n", 4));
  CHECK(Script("head -c 64 /dev/zero").answer() == std::string(64, '\0'));
  CHECK(Script("head -c 65 /dev/zero").answer() == "PROGRAM gave more than a data key");
  CHECK(Script("exec cat /dev/zero").answer() == "PROGRAM gave more than a data key");
  CHECK(Script("exit 0").answer() == "PROGRAM gave no data key");
}

TEST_CASE("exit status 10 is another key's, 11 an altered one, any other a failure") {
  CHECK(Script("exit 10").answer() == "key_mismatch");
  CHECK(Script("exit 11").answer() == "not_authentic");
  CHECK(Script("printf key; exit 1").answer() == "PROGRAM failed with exit status 1");
  CHECK(Script("kill -TERM $$").answer() == "PROGRAM was ended by signal 15");
}

TEST_CASE("a program that is too slow is ended, whether it is silent, trickles or only does not leave") {
  for (const char* lines : {"exec sleep 60", "printf k; exec sleep 60", "printf key; exec >&-; exec sleep 60",
                            "while :; do printf ''; done"}) {
    INFO(lines);
    const auto started = std::chrono::steady_clock::now();
    CHECK(Script(lines).answer(stanza, 300ms) == "PROGRAM did not end within 0.3 s");
    CHECK(std::chrono::steady_clock::now() - started < 10s);
  }
}

TEST_CASE("a program that does not read its input opens all the same, and the largest wrapped key fits") {
  Stanza largest = stanza;
  largest.wrapped.resize(maximum_wrapped_size);
  CHECK(Script("printf key").answer(largest) == "key");
  CHECK(Script("exec <&-; printf key").answer(largest) == "key");
  CHECK(Script("wc -c | tr -d '\\n '").answer(largest) == std::to_string(maximum_wrapped_size));
  largest.wrapped.resize(maximum_wrapped_size + 1);
  CHECK(Script("printf key").answer(largest) == "envelope_malformed");
  largest.wrapped.clear();
  CHECK(Script("printf key").answer(largest) == "envelope_malformed");
}

TEST_CASE("a program must be there, be named absolutely and be one that may be run") {
  const Script script("exit 0");
  CHECK(refusal(script.file()) == "(taken)");
  CHECK(has(refusal("open-key"), "open-key is no absolute path"));
  CHECK(has(refusal("./open-key"), "is no absolute path"));
  CHECK(has(refusal(script.beside("none")), "there is no program"));
  CHECK(has(refusal(script.file().parent_path()), "there is no program"));
  write_file(script.beside("text"), "canary");
  CHECK(has(refusal(script.beside("text")), "may not be run"));
  ::chmod(script.beside("text").c_str(), 0700);
  CommandHolder not_a_program(script.beside("text"));
  CHECK_THROWS_AS(not_a_program.unwrap(stanza, context), HolderFailed);
}
