// The composition root: one configuration becomes running services; signals and changed files steer them.
#pragma once

#include <filesystem>

#include "gateway/config/config.hpp"
#include "gateway/config/file_watch.hpp"
#include "gateway/operator_log.hpp"

namespace sallyport::gateway {

class Server {
 public:
  // Builds everything and binds every address, so that what can fail fails here, before anything is served.
  // Throws std::runtime_error with words for the operator. `file` is read again on reload, and when one of
  // `files` changes, which know them as they were before `config` was read.
  Server(Config config, FileWatch files, std::filesystem::path file, OperatorLogger& operator_log);
  ~Server();

  // Serves until SIGTERM or SIGINT and the drain that follows; a second signal cuts the drain short. False: the log
  // could not be written to its end, as the operator's log says. Where its disk hangs past the drain the process ends
  // here, with exit code 1.
  bool run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sallyport::gateway
