// Follows one HTTP/1.1 answer through the bytes that carry it: what the load generator needs to check it, at little
// cost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sallyport::bench {

class AnswerReader {
 public:
  // Takes some of `bytes`, which it shortens, and gives the content among them, perhaps none. Call until `bytes` is
  // empty, or the answer is finished or broken.
  std::string_view take(std::string_view& bytes);

  bool finished() const noexcept { return phase_ == Phase::done; }
  bool broken() const noexcept { return phase_ == Phase::broken; }
  int status() const noexcept { return status_; }
  bool closes() const noexcept { return closes_; }  // the connection serves no further request
  std::uint64_t content_bytes() const noexcept { return content_bytes_; }

 private:
  enum class Phase : std::uint8_t { head, sized, chunk_size, chunk_data, chunk_end, trailer, done, broken };

  void take_head(std::string_view& bytes);
  void read_head();
  bool take_line(std::string_view& bytes);
  void take_chunk_size(std::string_view& bytes);
  void take_line_end(std::string_view& bytes);
  std::string_view take_content(std::string_view& bytes);

  Phase phase_ = Phase::head;
  int status_ = 0;
  bool closes_ = false;
  std::string head_;
  std::string line_;        // a size line or a trailer line that was cut
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::uint64_t content_bytes_ = 0;
};

}  // namespace sallyport::bench
