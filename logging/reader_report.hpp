// What a reader of a log has to say of places that it could not read, and whether it missed something there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport::logging {

class ReaderReport {
 public:
  using Tell = std::function<void(std::uint64_t segment, const std::string& words)>;

  explicit ReaderReport(Tell tell) : tell_(std::move(tell)) {}
  void tell_to(Tell tell) { tell_ = std::move(tell); }  // from now on

  void say(std::uint64_t segment, const std::string& words) const {
    if (tell_) tell_(segment, words);
  }
  void trouble(std::uint64_t segment, std::string_view words) {
    ++troubles_;
    say(segment, std::string(words));
  }
  // A trouble, and frames may stand there.
  void hole(std::uint64_t segment, std::string_view words) {
    trouble(segment, words);
    miss();
  }
  void miss() noexcept { missed_ = true; }  // frames, where that is no trouble or was said already

  // Whether frames may have been missed since the last call.
  bool take_missed() noexcept { return std::exchange(missed_, false); }
  std::uint64_t troubles() const noexcept { return troubles_; }

 private:
  Tell tell_;
  std::uint64_t troubles_ = 0;
  bool missed_ = false;
};

}  // namespace sallyport::logging
