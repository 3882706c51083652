#include "gateway/commands/passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "core/descriptor.hpp"
#include "core/private_file.hpp"

namespace sallyport::gateway {

namespace {

using core::crypto::maximum_passphrase_size;

// The process's own terminal, with echo off for as long as this lives.
class Terminal {
 public:
  Terminal() : device_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    if (!device_.is_open()) throw std::runtime_error("no terminal to ask for a passphrase; use --passphrase-file FILE");
    if (::tcgetattr(descriptor(), &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silenced_ = ::tcsetattr(descriptor(), TCSAFLUSH, &silent) == 0;
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    if (silenced_) ::tcsetattr(descriptor(), TCSAFLUSH, &before_);
  }

  int descriptor() const noexcept { return device_.number(); }
  // Best effort: whoever cannot see the question can still answer it.
  void show(std::string_view text) const {
    if (::write(descriptor(), text.data(), text.size()) < 0) return;
  }

 private:
  core::Descriptor device_;
  termios before_{};
  bool silenced_ = false;
};

core::Secret first_line(std::string_view text) {
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) throw std::runtime_error("the passphrase is empty");
  if (line.size() > maximum_passphrase_size) throw std::runtime_error("a passphrase has at most 1024 bytes");
  return core::Secret(line);
}

// Byte by byte up to the first line's end: what a terminal or a pipe has behind it is for the next who asks.
core::Secret read_line(int descriptor) {
  core::Secret room(maximum_passphrase_size + 2);  // one too many, to tell; and the line's end
  std::size_t size = 0;
  while (size < room.size() && room.reveal_text().substr(0, size).find('\n') == std::string_view::npos) {
    const ssize_t got = ::read(descriptor, room.reveal_for_writing().data() + size, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  return first_line(room.reveal_text().substr(0, size));
}

}  // namespace

core::Secret ask_passphrase(const std::string& question) {
  const Terminal terminal;
  terminal.show(question + ": ");
  core::Secret answer = read_line(terminal.descriptor());
  terminal.show("\n");
  return answer;
}

core::Secret ask_new_passphrase() {
  core::Secret first = ask_passphrase("New passphrase");
  const core::Secret second = ask_passphrase("The same again");
  const bool same = first.equals(second.reveal());
  if (!same) throw std::runtime_error("the two answers differ");
  return first;
}

core::Secret read_passphrase(const std::filesystem::path& file) {
  if (file == "-") return read_line(STDIN_FILENO);
  return first_line(core::read_private_file(file).reveal_text());
}

core::crypto::AskPassphrase passphrase_for(const std::filesystem::path& key, const std::filesystem::path& file) {
  return
      [key, file] { return file.empty() ? ask_passphrase("Passphrase for " + key.string()) : read_passphrase(file); };
}

}  // namespace sallyport::gateway
