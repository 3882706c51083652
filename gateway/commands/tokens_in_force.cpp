#include "gateway/commands/tokens_in_force.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <stdexcept>

#include "auth/token_file.hpp"
#include "gateway/commands/admin_client.hpp"
#include "gateway/commands/metric_sample.hpp"
#include "gateway/config/config_text.hpp"

namespace sallyport::gateway {
namespace {

constexpr core::Duration between_questions = std::chrono::milliseconds(100);
constexpr core::Duration least_patience = std::chrono::milliseconds(500);  // for an answer that is under way

struct InForce {
  double hash = 0;
  bool refused = false;
};

InForce ask(const Address& admin, core::Duration patience) {
  const AdminAnswer page = ask_admin(admin, "/metrics", patience);
  InForce tokens;
  bool told = false;
  for_each_sample(page.body, [&](const Sample& sample) {
    if (sample.name == "sallyport_tokens_last_load_successful") tokens.refused = sample.value == 0;
    if (sample.name != "sallyport_tokens_hash") return;
    tokens.hash = sample.value;
    told = true;
  });
  if (!told) throw std::runtime_error(text_of(admin) + ": nobody there tells of tokens");
  return tokens;
}

}  // namespace

std::string wait_until_in_force(const path& tokens, const Address& admin, core::Duration patience) try {
  const core::SystemClock clock;
  const auto deadline = clock.now() + patience;
  boost::asio::io_context io;
  boost::asio::steady_timer pause(io);
  for (;;) {
    const InForce now = ask(admin, std::max(deadline - clock.now(), least_patience));
    // Read anew each time: others write to it as well.
    if (now.hash == static_cast<double>(auth::read_token_file(tokens).hash)) return {};
    if (clock.now() >= deadline) {
      return "the gateway at " + text_of(admin) + " has not taken up " + tokens.string() + " as it is now" +
             (now.refused ? "; it refused its tokens file, and its operator's log tells why"
                          : "; does the configuration it runs with name another tokens file?");
    }
    pause.expires_after(between_questions);
    pause.wait();
  }
} catch (const std::runtime_error& problem) {
  return std::string("it cannot be asked: ") + problem.what();
}

}  // namespace sallyport::gateway
