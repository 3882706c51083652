#include "gateway/config/read_recipients.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "envelope/recipient.hpp"
#include "gateway/config/text_file.hpp"

namespace sallyport::gateway {
namespace {

constexpr std::size_t key_file_limit = 64 * 1024;

// The text behind a reference, or the text itself. Nothing, with a problem noted, when there is none.
std::optional<std::string> resolve(const Value& value, std::vector<std::filesystem::path>& files) {
  std::string text;
  if (!value.text_or_variable(text)) return std::nullopt;
  if (!text.starts_with("file:")) return text;
  std::filesystem::path name;
  if (!value.file(name)) return std::nullopt;
  files.push_back(name);
  TextFile file = read_text_file(name, key_file_limit);
  if (!file.text) value.refuse("the file " + file.problem);
  return std::move(file.text);
}

// What may help whoever gave a text that is no public key.
std::string advice_on(std::string_view line, bool in_file) {
  if (line.starts_with("-----BEGIN") && line.find("PRIVATE") == line.npos) {
    return "; `sallyport key show` makes one of a public key in PEM";
  }
  if (!in_file && line.ends_with(".pub")) return "; write file:" + std::string(line) + " for what is in that file";
  return "";
}

// False: not a public key, which is told; what follows in its file is then hardly one.
bool add_line(const Value& value, std::string_view line, bool in_file, std::vector<std::string>& recipients) {
  try {
    std::string key = envelope::Recipient::parse(line).text();
    if (std::find(recipients.begin(), recipients.end(), key) != recipients.end()) {
      value.problem("is the same public key as another recipient");
      return true;
    }
    recipients.push_back(std::move(key));
    return true;
  } catch (const std::exception& error) {
    const std::string what = std::string("is not a recipient's public key: ") + error.what() + advice_on(line, in_file);
    in_file ? value.refuse("a line of that file " + what) : value.problem(what);
    return false;
  }
}

}  // namespace

std::vector<std::string> read_recipients(const Value& list, std::vector<std::filesystem::path>& files) {
  std::vector<std::string> recipients;
  bool any = false;
  const bool readable = list.each([&](const Value& value) {
    any = true;
    const std::size_t files_before = files.size();
    const auto text = resolve(value, files);
    if (!text) return;
    const bool in_file = files.size() > files_before;
    // One key a line; empty lines and comments are skipped.
    bool found = false;
    for (std::string_view rest = *text; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = core::trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.empty() || line.starts_with('#')) continue;
      found = true;
      if (!add_line(value, line, in_file, recipients)) break;
    }
    if (!found) value.problem("holds no public key; `sallyport key new` makes a pair");
  });
  if (readable && !any) list.problem("is empty; without a public key nobody could ever read the log");
  return recipients;
}

std::vector<logging::NoteVerifier> read_earlier_signers(const Value& list, const std::string& origin,
                                                        std::vector<std::filesystem::path>& files) {
  std::vector<logging::NoteVerifier> signers;
  list.each([&](const Value& value) {
    const auto text = resolve(value, files);
    if (!text) return;
    try {
      signers.emplace_back(origin, logging::NoteVerifier::parse(*text).key());
    } catch (const std::invalid_argument& error) {
      value.problem(std::string("is not the public half of a signing key: ") + error.what() +
                    "; `key new --signing` and `key rotate` leave it in a file that ends with .vkey");
    }
  });
  return signers;
}

std::vector<envelope::Recipient> parse_recipients(const std::vector<std::string>& lines) {
  std::vector<envelope::Recipient> recipients;
  for (const std::string& line : lines) recipients.push_back(envelope::Recipient::parse(line));
  return recipients;
}

envelope::Recipient read_recipient(const std::string& line_or_file) {
  std::error_code too_long;  // for a file's name, as a line may be
  const bool is_line = line_or_file.starts_with("sallyport-") && !std::filesystem::exists(line_or_file, too_long);
  const std::string text = is_line ? line_or_file : require_text(line_or_file, envelope::maximum_recipient_size + 16);
  try {
    return envelope::Recipient::parse(text);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(line_or_file + ": " + error.what());
  }
}

}  // namespace sallyport::gateway
