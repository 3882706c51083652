// A private key that another program uses for us: the client of a key service, a card reader on another machine, a
// script that asks a colleague to agree.
//
// For each wrapped key the program is started, without a shell, as
//   PROGRAM SUITE RECIPIENT_ID CONTEXT       e.g.  open-key rsa-oaep-sha256 1f0c…  73616c6c…
// Its standard input is the wrapped key (binary). It writes the data key to standard output (binary) and exits with
// status 0. CONTEXT is in hex: the info of HPKE; RSA-OAEP does not use it. The program shares our standard error and
// our terminal (/dev/tty), so it can ask a person. It has our environment, where the client of a key service finds its
// credentials, without the withheld variables. It inherits no other descriptor.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

// Exit statuses with a meaning; any other except 0 is a failure.
inline constexpr int command_not_mine = 10;       // the wrapped key is for another key
inline constexpr int command_not_authentic = 11;  // the wrapped key is for this key, but was altered

class CommandHolder final : public KeyHolder {
 public:
  static constexpr std::chrono::milliseconds usual_deadline{60'000};  // a person may have to answer

  // `program`: an absolute path, so that which key opens a log does not depend on the working directory. `deadline`:
  // for one run. `withheld`: names of environment variables that the program does not get. Throws HolderFailed when the
  // path is relative, is no regular file, or this user may not execute it.
  explicit CommandHolder(std::filesystem::path program, std::chrono::milliseconds deadline = usual_deadline,
                         std::vector<std::string> withheld = {});

  std::vector<Recipient> recipients() const override { return {}; }
  // Runs the program once. Errors: key_mismatch and not_authentic, by exit status; envelope_malformed, without a run,
  // when the wrapped key is empty or over maximum_wrapped_size, or the recipient id has the wrong form.
  // Throws HolderFailed: the program cannot be started, fails, is ended by a signal, succeeds without output, writes
  // more than maximum_data_key_size bytes, or has not both exited and closed its standard output at the deadline. If it
  // still runs it is killed; processes that it started are not.
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  core::Result<core::Secret> run(const Stanza& stanza, core::ConstBytes context);
  core::Error error_of(int wait_status) const;  // Reason::none for exit status 0

  std::filesystem::path program_;
  std::chrono::milliseconds deadline_;
  std::vector<std::string> withheld_;
};

}  // namespace sallyport::envelope
