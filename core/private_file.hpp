// Files that only their owner may read: private keys.
//
// Failures throw std::runtime_error with the file's name and what to do, for an operator to read.
#pragma once

#include <filesystem>

#include "core/bytes.hpp"
#include "core/secret.hpp"

namespace sallyport::core {

inline constexpr std::size_t maximum_private_file_size = 64 * 1024;

// The whole file. Refused when others have any permission on it, or a group more than to read it or anything on a file of
// our own; when it is no regular file or too large.
Secret read_private_file(const std::filesystem::path& path);

// The same without the newlines at its end, which editors leave there: for a password, or another's key.
Secret read_private_text(const std::filesystem::path& path);

// Makes the file with mode 0600 and its content on disk, or none; refused when anything of that name exists.
void write_private_file(const std::filesystem::path& path, ConstBytes content);

}  // namespace sallyport::core
