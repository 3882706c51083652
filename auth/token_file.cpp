#include "auth/token_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <stdexcept>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "auth/token_line.hpp"
#include "core/crypto.hpp"
#include "core/file.hpp"

namespace sallyport::auth {
namespace {

using core::Descriptor;
using core::open_file;
using core::sync_file;
using core::throw_file_error;
using std::filesystem::path;

// Waits for the lock, which closing the descriptor releases.
void lock(const Descriptor& descriptor, const path& file) {
  while (::flock(descriptor.number(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_file_error(file);
  }
}

// Does not wait for the lock: any reader of the file could hold it forever, and a gateway that waits could neither load
// a revocation nor shut down.
bool somebody_writes(const Descriptor& descriptor, const path& file) {
  while (::flock(descriptor.number(), LOCK_SH | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return true;
    if (errno != EINTR) throw_file_error(file);
  }
  return false;
}

std::size_t regular_size(const Descriptor& descriptor, const path& file) {
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) throw_file_error(file);
  if (!S_ISREG(status.st_mode)) throw_file_error(file, EINVAL);
  return static_cast<std::size_t>(status.st_size);
}

// Whether the last line has no end, after a crash or an edit. The next line must not become a part of it.
bool ends_within_line(const Descriptor& descriptor, std::size_t size, const path& file) {
  char last = '\n';
  if (size > 0 && ::pread(descriptor.number(), &last, 1, static_cast<off_t>(size - 1)) != 1) throw_file_error(file);
  return last != '\n';
}

void append_line(const path& file, const std::string& line) {
  const Descriptor descriptor = open_file(file, O_RDWR | O_CREAT | O_APPEND);
  lock(descriptor, file);
  const std::size_t size = regular_size(descriptor, file);
  const std::string text = (ends_within_line(descriptor, size, file) ? "\n" : "") + line + "\n";
  if (size + text.size() > max_token_file_size) throw_file_error(file, EFBIG);
  try {
    core::write_file(descriptor, core::bytes_of(text), file);
    sync_file(descriptor, file);
  } catch (const std::system_error&) {
    if (::ftruncate(descriptor.number(), static_cast<off_t>(size)) != 0) { /* the first failure is the one to report */
    }
    throw;
  }
  if (size == 0) core::sync_directory_of(file);
}

// Refuses to write a line that could not be read back.
void require_readable(const std::string& line) {
  const TokenLine read = read_token_line(line);
  if (!read.problems.empty()) throw std::invalid_argument(read.problems.front());
}

// 48 bits, which a metric shows whole (a double has 53). Zero is left for "none".
std::uint64_t hash_of(std::string_view text) {
  const core::crypto::Digest digest = core::crypto::sha256(core::bytes_of(text));
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < 6; ++i) hash = hash << 8 | std::to_integer<std::uint64_t>(digest[i]);
  return std::max<std::uint64_t>(hash, 1);
}

class FileReader {
 public:
  explicit FileReader(std::uint64_t hash) { content_.hash = hash; }

  void read_line(std::size_t number, std::string_view text) {
    TokenLine line = read_token_line(text);
    for (std::string& what : line.problems) add_problem(number, std::move(what));
    if (auto* token = std::get_if<Token>(&line.value)) add(number, std::move(*token));
    if (const auto* revocation = std::get_if<Revocation>(&line.value)) apply(number, *revocation);
  }

  void add_problem(std::size_t number, std::string what) {
    if (!full()) content_.problems.push_back({number, std::move(what)});
  }

  bool full() const noexcept { return content_.problems.size() >= max_problems; }
  TokenFileContent take() { return std::move(content_); }

 private:
  void add(std::size_t number, Token token) {
    if (content_.tokens.size() >= max_tokens) return add_problem(number, "more than the limit of tokens in one file");
    if (by_id_.contains(token.grant.id)) return add_problem(number, "this id was already created");
    const bool new_hash = hashes_.emplace(reinterpret_cast<const char*>(token.hash.data()), token.hash.size()).second;
    if (!new_hash) return add_problem(number, "this hash already belongs to another token");
    by_id_.emplace(token.grant.id, content_.tokens.size());
    content_.tokens.push_back(std::move(token));
  }

  // A second revocation has no effect and is no error: two operators may revoke a token at the same time.
  void apply(std::size_t number, const Revocation& revocation) {
    const auto found = by_id_.find(revocation.id);
    if (found == by_id_.end()) return add_problem(number, "this revokes an id that was not created before");
    auto& revoked = content_.tokens[found->second].revoked;
    if (!revoked) revoked = revocation.when;
  }

  TokenFileContent content_;
  std::unordered_map<std::string, std::size_t> by_id_;
  std::unordered_set<std::string> hashes_;
};

bool is_blank(std::string_view line) noexcept { return line.find_first_not_of(" \t\r") == line.npos; }

}  // namespace

TokenFileContent parse_token_file(std::string_view text) {
  FileReader reader(hash_of(text));
  if (text.size() > max_token_file_size) reader.add_problem(1, "the file is larger than the limit");
  for (std::size_t number = 1; !text.empty() && !reader.full(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!is_blank(line)) reader.read_line(number, line);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return reader.take();
}

TokenFileContent read_token_file(const path& file) {
  const Descriptor descriptor = open_file(file, O_RDONLY | O_NONBLOCK);  // opening a FIFO must not wait for a writer
  const bool written_to = somebody_writes(descriptor, file);
  std::string text(regular_size(descriptor, file), '\0');
  if (text.size() > max_token_file_size) throw_file_error(file, EFBIG);
  const auto got = core::read_at(descriptor, 0, std::as_writable_bytes(std::span(text)));
  if (!got) throw_file_error(file, got.error().os_code);
  text.resize(*got);
  if (written_to) text.resize(text.rfind('\n') + 1);  // the writer has not finished a line without its end
  return parse_token_file(text);
}

void append_token(const path& file, const Token& token) {
  const std::string line = write_token_line(token);
  require_readable(line);
  append_line(file, line);
}

void append_revocation(const path& file, std::string_view token_id, core::WallTime when) {
  const std::string line = write_token_line(Revocation{std::string(token_id), when});
  require_readable(line);
  append_line(file, line);
}

}  // namespace sallyport::auth
