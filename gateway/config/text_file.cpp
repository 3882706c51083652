#include "gateway/config/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "core/descriptor.hpp"

namespace sallyport::gateway {
namespace {

TextFile failed(const char* what, int code) {
  return {std::nullopt, std::string(what) + ": " + std::generic_category().message(code)};
}

}  // namespace

TextFile read_text_file(const std::filesystem::path& file, std::size_t limit) {
  const core::Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open()) return failed("cannot be opened", errno);
  TextFile result{std::string(), ""};
  char piece[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(descriptor.number(), piece, sizeof piece);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) result = failed("cannot be read", errno);
    if (count <= 0) break;
    result.text->append(piece, static_cast<std::size_t>(count));
    if (result.text->size() > limit) {
      result = {std::nullopt, "is larger than " + std::to_string(limit) + " bytes"};
      break;
    }
  }
  return result;
}

std::string require_text(const std::filesystem::path& file, std::size_t limit) {
  TextFile content = read_text_file(file, limit);
  if (!content.text) throw std::runtime_error(file.string() + " " + content.problem);
  return std::move(*content.text);
}

}  // namespace sallyport::gateway
