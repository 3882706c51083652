// Two real gateways that count together through a real Redis, over mutual TLS and with a password.
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "tests/support/catch.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/redis_server.hpp"

using namespace sallyport::tests;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int a_minute = 12;  // what a token may: one more every five seconds

struct Wish {
  std::string endpoint;
  path password_file;
  path ca = GatewayProcess::pki().ours.certificate();
};

std::string limits(const Wish& wish) {
  const Identity& ours = GatewayProcess::pki().gateway_client;
  return "{shared: {endpoint: \"" + wish.endpoint + "\", interval: 50ms, username: " + RedisServer::user +
         ", password_file: " + wish.password_file.string() + ", tls: {ca: " + wish.ca.string() +
         ", certificate: " + ours.certificate.string() + ", key: " + ours.key.string() + "}}}";
}

// A Redis, a model server and two gateways with the same tokens.
class Pair {
 public:
  explicit Pair(const std::function<void(Wish&)>& change = [](Wish&) {})
      : both(gateway_wish(change)), one(model_server, both), two(model_server, both) {
    write_file(two.directory() / "tokens", read_file(one.directory() / "tokens"));
    if (!eventually([&] { return reloads(two) == 1; })) throw std::runtime_error("the tokens are not the same");
  }

  path password_file() const { return directory / "password"; }
  static double reloads(const GatewayProcess& at) {
    return at.metric("sallyport_config_reloads_total{outcome=\"ok\"}");
  }
  static bool up(const GatewayProcess& at) { return at.metric("sallyport_shared_limits_up") == 1; }
  bool both_up() const { return up(one) && up(two); }
  bool both_alone() const { return !up(one) && !up(two); }

  // What `at` spent until now has been told, and what others told has been heard.
  static bool in_step(const GatewayProcess& at) {
    const auto exchanges = [&] { return at.metric("sallyport_shared_limits_exchanges_total{outcome=\"ok\"}"); };
    const double before = exchanges();
    return eventually([&] { return exchanges() >= before + 2; });
  }

  TemporaryDirectory directory;
  RedisServer redis{GatewayProcess::pki()};
  ScriptedServer model_server{GatewayProcess::model_server(), answer_always(std::string(chat_answer))};
  GatewayWish both;
  GatewayProcess one, two;

 private:
  GatewayWish gateway_wish(const std::function<void(Wish&)>& change) const {
    write_file(password_file(), std::string(RedisServer::password) + "\n");
    std::filesystem::permissions(password_file(), std::filesystem::perms(0600));
    Wish wish{.endpoint = "rediss://localhost:" + std::to_string(redis.port()), .password_file = password_file()};
    change(wish);
    GatewayWish gateway{.limits = limits(wish)};
    for (const std::string name : {"first", "second"}) {
      gateway.tokens[name] = {"--models", "*", "--requests-per-minute", std::to_string(a_minute)};
    }
    gateway.tokens["slow"] = {"--models", "*", "--requests-per-minute", "1"};
    return gateway;
  }
};

// The status of one chat at `at`, with a token of gateway one's.
unsigned chat(const Pair& pair, const GatewayProcess& at, const std::string& token) {
  ScriptedClient client(at.client());
  client.send(request_text({.token = pair.one.token_of(token), .body = chat_body("llama", "hello")}));
  return client.read_answer().status();
}

int chats_until_refused(const Pair& pair, const GatewayProcess& at, const std::string& token) {
  int admitted = 0;
  while (admitted < 3 * a_minute && chat(pair, at, token) == 200) ++admitted;
  return admitted;
}

// What the server counts of `field` for the one token that was used, as of when it was last told.
double counted(const Pair& pair, const std::string& field) {
  std::string key = pair.redis.ask({"KEYS", "sallyport:limit:tk-*"});
  while (key.ends_with('\n')) key.pop_back();
  return std::strtod(pair.redis.ask({"HGET", key, field}).c_str(), nullptr);
}

// By their numbers at the server.
std::set<std::string> connections(const Pair& pair) {
  std::istringstream lines(pair.redis.ask({"CLIENT", "LIST"}));
  std::set<std::string> numbers;
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" cmd=eval ") != line.npos) numbers.insert(line.substr(0, line.find(' ')));
  }
  return numbers;
}

