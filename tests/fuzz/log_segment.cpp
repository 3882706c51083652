// A segment's bytes, as they are and with a chain that was made right: header, frames, parts, notes.
#include <set>
#include <tuple>

#include "logging/checkpoint.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/log_chain.hpp"
#include "tests/logging/segment_fixture.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using namespace sallyport::logging;
using tests::MemorySource;

namespace {

// A part in the clear, and where it stands.
using Opened = std::tuple<std::uint64_t, std::uint16_t, core::Bytes>;

struct Walked {
  FrameWalker::Step stopped = FrameWalker::Step::frame;
  SegmentLink link;
  std::set<Opened> opened;
};

void read_notes(core::ConstBytes frame) {
  const std::string_view text = note_in(frame);
  if (const auto note = parse_note(text)) (void)(parse_checkpoint(note->text) || parse_tombstone(note->text));
}

// Opens with the golden log's key whatever it opens.
Walked walk(core::ConstBytes segment) {
  MemorySource source(segment);
  FrameWalker walker(source);
  Walked walked;
  if (walker.open() != HeaderProblem::none) return walked;
  const ParsedHeader& header = walker.header();
  claim(encode_header(header.header) == core::Bytes(segment.begin(), segment.begin() + std::ptrdiff_t(header.size)),
        "a header has one form");
  PartOpener opener(header.header.id, tests::fixed_keys(header));
  std::uint64_t end = header.size;
  while ((walked.stopped = walker.next()) == FrameWalker::Step::frame) {
    claim(walker.offset() == end, "frames stand one behind the other");
    end += walker.frame().size();
    read_notes(walker.frame());
    for (const PartView& part : parts_of(walker.frame()).value_or(std::vector<PartView>())) {
      auto plain = opener.can_open(part.head) ? opener.open(walker.frame(), walker.chain_before(), part) : std::nullopt;
      if (plain) walked.opened.emplace(walker.head().sequence, part.index, std::move(*plain));
    }
  }
  claim(walker.link().bytes == end && end <= segment.size(), "no more is vouched for than was walked");
  walked.link = walker.link();
  return walked;
}

// By the golden logs, which have one key.
const std::set<Opened>& sealed() {
  static const std::set<Opened> all = [] {
    std::set<Opened> opened;
    for (const char* name : {"log_v1/0000000001", "log_v1_signed/0000000002", "log_v1_tenants/0000000001"}) {
      const tests::path file = tests::path(SOURCE_DIR) / "tests" / "vectors" / (std::string(name) + ".segment");
      opened.merge(walk(read_whole(file, 1 << 20)).opened);
    }
    claim(!opened.empty(), "the golden logs open");
    return opened;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ConstBytes input = input_of(data, size);
  core::Bytes chained(input.begin(), input.end());
  rechain(chained);
  for (const core::Bytes& segment : {core::Bytes(input.begin(), input.end()), chained}) {
    const Walked walked = walk(segment);
    claim(std::includes(sealed().begin(), sealed().end(), walked.opened.begin(), walked.opened.end()),
          "what opens was sealed so, and there");
  }
  return 0;
}
