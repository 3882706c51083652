// Short texts with a strict form: tokens and their file, times, authorities, targets, paths, the words of a
// configuration, replies of Valkey. The first byte says which.
#include <array>
#include <string>

#include "auth/token_line.hpp"
#include "core/base64.hpp"
#include "core/utc_time.hpp"
#include "gateway/config/config_text.hpp"
#include "gateway/resp.hpp"
#include "http/authority.hpp"
#include "http/path.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;

namespace {

void check_token(std::string_view text) {
  if (!auth::is_well_formed_token(text)) return;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed(text);
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    claim(!auth::is_well_formed_token(changed), "one wrong character makes no token");
  }
}

// What is read from a line of the token file is written as a line that says the same.
void check_token_file(std::string_view text) {
  (void)auth::parse_token_file(text);
  const auth::TokenLine line = auth::read_token_line(text);
  claim(line.problems.empty() == !std::holds_alternative<std::monostate>(line.value), "a line is read or refused");
  std::string written;
  if (const auto* token = std::get_if<auth::Token>(&line.value)) written = auth::write_token_line(*token);
  if (const auto* revocation = std::get_if<auth::Revocation>(&line.value))
    written = auth::write_token_line(*revocation);
  if (written.empty()) return;
  const auth::TokenLine again = auth::read_token_line(written);
  claim(again.problems.empty() && again.value.index() == line.value.index(), "a written line can be read");
  if (const auto* token = std::get_if<auth::Token>(&again.value)) {
    claim(auth::write_token_line(*token) == written, "and is written the same again");
  }
}

void check_times(std::string_view text) {
  if (const auto time = core::parse_utc(text)) claim(core::format_utc(*time) == text, "a time has one form");
  if (const auto day = core::parse_utc_date(text)) {
    claim(core::format_utc(*day) == std::string(text) + "T00:00:00Z", "a day begins at midnight");
  }
}

void check_target(std::string_view text) {
  const auto target = http::read_target("GET", text);
  if (!target) return;
  claim(target->origin.starts_with('/'), "a target is a path");
  claim(target->authority.empty() || http::valid_authority(target->authority), "and may name a valid authority");
  const auto again = http::read_target("GET", target->origin);
  claim(again && again->origin == target->origin && again->authority.empty(), "a path stays as it is");
}

// A server that decodes it sees as many segments as one that does not, and none that moves.
void check_path(std::string_view path) {
  if (!http::is_normal_path(path) || path == "*") return;
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool encoded = path[i] == '%';
    const char c = encoded ? static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16)) : path[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool divides = c == '/' || c == '\\' || byte < 0x20 || byte == 0x7f;
    claim(!encoded || !divides, "nothing that divides or ends a path is hidden in it");
    decoded += c;
    if (encoded) i += 2;
  }
  claim(decoded.find("//") == decoded.npos && decoded.find('\\') == decoded.npos, "its segments are plain to see");
  decoded += '/';
  claim(decoded.find("/./") == decoded.npos && decoded.find("/../") == decoded.npos, "and stay where they are");
}

void check_words(std::string_view text) {
  if (const auto duration = gateway::parse_duration(text)) {
    claim(gateway::parse_duration(gateway::text_of(*duration)) == *duration, "a duration can be said");
  }
  (void)gateway::parse_size(text);
  if (const auto address = gateway::parse_address(text)) {
    const auto again = gateway::parse_address(gateway::text_of(*address));
    claim(again && gateway::text_of(*again) == gateway::text_of(*address), "an address can be said");
  }
  (void)gateway::parse_host_address(text);
  std::string problem;
  claim(gateway::parse_endpoint(text, problem).has_value() == problem.empty(),
        "an endpoint is read or refused in words");
}

// One reply, however little of it has come before.
void check_reply(std::string_view text) {
  gateway::RespReply reply, early;
  const auto size = gateway::parse_resp(text, reply);
  for (std::size_t come = 0; come < text.size(); ++come) {
    const core::Bytes exact(core::bytes_of(text).begin(),
                            core::bytes_of(text).begin() + static_cast<std::ptrdiff_t>(come));
    const auto so_far = gateway::parse_resp(core::text_of(exact), early);
    const bool incomplete = so_far && *so_far == 0;
    if (size && *size > 0 && come >= *size) {
      claim(so_far && *so_far == *size && early.text == reply.text && early.numbers == reply.numbers,
            "what follows a reply changes nothing in it");
    } else {
      claim(incomplete || (!size && !so_far), "a reply is not read before it has come");
    }
  }
}

void check_base64(std::string_view text) {
  if (const auto bytes = core::from_base64(text)) claim(core::to_base64(*bytes) == text, "base64 has one form");
  if (const auto bytes = core::from_base64url(text))
    claim(core::to_base64url(*bytes) == text, "base64url has one form");
  if (const auto bytes = core::from_hex(text)) claim(core::to_hex(*bytes) == text, "hex has one form");
}

constexpr std::array checks{check_token, check_token_file, check_times, check_target,
                            check_path,  check_words,      check_reply, check_base64};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const core::ConstBytes input = input_of(data, size).subspan(1);
  const core::Bytes exact(input.begin(), input.end());
  checks[data[0] % checks.size()](core::text_of(exact));
  return 0;
}
