// What an attacker who can write the directory, and has no key, can do to a log.
#pragma once

#include <array>
#include <fstream>

#include "tests/logging/segment_fixture.hpp"
#include "tests/support/catch.hpp"

namespace sallyport::tests {

namespace fs = std::filesystem;

inline core::Bytes bytes_of_file(const path& file) { return logging::read_whole(file, 1 << 26); }

inline void write_bytes(const path& file, core::ConstBytes bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline void flip(const path& file, std::size_t at) {
  core::Bytes bytes = bytes_of_file(file);
  bytes.at(at) ^= std::byte{0x20};
  write_bytes(file, bytes);
}

inline std::vector<std::array<std::size_t, 2>> frames_of(const path& file) {
  logging::FileSource source(file);
  logging::FrameWalker walker(source);
  REQUIRE(walker.open() == logging::HeaderProblem::none);
  std::vector<std::array<std::size_t, 2>> frames;
  while (walker.next() == logging::FrameWalker::Step::frame) frames.push_back({walker.offset(), walker.frame().size()});
  return frames;
}

// The file rebuilt from its header and the frames named.
inline void rebuild(const path& file, std::initializer_list<std::size_t> order) {
  const core::Bytes bytes = bytes_of_file(file);
  const auto frames = frames_of(file);
  core::Bytes out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(frames[0][0]));
  for (const std::size_t index : order) {
    const auto frame = core::ConstBytes(bytes).subspan(frames[index][0], frames[index][1]);
    out.insert(out.end(), frame.begin(), frame.end());
  }
  write_bytes(file, out);
}

inline void swap_files(const path& a, const path& b) {
  const path between = a.string() + ".swap";
  fs::rename(a, between);
  fs::rename(b, a);
  fs::rename(between, b);
}

// Frames put behind the segment's header as a forger without the key can: numbered and chained as if they belonged
// there.
inline void rechain(const path& file, std::vector<core::Bytes> frames) {
  core::Bytes bytes = bytes_of_file(file);
  bytes.resize(logging::read_header(file).value().size);
  logging::Digest chain;
  std::copy_n(bytes.end() - 32, 32, chain.begin());
  std::uint64_t sequence = 0;
  for (core::Bytes& frame : frames) {
    logging::FrameHead head = logging::decode_frame_head(frame.data());
    head.length = static_cast<std::uint32_t>(frame.size());
    head.sequence = sequence++;
    logging::encode(head, frame.data());
    chain = logging::chain_of_frame(chain, core::ConstBytes(frame).first(frame.size() - 32));
    std::copy(chain.begin(), chain.end(), frame.end() - 32);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  write_bytes(file, bytes);
}

inline std::vector<core::Bytes> frame_bytes(const path& file) {
  const core::Bytes bytes = bytes_of_file(file);
  std::vector<core::Bytes> frames;
  for (const auto& [offset, size] : frames_of(file)) {
    const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    frames.emplace_back(at, at + static_cast<std::ptrdiff_t>(size));
  }
  return frames;
}

// A frame of that kind which holds `note` and nothing else.
inline core::Bytes note_frame(logging::FrameKind kind, std::string_view note) {
  core::Bytes frame(logging::min_frame_size + logging::part_head_size + note.size());
  logging::encode({static_cast<std::uint32_t>(frame.size()), kind, logging::flag_ignorable, 1, 0, 0}, frame.data());
  logging::encode({static_cast<std::uint32_t>(note.size()), logging::PartType::signed_note, 0, logging::no_key, 0},
                  frame.data() + logging::frame_head_size);
  std::copy_n(core::bytes_of(note).begin(), note.size(),
              frame.begin() + logging::frame_head_size + logging::part_head_size);
  return frame;
}

// What a forger without the key can do: change a frame and make the chain right again, up to the segment's end.
inline void forge(const path& file, std::size_t frame, std::size_t at) {
  std::vector<core::Bytes> frames = frame_bytes(file);
  frames[frame][at] ^= std::byte{1};
  rechain(file, std::move(frames));
}

// So with the head of one part, and with its flags.
inline void forge_part(const path& file, std::size_t frame, std::size_t part, logging::PartType type,
                       logging::KeyNumber key, std::uint8_t flags = 0) {
  std::vector<core::Bytes> frames = frame_bytes(file);
  const logging::PartView view = logging::parts_of(frames[frame]).value().at(part);
  const auto at = view.sealed.data() - frames[frame].data() - static_cast<std::ptrdiff_t>(logging::part_head_size);
  logging::encode({view.head.length, type, flags, key, view.head.step}, frames[frame].data() + at);
  rechain(file, std::move(frames));
}

// The segment ends behind these frames: nothing behind them vouches for the last one.
inline void cut_behind(const path& file, std::size_t count) {
  std::vector<core::Bytes> frames = frame_bytes(file);
  frames.resize(count);
  rechain(file, std::move(frames));
}

}  // namespace sallyport::tests
