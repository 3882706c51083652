// Reads and writes files that only their owner may read, such as private keys.
//
// Failures throw std::runtime_error (std::system_error where the operating system failed) with the file's name and what
// is wrong, for the operator.
#pragma once

#include <filesystem>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace sallyport::core {

inline constexpr std::size_t maximum_private_file_size = 64 * 1024;

// The whole file. Refused: a file that is not regular or larger than maximum_private_file_size; any permission for
// others; write or execute permission for the group; read permission for the group on a file that this user owns.
Secret read_private_file(const std::filesystem::path& path);

// The same without line ends ('\n', '\r') at the end of the file, which editors add. For passwords and API keys.
Secret read_private_text(const std::filesystem::path& path);

// Creates the file with mode 0600 and syncs content and name to the disk. Refused when the name exists. After any other
// failure there is no file.
void write_private_file(const std::filesystem::path& path, ConstBytes content);

}  // namespace sallyport::core
