#include "tests/support/redis_server.hpp"

namespace sallyport::tests {

// Debian's redis-tools bring the server too, without making it a service of the machine: it is one program with this
// one, and goes by the name it is called by.
RedisServer::RedisServer(const TestPki& pki) : pki_(pki) {
  std::filesystem::create_symlink("/usr/bin/redis-check-rdb", directory_ / "redis-server");
  start();
}

void RedisServer::start() {
  const path errors = directory_ / "out";
  child_ = std::make_unique<ChildProcess>(Launch{
      {directory_ / "redis-server", "--bind", "127.0.0.1", "--port", "0", "--tls-port", std::to_string(port()),
       "--tls-cert-file", pki_.model_server.certificate, "--tls-key-file", pki_.model_server.key, "--tls-ca-cert-file",
       pki_.ours.certificate(), "--requirepass", password, "--save", "", "--dir", directory_.where()},
      errors,
      errors});
  const auto answers = [&] { return !child_->running() || ask({"PING"}) == "PONG\n"; };
  if (!eventually(answers) || !child_->running()) throw std::runtime_error("no Redis: " + read_file(errors));
  // What docs/configuration.md says that a gateway needs, and nothing else.
  allow({"reset", "on", std::string(">") + password, "~sallyport:limit:*", "+eval", "+time", "+hmget", "+hset",
         "+pexpire"});
}

void RedisServer::allow(std::vector<std::string> rules) const {
  rules.insert(rules.begin(), {"ACL", "SETUSER", user});
  if (const std::string said = ask(rules); said != "OK\n") throw std::runtime_error("Redis says: " + said);
}

void RedisServer::kill() {
  child_->signal(SIGKILL);
  child_->wait();
}

std::string RedisServer::ask(std::vector<std::string> command) const {
  std::vector<std::string> client = {"redis-cli",
                                     "--no-auth-warning",
                                     "--tls",
                                     "-h",
                                     "127.0.0.1",
                                     "-p",
                                     std::to_string(port()),
                                     "--cacert",
                                     pki_.ours.certificate(),
                                     "--cert",
                                     pki_.gateway_client.certificate,
                                     "--key",
                                     pki_.gateway_client.key,
                                     "-a",
                                     password};
  client.insert(client.end(), command.begin(), command.end());
  return run(client).out;
}

}  // namespace sallyport::tests
