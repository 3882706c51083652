// The owner of a file descriptor, which it closes when its scope ends.
#pragma once

#include <unistd.h>

#include <utility>

namespace sallyport::core {

class Descriptor {
 public:
  // Takes the result of open(2) or a similar call. A negative number, their sign of failure, makes an empty owner.
  explicit Descriptor(int number = -1) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }

  bool is_open() const noexcept { return number_ >= 0; }
  int number() const noexcept { return number_; }
  void close() noexcept {
    if (is_open()) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

}  // namespace sallyport::core
