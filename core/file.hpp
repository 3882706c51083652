// Files by their descriptors, for commands and for starting up. Failures throw std::system_error with the file's name.
#pragma once

#include <cerrno>
#include <filesystem>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"
#include "core/result.hpp"

namespace sallyport::core {

[[noreturn]] void throw_file_error(const std::filesystem::path& file, int code = errno);

// What it makes only its owner may read and write.
Descriptor open_file(const std::filesystem::path& file, int flags);

// All of `into`, or what there is before the file's end. Does not throw: the error is io_failed.
Result<std::size_t> read_at(const Descriptor& descriptor, std::uint64_t offset, MutableBytes into) noexcept;

void write_file(const Descriptor& descriptor, ConstBytes bytes, const std::filesystem::path& file);
void sync_file(const Descriptor& descriptor, const std::filesystem::path& file);  // to the disk
void sync_directory_of(const std::filesystem::path& file);  // its name too: fsync(2) of the file leaves that out

}  // namespace sallyport::core
