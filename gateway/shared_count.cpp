#include "gateway/shared_count.hpp"

#include <algorithm>

#include "auth/bucket.hpp"
#include "auth/token_file.hpp"
#include "gateway/resp.hpp"

namespace sallyport::gateway {
namespace {

// Lua, run by the server in one piece. It reads all before it writes, so that one key of another kind (WRONGTYPE)
// leaves nothing half counted. Six arguments a key: what is allowed a minute, what was spent, and what the gateway knew
// before (in thousandths, for a key that is not there), each of requests and of tokens. The debt ends where Bucket's
// does: five minutes below an empty bucket, six from a full one. A key stays as long, also when nothing is owed: until
// then a gateway that did not hear of tokens given back may know of more, which must not come back as from an emptied
// server.
constexpr std::string_view script = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function owed(before, minutes, per_minute, spent)
  local still = math.max(0, (tonumber(before) or 0) - minutes * per_minute)
  return math.max(0, math.min(6 * per_minute, still + spent))
end
local before, answer = {}, {}
for i, key in ipairs(KEYS) do
  before[i] = redis.call('HMGET', key, 'requests', 'tokens', 'time')
end
for i, key in ipairs(KEYS) do
  local last = before[i]
  if not last[3] then last = {ARGV[6 * i - 1] / 1000, ARGV[6 * i] / 1000} end
  local requests_per_minute, tokens_per_minute = tonumber(ARGV[6 * i - 5]), tonumber(ARGV[6 * i - 4])
  local minutes = math.max(0, now - (tonumber(last[3]) or now)) / 60000000
  local requests = owed(last[1], minutes, requests_per_minute, tonumber(ARGV[6 * i - 3]))
  local tokens = owed(last[2], minutes, tokens_per_minute, tonumber(ARGV[6 * i - 2]))
  redis.call('HSET', key, 'requests', requests, 'tokens', tokens, 'time', now)
  redis.call('PEXPIRE', key, 360000)
  answer[2 * i - 1] = math.ceil(requests * 1000)
  answer[2 * i] = math.ceil(tokens * 1000)
end
return answer
)";
static_assert(auth::Bucket::longest_debt_minutes == 5);

constexpr std::int64_t most_owed = 6000 * std::int64_t{auth::max_per_minute};

}  // namespace

std::string count_command(std::string_view key_prefix, std::span<const auth::Spent> spent) {
  std::vector<std::string> texts;
  texts.reserve(7 * spent.size());  // the words below are views into it
  std::vector<std::string_view> words = {"EVAL", script};
  const std::string count = std::to_string(spent.size());
  words.push_back(count);
  const auto add = [&](std::string text) { words.push_back(texts.emplace_back(std::move(text))); };
  for (const auth::Spent& each : spent) add(std::string(key_prefix) + each.principal);
  for (const auth::Spent& each : spent) {
    add(std::to_string(each.requests_per_minute));
    add(std::to_string(each.tokens_per_minute));
    add(std::to_string(each.requests));
    add(std::to_string(each.tokens));
    add(std::to_string(each.before.requests));
    add(std::to_string(each.before.tokens));
  }
  std::string command;
  append_resp_command(command, words);
  return command;
}

std::optional<std::vector<auth::Owed>> read_counts(std::span<const std::int64_t> answer, std::size_t principals) {
  if (answer.size() != 2 * principals) return std::nullopt;
  if (std::any_of(answer.begin(), answer.end(), [](auto owed) { return owed < 0 || owed > most_owed; })) return {};
  std::vector<auth::Owed> all;
  for (std::size_t i = 0; i < answer.size(); i += 2) all.push_back({.requests = answer[i], .tokens = answer[i + 1]});
  return all;
}

}  // namespace sallyport::gateway
