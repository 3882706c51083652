// A good log that somebody edits who may write its files: the input is what he does. Nothing he does goes unseen.
#include <stdexcept>

#include "core/private_key.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/log_chain.hpp"
#include "tests/logging/segment_fixture.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using namespace sallyport::logging;
using tests::path;

namespace {

const path golden = path(SOURCE_DIR) / "tests" / "vectors" / "log_v1";

// The golden log and its reader's key, and a directory for what becomes of it.
struct Bench {
  core::Bytes segment = read_whole(golden / segment_name(1), 1 << 20);
  core::Bytes keys = read_whole(golden / keys_name(1), 1 << 20);
  envelope::Identity key{core::crypto::PrivateKey::from_pem(read_whole(golden / "p256.pem", 1 << 16), nullptr)};
  tests::TemporaryDirectory directory;
};

struct Edit {
  std::uint8_t what;
  std::uint16_t place;
  std::uint8_t value;
};

void apply(const Edit& edit, core::Bytes& bytes) {
  if (bytes.empty()) return;
  const std::size_t at = edit.place % bytes.size();
  const std::size_t count = std::min<std::size_t>(edit.value + 1u, bytes.size() - at);
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at), end = begin + static_cast<std::ptrdiff_t>(count);
  switch (edit.what % 5) {
    case 0:
      *begin ^= static_cast<std::byte>(edit.value);
      return;
    case 1:
      bytes.resize(at);
      return;
    case 2:
      bytes.erase(begin, end);
      return;
    case 3: {
      const core::Bytes again(begin, end);
      bytes.insert(end, again.begin(), again.end());
      return;
    }
    default:
      *begin = static_cast<std::byte>(edit.value);
  }
}

core::Bytes edited(core::Bytes bytes, core::ConstBytes script) {
  constexpr std::size_t edit_size = 4, most_edits = 16;
  for (std::size_t i = 0; i < most_edits && script.size() >= edit_size; ++i) {
    const auto byte = [&](std::size_t place) { return std::to_integer<std::uint8_t>(script[place]); };
    apply({byte(0), static_cast<std::uint16_t>(byte(1) << 8 | byte(2)), byte(3)}, bytes);
    script = script.subspan(edit_size);
  }
  return bytes;
}

// Nothing before the first change is doubted, and nothing from there on is believed.
void check_walk(const core::Bytes& before, const core::Bytes& after) {
  tests::MemorySource source(after);
  FrameWalker walker(source);
  if (walker.open() != HeaderProblem::none) return;
  while (walker.next() == FrameWalker::Step::frame) continue;
  const auto [there, here] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  claim(there == before.end() || walker.link().bytes <= static_cast<std::uint64_t>(there - before.begin()),
        "no frame is good from the first change on");
}

// Whatever the reader gives was written so. Some of a body may be missing, but never in silence.
void check_reading(Bench& bench) {
  using Text = std::string_view;
  const tests::ReadLog read = tests::read_log(bench.directory.where(), bench.key);
  for (const tests::ReadExchange& one : read.exchanges) {
    const bool first = one.exchange.metadata == R"({"request_id":"r-1","status":200})";
    const bool second = one.exchange.metadata == R"({"request_id":"r-2","status":200})";
    claim(first || second, "no record is read that was not written");
    const auto is_right = [&](Text body, Text written) {
      if (one.exchange.cut || body == "(not authentic)" || body == written) return true;
      return !read.troubles.empty() && written.find(body) != written.npos;
    };
    claim(is_right(one.request, first ? R"({"model":"llama"})" : "a long prompt"), "a request is read as written");
    claim(is_right(one.response, first ? R"({"choices":[]})" : ""), "an answer is read as written");
  }
}

}  // namespace

// The first byte: edit the key block or the segment, and then make the chain right or not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  if (size == 0) return 0;
  const bool edit_keys = (data[0] & 1) != 0, make_right = (data[0] & 2) != 0;
  const core::ConstBytes script = input_of(data, size).subspan(1);
  core::Bytes segment = edit_keys ? bench.segment : edited(bench.segment, script);
  const core::Bytes keys = edit_keys ? edited(bench.keys, script) : bench.keys;
  if (make_right) rechain(segment);
  const bool same = segment == bench.segment && keys == bench.keys;
  if (!make_right) check_walk(bench.segment, segment);

  const path where = bench.directory.where();
  tests::write_file(where / segment_name(1), core::text_of(segment));
  tests::write_file(where / keys_name(1), core::text_of(keys));
  claim(verify_log(where, &bench.key).good() == same, "with a key every change is seen");
  const bool can_be_seen_without = !edit_keys && !make_right;
  if (same || can_be_seen_without)
    claim(verify_log(where).good() == same, "without one every change is, but a forger's");
  check_reading(bench);
  return 0;
}
