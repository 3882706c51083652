// A key that another program can use: any key service, a card reader on another machine, a colleague who must agree.
//
// The program is started without a shell for each wrapped key, as
//   PROGRAM SUITE RECIPIENT_ID CONTEXT       e.g.  open-key rsa-oaep-sha256 1f0c…  73616c6c…
// with the wrapped key on standard input (binary), and gives the data key on standard output (binary) and exit status
// 0. Its standard error is ours, and /dev/tty too: it may ask a person. CONTEXT is in hex; HPKE takes it as info,
// RSA-OAEP leaves it out. It has our environment, where a key service's own program finds its credentials, but for the
// variables that are withheld, and no descriptor of ours.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "envelope/key_holder.hpp"

namespace sallyport::envelope {

// Exit statuses with a meaning; any other but 0 is a failure.
inline constexpr int command_not_mine = 10;       // another key opens this one
inline constexpr int command_not_authentic = 11;  // it is for this key, and was altered

class CommandHolder final : public KeyHolder {
 public:
  static constexpr std::chrono::milliseconds usual_deadline{60'000};  // a person may have to answer

  // Throws HolderFailed when there is no such program, or no absolute path names it: what opens a log must not depend
  // on where one stands. `withheld`: names of environment variables.
  explicit CommandHolder(std::filesystem::path program, std::chrono::milliseconds deadline = usual_deadline,
                         std::vector<std::string> withheld = {});

  std::vector<Recipient> recipients() const override { return {}; }
  // At the deadline the program is killed; those that it started itself are its own to end.
  core::Result<core::Secret> unwrap(const Stanza& stanza, core::ConstBytes context) override;

 private:
  core::Result<core::Secret> run(const Stanza& stanza, core::ConstBytes context);
  core::Error judge(int status) const;  // as waitpid gives it; Reason::none for success

  std::filesystem::path program_;
  std::chrono::milliseconds deadline_;
  std::vector<std::string> withheld_;
};

}  // namespace sallyport::envelope
