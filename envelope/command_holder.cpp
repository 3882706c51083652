#include "envelope/command_holder.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <system_error>

#include "core/base64.hpp"
#include "core/program.hpp"

namespace sallyport::envelope {

namespace {

using Clock = std::chrono::steady_clock;

enum class Reading : std::uint8_t { done, too_much, too_late };

// Reads to the end of the stream; `size` counts the bytes in `buffer`. too_much: the buffer is full.
Reading read_all(int descriptor, core::Secret& buffer, std::size_t& size, Clock::time_point deadline) {
  for (;;) {
    if (!core::wait_readable(descriptor, deadline)) return Reading::too_late;
    const core::MutableBytes rest = buffer.reveal_for_writing().subspan(size);
    if (rest.empty()) return Reading::too_much;
    const ssize_t got = ::read(descriptor, rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Reading::done;
    size += static_cast<std::size_t>(got);
  }
}

std::string seconds(std::chrono::milliseconds time) {
  const auto whole = std::to_string(time.count() / 1000), part = std::to_string(time.count() % 1000 / 100);
  return whole + (part == "0" ? "" : "." + part) + " s";
}

}  // namespace

CommandHolder::CommandHolder(std::filesystem::path program, std::chrono::milliseconds deadline,
                             std::vector<std::string> withheld)
    : program_(std::move(program)), deadline_(deadline), withheld_(std::move(withheld)) {
  if (!program_.is_absolute()) throw HolderFailed(program_.string() + " is no absolute path to a program");
  if (!std::filesystem::is_regular_file(program_)) throw HolderFailed("there is no program " + program_.string());
  if (::access(program_.c_str(), X_OK) != 0) throw HolderFailed(program_.string() + " may not be run by this user");
}

core::Result<core::Secret> CommandHolder::unwrap(const Stanza& stanza, core::ConstBytes context) {
  // The id becomes an argument of the program, and anyone who can write to the log can choose it.
  const bool fits = !stanza.wrapped.empty() && stanza.wrapped.size() <= maximum_wrapped_size;
  if (!fits || !is_recipient_id(stanza.recipient_id)) {
    return core::Error{core::Reason::envelope_malformed};
  }
  try {
    return run(stanza, context);
  } catch (const std::system_error& error) {
    throw HolderFailed(program_.string() + " cannot be run: " + error.code().message());
  }
}

core::Result<core::Secret> CommandHolder::run(const Stanza& stanza, core::ConstBytes context) {
  const auto deadline = Clock::now() + deadline_;
  core::Pipe input, output;
  static_assert(maximum_wrapped_size <= PIPE_BUF);
  if (!input.fill(stanza.wrapped)) throw HolderFailed("a pipe is full");
  core::ProgramStart start;
  start.words = {program_.string(), std::string(name(stanza.suite)), stanza.recipient_id, core::to_hex(context)};
  start.input = input.reading.number();
  start.output = output.writing.number();
  start.environment = core::environment_without(withheld_);
  core::Program program(start);
  input.reading.close();
  input.writing.close();
  output.writing.close();

  core::Secret buffer(maximum_data_key_size + 1);
  std::size_t size = 0;
  const Reading reading = read_all(output.reading.number(), buffer, size, deadline);
  if (reading == Reading::too_much) throw HolderFailed(program_.string() + " gave more than a data key");
  if (reading == Reading::too_late || !core::wait_readable(program.end_descriptor(), deadline)) {
    throw HolderFailed(program_.string() + " did not end within " + seconds(deadline_));
  }
  if (const core::Error error = error_of(program.wait()); error.reason != core::Reason::none) return error;
  if (size == 0) throw HolderFailed(program_.string() + " gave no data key");
  return core::Secret(buffer.reveal().first(size));
}

core::Error CommandHolder::error_of(int wait_status) const {
  if (WIFSIGNALED(wait_status)) {
    throw HolderFailed(program_.string() + " was ended by signal " + std::to_string(WTERMSIG(wait_status)));
  }
  switch (WEXITSTATUS(wait_status)) {
    case 0:
      return core::Reason::none;
    case command_not_mine:
      return core::Reason::key_mismatch;
    case command_not_authentic:
      return core::Reason::not_authentic;
    default:
      throw HolderFailed(program_.string() + " failed with exit status " + std::to_string(WEXITSTATUS(wait_status)));
  }
}

}  // namespace sallyport::envelope