// How many one token is admitted at both, the second having heard of it once before it goes on.
struct Admitted {
  int together = 0;
  double allowed = a_minute;  // with what time brought back meanwhile
};
Admitted spend_at_both(const Pair& pair, const std::string& token) {
  const auto start = Clock::now();
  Admitted admitted;
  for (int i = 0; i < a_minute - 2; ++i) admitted.together += chat(pair, pair.one, token) == 200 ? 1 : 0;
  REQUIRE(Pair::in_step(pair.one));
  admitted.together += chat(pair, pair.two, token) == 200 ? 1 : 0;
  REQUIRE(Pair::in_step(pair.two));
  admitted.together += chats_until_refused(pair, pair.two, token);
  REQUIRE(Pair::in_step(pair.two));
  chat(pair, pair.one, token);  // that it asks is why it hears
  REQUIRE(Pair::in_step(pair.one));
  admitted.together += chats_until_refused(pair, pair.one, token);
  admitted.allowed += std::chrono::duration<double>(Clock::now() - start).count() * a_minute / 60;
  return admitted;
}

}  // namespace

TEST_CASE("two gateways admit a token together as often as one would", "[shared-limits]") {
  const Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  const Admitted admitted = spend_at_both(pair, "first");
  CHECK(admitted.together >= a_minute - 1);
  CHECK(admitted.together <= std::ceil(admitted.allowed));
  const Finished status = pair.one.command({"status", "--config", pair.one.config_file()});
  CHECK(status.out.find("limits         shared\n") != std::string::npos);
}

TEST_CASE("a user of the server who may do what the documentation names is enough, and without any of it is not",
          "[shared-limits]") {
  const Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  CHECK(chat(pair, pair.one, "first") == 200);
  REQUIRE(Pair::in_step(pair.one));
  CHECK(pair.redis.ask({"ACL", "LOG"}) == "\n");  // nothing was refused
  for (const std::string right : {"eval", "time", "hmget", "hset", "pexpire"}) {
    INFO(right);
    pair.redis.allow({"-" + right});
    chat(pair, pair.one, "first");
    CHECK(eventually([&] { return !Pair::up(pair.one); }));
    pair.redis.allow({"+" + right});
    CHECK(eventually([&] { return Pair::up(pair.one); }));
  }
}

TEST_CASE("without the server each gateway counts alone and says so, and together again when it is back",
          "[shared-limits]") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  pair.redis.kill();
  REQUIRE(eventually([&] { return pair.both_alone(); }));
  CHECK(chats_until_refused(pair, pair.one, "first") >= a_minute);
  CHECK(chats_until_refused(pair, pair.two, "first") >= a_minute);
  CHECK(pair.one.admin("/readyz").status() == 200);
  CHECK(pair.one.errors().find("shared_limits_down") != std::string::npos);
  const Finished status = pair.one.command({"status", "--config", pair.one.config_file(), "--json"});
  CHECK(Json::parse(status.out, nullptr, false)["limits_shared"] == false);

  pair.redis.start();
  REQUIRE(eventually([&] { return pair.both_up(); }));
  const Admitted admitted = spend_at_both(pair, "second");
  CHECK(admitted.together <= std::ceil(admitted.allowed));
}

TEST_CASE("a server that was emptied forgives nobody", "[shared-limits]") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  const auto start = Clock::now();
  int admitted = chats_until_refused(pair, pair.one, "first");
  chat(pair, pair.two, "first");
  REQUIRE(Pair::in_step(pair.two));
  pair.redis.kill();
  REQUIRE(eventually([&] { return pair.both_alone(); }));
  pair.redis.start();
  REQUIRE(eventually([&] { return pair.both_up(); }));
  for (const GatewayProcess* at : {&pair.one, &pair.two}) {
    admitted += chat(pair, *at, "first") == 200 ? 1 : 0;  // that it asks is why it hears
    REQUIRE(Pair::in_step(*at));
    admitted += chats_until_refused(pair, *at, "first");
  }
  const double passed = std::chrono::duration<double>(Clock::now() - start).count();
  CHECK(admitted <= std::ceil(a_minute + passed * a_minute / 60) + 1);  // one while the two had not heard of each other
}

