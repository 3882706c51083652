// What can be told without any key: every cut and every change is seen, and where.
#include "logging/frame_walker.hpp"

#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

using namespace logging;
using Step = FrameWalker::Step;

namespace {

struct Walked {
  Step stopped;
  SegmentLink link;
};

Walked walk(core::ConstBytes bytes) {
  MemorySource source(bytes);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  Step step = walker.next();
  while (step == Step::frame) step = walker.next();
  return {step, walker.link()};
}

struct Bounds {
  std::size_t begin, end;
};

std::vector<Bounds> frames_of(core::ConstBytes bytes) {
  MemorySource source(bytes);
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  std::vector<Bounds> frames;
  while (walker.next() == Step::frame) frames.push_back({walker.offset(), walker.offset() + walker.frame().size()});
  return frames;
}

core::Bytes joined(core::ConstBytes segment, std::initializer_list<Bounds> pieces) {
  core::Bytes out;
  for (const Bounds& piece : pieces) {
    const auto bytes = segment.subspan(piece.begin, piece.end - piece.begin);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

}  // namespace

TEST_CASE("a whole segment is walked to its clean end") {
  const core::Bytes segment = fixed_segment({});
  const Walked walked = walk(segment);
  CHECK(walked.stopped == Step::end_of_data);
  CHECK(walked.link.end == PreviousEnd::sealed);
  CHECK(walked.link.frames == 6);
  CHECK(walked.link.bytes == segment.size());
}

TEST_CASE("a segment cut at any byte is whole up to a frame and torn behind it") {
  const core::Bytes segment = fixed_segment({});
  const auto frames = frames_of(segment);
  for (std::size_t size = frames[0].begin; size < segment.size(); ++size) {
    const Walked walked = walk(core::ConstBytes(segment).first(size));
    const auto whole = static_cast<std::uint64_t>(
        std::count_if(frames.begin(), frames.end(), [&](const Bounds& frame) { return frame.end <= size; }));
    const std::uint64_t boundary = whole == 0 ? frames[0].begin : frames[whole - 1].end;
    INFO("cut to " << size);
    REQUIRE(walked.link.frames == whole);
    REQUIRE(walked.link.bytes == boundary);
    REQUIRE(walked.stopped == (boundary == size ? Step::end_of_data : Step::torn));
  }
}

TEST_CASE("a tail of zeros, as a power cut leaves it, is a torn tail") {
  core::Bytes segment = fixed_segment({});
  const auto frames = frames_of(segment);
  for (std::size_t from = frames[4].begin; from < frames[4].end; ++from) {
    core::Bytes torn(segment.begin(), segment.begin() + static_cast<std::ptrdiff_t>(from));
    torn.resize(segment.size() + 5000);
    const Walked walked = walk(torn);
    INFO("zeros from " << from);
    REQUIRE(walked.link.frames == 4);
    REQUIRE(walked.stopped == Step::torn);
  }
}

TEST_CASE("each bit that changes is seen, at its frame") {
  const core::Bytes segment = fixed_segment({});
  const auto frames = frames_of(segment);
  for (std::size_t index = 0; index < frames.size(); ++index) {
    for (std::size_t at = frames[index].begin; at < frames[index].end; ++at) {
      core::Bytes changed = segment;
      changed[at] ^= static_cast<std::byte>(1 << at % 8);
      const Walked walked = walk(changed);
      INFO("frame " << index << ", byte " << at - frames[index].begin);
      REQUIRE(walked.link.frames == index);
      REQUIRE(walked.stopped != Step::end_of_data);
    }
  }
}

TEST_CASE("frames that are gone, repeated or out of order are named so") {
  const core::Bytes segment = fixed_segment({});
  const auto f = frames_of(segment);
  const Bounds header{0, f[0].begin};
  CHECK(walk(joined(segment, {header, f[0], f[2], f[3]})).stopped == Step::missing);
  CHECK(walk(joined(segment, {header, f[0], f[0], f[1]})).stopped == Step::repeated);
  CHECK(walk(joined(segment, {header, f[0], f[2], f[1], f[3]})).stopped == Step::reordered);
  CHECK(walk(joined(segment, {{0, segment.size()}, f[5]})).stopped == Step::trailing);
  CHECK(walk(joined(segment, {header, f[1]})).stopped == Step::missing);
}

TEST_CASE("a segment that grows is followed") {
  const core::Bytes segment = fixed_segment({});
  const auto frames = frames_of(segment);
  core::Bytes growing(segment.begin(), segment.begin() + static_cast<std::ptrdiff_t>(frames[0].begin));

  class Growing final : public ByteSource {
   public:
    explicit Growing(const core::Bytes& bytes) : bytes_(bytes) {}
    std::size_t read(std::uint64_t offset, core::MutableBytes into) override {
      return MemorySource(bytes_).read(offset, into);
    }

   private:
    const core::Bytes& bytes_;
  } source(growing);

  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  std::uint64_t seen = 0;
  for (std::size_t at = growing.size(); at < segment.size(); ++at) {
    const Step before = walker.next();
    REQUIRE((before == Step::end_of_data || before == Step::torn || before == Step::frame));
    seen += before == Step::frame;
    growing.push_back(segment[at]);
  }
  while (walker.next() == Step::frame) ++seen;
  CHECK(seen == 6);
  CHECK(walker.link().end == PreviousEnd::sealed);
}

}  // namespace sallyport::tests
