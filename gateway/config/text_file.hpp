// A small text file of the operator's, read whole: configuration, tokens, public keys, certificates.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sallyport::gateway {

struct TextFile {
  std::optional<std::string> text;
  std::string problem;  // when there is no text: "cannot be opened: No such file or directory"
};

// Blocks: for commands, start and reload, never for a request. At most `limit` bytes; a larger file is a problem.
TextFile read_text_file(const std::filesystem::path& file, std::size_t limit);

// The same for those who cannot go on without it. Throws std::runtime_error: the file's name and the problem.
std::string require_text(const std::filesystem::path& file, std::size_t limit);

}  // namespace sallyport::gateway
