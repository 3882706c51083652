// Loaded before the C++ library: while the file SCARCE_MEMORY is there, who has just accepted a connection finds no
// memory for the next thing it allocates.
#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace {
thread_local bool finds_none = false;
}

extern "C" int accept4(int listening, sockaddr* address, socklen_t* size, int flags) {
  static const auto next = reinterpret_cast<decltype(&accept4)>(::dlsym(RTLD_NEXT, "accept4"));
  static const char* const file = std::getenv("SCARCE_MEMORY");
  const int client = next(listening, address, size, flags);
  finds_none = client >= 0 && file != nullptr && ::access(file, F_OK) == 0;
  return client;
}

void* operator new(std::size_t size) {
  static const auto next = reinterpret_cast<void* (*)(std::size_t)>(::dlsym(RTLD_NEXT, "_Znwm"));
  if (std::exchange(finds_none, false)) throw std::bad_alloc();
  return next(size);
}
