#include "bench/answer_reader.hpp"

#include <strings.h>
#include <algorithm>
#include <cstdlib>

namespace sallyport::bench {
namespace {

constexpr std::size_t head_limit = 16 * 1024;

// The value of a field, or an empty view. `name` with its colon, in any letter case.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find("\r\n"); line != head.npos; line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() < name.size() || ::strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = rest.substr(name.size(), rest.find("\r\n") - name.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return {};
}

}  // namespace

std::string_view AnswerReader::take(std::string_view& bytes) {
  switch (phase_) {
    case Phase::head:
      take_head(bytes);
      return {};
    case Phase::sized:
    case Phase::chunk_data:
      return take_content(bytes);
    case Phase::chunk_size:
      take_chunk_size(bytes);
      return {};
    case Phase::chunk_end:
    case Phase::trailer:
      take_line_end(bytes);
      return {};
    case Phase::done:
    case Phase::broken:
      bytes = {};
      return {};
  }
  return {};
}

void AnswerReader::take_head(std::string_view& bytes) {
  const std::size_t before = head_.size();
  head_.append(bytes);
  const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    bytes = {};
    if (head_.size() > head_limit) phase_ = Phase::broken;
    return;
  }
  bytes.remove_prefix(end + 4 - before);
  head_.resize(end + 2);
  read_head();
  std::string().swap(head_);
}

void AnswerReader::read_head() {
  phase_ = Phase::broken;
  if (!head_.starts_with("HTTP/1.1 ") || head_.size() < 12) return;
  status_ = std::atoi(head_.c_str() + 9);
  closes_ = field(head_, "connection:").starts_with("close");
  if (const std::string_view length = field(head_, "content-length:"); !length.empty()) {
    left_ = std::strtoull(length.data(), nullptr, 10);
    phase_ = left_ == 0 ? Phase::done : Phase::sized;
  } else if (field(head_, "transfer-encoding:") == "chunked") {
    phase_ = Phase::chunk_size;
  }
}

std::string_view AnswerReader::take_content(std::string_view& bytes) {
  const std::string_view content = bytes.substr(0, left_);
  bytes.remove_prefix(content.size());
  left_ -= content.size();
  content_bytes_ += content.size();
  if (left_ == 0) phase_ = phase_ == Phase::sized ? Phase::done : Phase::chunk_end;
  return content;
}

// Whether the line in line_ is whole, its line feed taken.
bool AnswerReader::take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, end));
  bytes.remove_prefix(end == bytes.npos ? bytes.size() : end + 1);
  return end != bytes.npos;
}

void AnswerReader::take_chunk_size(std::string_view& bytes) {
  if (!take_line(bytes)) return;
  left_ = std::strtoull(line_.c_str(), nullptr, 16);
  line_.clear();
  phase_ = left_ == 0 ? Phase::trailer : Phase::chunk_data;
}

void AnswerReader::take_line_end(std::string_view& bytes) {
  if (!take_line(bytes)) return;
  const bool empty = line_ == "\r";
  line_.clear();
  if (phase_ == Phase::chunk_end) {
    phase_ = empty ? Phase::chunk_size : Phase::broken;
  } else if (empty) {
    phase_ = Phase::done;
  }
}

}  // namespace sallyport::bench
