// What can be told without any key: every cut and every change is seen, and where.
#include "logging/frame_walker.hpp"

#include <functional>
#include <stdexcept>

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

namespace {

constexpr std::uint64_t huge = 1ull << 30;  // bytes that a file claims to have, and nobody ever wrote

// Good bytes, then as many more as a sparse file may have: `make` gives them. Counts how it is read.
class HugeSource final : public ByteSource {
 public:
  using Make = std::function<void(std::uint64_t offset, core::MutableBytes into)>;
  HugeSource(core::ConstBytes good, Make make) : good_(good.begin(), good.end()), make_(std::move(make)) {}
  std::size_t read(std::uint64_t offset, core::MutableBytes into) override {
    if (++reads > 20'000) throw std::runtime_error("read byte by byte");
    most = std::max(most, into.size());
    if (offset >= huge) return 0;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), huge - offset)));
    std::size_t taken = 0;
    if (offset < good_.size()) {
      taken = std::min<std::size_t>(into.size(), good_.size() - static_cast<std::size_t>(offset));
      std::copy_n(good_.begin() + static_cast<std::ptrdiff_t>(offset), taken, into.begin());
    }
    make_(offset + taken, into.subspan(taken));
    return into.size();
  }
  int reads = 0;
  std::size_t most = 0;

 private:
  core::Bytes good_;
  Make make_;
};

Step walked_to(ByteSource& source) {
  FrameWalker walker(source);
  REQUIRE(walker.open() == HeaderProblem::none);
  Step step = walker.next();
  while (step == Step::frame) step = walker.next();
  return step;
}

}  // namespace

TEST_CASE("a file that goes on in zeros for ever is walked in little memory, and soon") {
  const core::Bytes whole = fixed_segment({});
  const std::size_t kept = frames_of(whole)[2].end;
  HugeSource source(core::ConstBytes(whole).first(kept),
                    [](std::uint64_t, core::MutableBytes into) { std::fill(into.begin(), into.end(), std::byte{0}); });
  CHECK(walked_to(source) == Step::torn);
  CHECK(source.most <= 2 * max_frame_size);
}

TEST_CASE("a file in which frames of no log follow each other for ever is walked in little memory") {
  const core::Bytes whole = fixed_segment({});
  const std::size_t kept = frames_of(whole)[2].end;
  HugeSource source(core::ConstBytes(whole).first(kept), [&](std::uint64_t offset, core::MutableBytes into) {
    std::array<std::byte, frame_head_size> head;
    encode({static_cast<std::uint32_t>(max_frame_size), FrameKind::data, 0, 0, 1'000, 1}, head.data());
    for (std::size_t i = 0; i < into.size(); ++i) {
      const std::size_t at = (offset + i - kept) % max_frame_size;
      into[i] = at < head.size() ? head[at] : std::byte{1};
    }
  });
  CHECK(walked_to(source) == Step::missing);
  CHECK(source.most <= 2 * max_frame_size);
}

}  // namespace sallyport::tests
