// Loaded before the C library: every name under .test is 127.0.0.1, but "slow.test" is so only after half a minute, and
// "none.test" does not exist. The file that SLOW_NAMES_ASKED names is made when "slow.test" is first asked for.
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view asked = name == nullptr ? "" : name;
  if (!asked.ends_with(".test")) return next(name, service, hints, found);
  if (asked == "none.test") return EAI_NONAME;
  if (asked == "slow.test") {
    if (const char* file = std::getenv("SLOW_NAMES_ASKED")) ::close(::open(file, O_CREAT | O_WRONLY, 0600));
    std::this_thread::sleep_for(std::chrono::seconds(30));
  }
  return next("127.0.0.1", service, hints, found);
}