TEST_CASE("a server that takes everything and answers nothing holds no request up", "[shared-limits]") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  pair.redis.pause();
  CHECK(chat(pair, pair.one, "first") == 200);
  CHECK(eventually([&] { return pair.both_alone(); }));
  CHECK(pair.one.errors().find("problem=timeout") != std::string::npos);
  CHECK(chat(pair, pair.one, "first") == 200);
  SECTION("and is asked again when it answers") {
    pair.redis.resume();
    CHECK(eventually([&] { return pair.both_up(); }));
  }
  SECTION("and delays no end") {
    pair.one.signal(SIGTERM);
    CHECK(pair.one.wait_for_exit() == 0);
  }
}

TEST_CASE("what a server took before it stood still is counted once when it goes on", "[shared-limits]") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  pair.redis.pause();
  REQUIRE(chat(pair, pair.one, "slow") == 200);
  REQUIRE(eventually([&] { return pair.both_alone(); }));
  pair.redis.resume();
  REQUIRE(eventually([&] { return pair.both_up(); }));
  REQUIRE(Pair::in_step(pair.one));
  CHECK(counted(pair, "requests") > 0.5);  // one a minute: its return takes longer than this test
  CHECK(counted(pair, "requests") <= 1);
}

TEST_CASE("a wrong password leaves each gateway alone, and the right one is taken up by a reload", "[shared-limits]") {
  const Pair pair([](Wish& wish) { write_file(wish.password_file, "wrong horse"); });
  REQUIRE(eventually([&] { return pair.one.errors().find("answered WRONGPASS") != std::string::npos; }));
  CHECK(pair.both_alone());
  CHECK(chat(pair, pair.two, "first") == 200);
  CHECK(pair.one.errors().find("wrong horse") == std::string::npos);
  write_file(pair.password_file(), RedisServer::password);
  CHECK(eventually([&] { return pair.both_up(); }));
}

TEST_CASE("a reload keeps the connection to the server unless something about it changed", "[shared-limits]") {
  Pair pair;
  REQUIRE(eventually([&] { return pair.both_up(); }));
  const auto before = connections(pair);
  REQUIRE(before.size() == 2);
  pair.one.signal(SIGHUP);
  REQUIRE(eventually([&] { return Pair::reloads(pair.one) == 1; }));
  REQUIRE(Pair::in_step(pair.one));
  CHECK(connections(pair) == before);
  write_file(pair.password_file(), std::string(RedisServer::password) + "\n\n");
  CHECK(eventually([&] {
    const auto now = connections(pair);
    return now.size() == 2 && std::none_of(now.begin(), now.end(), [&](auto& each) { return before.count(each) > 0; });
  }));
  CHECK(eventually([&] { return pair.both_up(); }));
}

TEST_CASE("a server whose certificate nobody trusts is told nothing", "[shared-limits]") {
  const Pair pair([](Wish& wish) { wish.ca = GatewayProcess::pki().foreign_authority.certificate(); });
  REQUIRE(eventually([&] { return pair.one.errors().find("certificate_untrusted") != std::string::npos; }));
  CHECK(pair.both_alone());
  CHECK(chat(pair, pair.one, "first") == 200);
}

TEST_CASE("a key of another kind on the server is an answer that is not counted by", "[shared-limits]") {
  const Pair pair;
  REQUIRE(chat(pair, pair.one, "first") == 200);
  std::string key;
  REQUIRE(eventually([&] { return (key = pair.redis.ask({"KEYS", "sallyport:limit:*"})).size() > 1; }));
  key.pop_back();
  CHECK(key.starts_with("sallyport:limit:tk-"));
  REQUIRE(pair.redis.ask({"SET", key, "text"}) == "OK\n");
  const auto refused = [&] {
    chat(pair, pair.one, "first");
    return pair.one.errors().find("answered WRONGTYPE") != std::string::npos;
  };
  CHECK(eventually(refused));
  REQUIRE(pair.redis.ask({"DEL", key}) == "1\n");
  CHECK(eventually([&] { return Pair::up(pair.one); }));
}

TEST_CASE("what the server keeps goes away when nothing can be owed any more", "[shared-limits]") {
  const Pair pair;
  REQUIRE(chat(pair, pair.one, "first") == 200);
  std::string key;
  REQUIRE(eventually([&] { return (key = pair.redis.ask({"KEYS", "*"})).size() > 1; }));
  key.pop_back();
  const int left = std::stoi(pair.redis.ask({"PTTL", key}));  // the deepest debt is over in six minutes
  CHECK(left > 300'000);
  CHECK(left <= 360'000);
}
