#include "logging/checkpoint_places.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "core/program.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

namespace {

using Steady = std::chrono::steady_clock;

// With no more of an environment than a script needs: what the gateway's own holds is none of its business.
bool run(const std::vector<std::string>& words, const std::string& note, Steady::time_point deadline) {
  core::Pipe input;
  if (!input.fill(core::bytes_of(note))) return false;
  core::ProgramStart start;
  start.words = words;
  start.input = input.reading.number();
  start.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  start.own_group = true;
  core::Program program(start);
  input.writing.close();
  if (!core::wait_readable(program.end_descriptor(), deadline)) return false;
  const int status = program.wait();
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

SecondPlace::Keep keep_in_directory(std::filesystem::path directory, std::shared_ptr<LastFault> fault) {
  return [directory = std::move(directory), fault = std::move(fault)](const SignedCheckpoints& checkpoints,
                                                                      std::uint64_t newest, Steady::time_point) {
    // What stands at the file's end may be half a note: of an earlier run, of a failed write, of another gateway's.
    std::string text;
    for (const SignedCheckpoint& one : checkpoints) text.append("\n\n").append(one.note).append("\n");
    const auto append_to_file_of = [&](std::uint64_t segment) -> core::Result<core::Descriptor> {
      if (fault->get().why == FileFault{}.why) fault->set({segment});  // else it fails already, and is known to
      auto file = append_to(directory / checkpoints_name(segment), core::bytes_of(text));
      if (!file) fault->set({segment, file.error()});
      return file;
    };
    const std::uint64_t own = checkpoints.front().segment;
    std::uint64_t segment = own;
    auto file = append_to_file_of(segment);
    if (!file && own != newest) file = append_to_file_of(segment = newest);
    if (!file) return false;
    const auto synced = sync_appended(*file);  // what the disk does not keep in one file, it does not in another
    fault->set(synced ? FileFault{segment} : FileFault{segment, synced.error()});
    return synced.has_value();
  };
}

SecondPlace::Keep keep_by_command(std::vector<std::string> words) {
  return [words = std::move(words)](const SignedCheckpoints& checkpoints, std::uint64_t,
                                    const Steady::time_point deadline) {
    return std::ranges::all_of(checkpoints, [&](const auto& one) { return run(words, one.note, deadline); });
  };
}

}  // namespace sallyport::logging
