// Blocking file operations on descriptors, for commands and for start-up. Failures throw std::system_error with the
// file's name.
#pragma once

#include <cerrno>
#include <filesystem>
#include <optional>

#include "core/bytes.hpp"
#include "core/descriptor.hpp"
#include "core/result.hpp"

namespace sallyport::core {

[[noreturn]] void throw_file_error(const std::filesystem::path& file, int code = errno);

// open(2) with O_CLOEXEC. A file that it creates has mode 0600.
Descriptor open_file(const std::filesystem::path& file, int flags);

// Fills `into` from `offset` on and gives the number of bytes, which is smaller only at the end of the file. Does not
// throw. Errors: io_failed.
Result<std::size_t> read_at(const Descriptor& descriptor, std::uint64_t offset, MutableBytes into) noexcept;

// Whether that name is this very file's. nullopt: that cannot be told now (errno). Does not throw.
std::optional<bool> leads_to(const std::filesystem::path& name, const Descriptor& file) noexcept;

void write_file(const Descriptor& descriptor, ConstBytes bytes, const std::filesystem::path& file);
void sync_file(const Descriptor& descriptor, const std::filesystem::path& file);  // to the disk
void sync_directory_of(const std::filesystem::path& file);  // fsync(2) of the file does not sync its name

}  // namespace sallyport::core
