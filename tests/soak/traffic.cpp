#include "tests/soak/traffic.hpp"

#include <algorithm>
#include <cstdio>

namespace sallyport::tests::soak {
namespace {

constexpr Milliseconds slowest = 60s;  // for any one answer, on a machine that has other things to do
constexpr std::size_t wrongs_kept = 20;
constexpr std::size_t events_between_keys = 50;

enum class Connections { kept, full_handshake, resumed };

struct Kind {
  std::string name;
  std::string model;
  int clients = 1;
  Milliseconds pause = 100ms;
  std::size_t least_words = 20, most_words = 20;  // of a prompt, ten bytes each
  bool stream = false;
  Connections connections = Connections::kept;
  std::set<std::string> endings = {"200"};
  bool leaves = false, rekeys = false, stranger = false;
};

const std::set<std::string> of_a_server_that_dies = {"200", "502", "503", "504", "cut"};

// clang-format off
const std::vector<Kind> kinds = {
    {.name = "short chat", .model = "fast", .clients = 6, .pause = 25ms},
    {.name = "new connection", .model = "fast", .pause = 150ms, .connections = Connections::full_handshake},
    {.name = "resumed connection", .model = "fast", .pause = 150ms, .connections = Connections::resumed},
    {.name = "stream flat out", .model = "fast", .clients = 2, .least_words = 500, .most_words = 500, .stream = true},
    {.name = "paced stream", .model = "paced", .clients = 6, .least_words = 60, .most_words = 60, .stream = true},
    {.name = "large prompt", .model = "fast", .clients = 2, .pause = 1500ms, .least_words = 20'000, .most_words = 200'000},
    {.name = "wrong token", .model = "fast", .endings = {"401"}, .stranger = true},
    {.name = "client that leaves", .model = "paced", .clients = 2, .least_words = 60, .most_words = 60, .stream = true,
     .endings = {"left"}, .leaves = true},
    {.name = "new keys", .model = "rekeying", .least_words = 200, .most_words = 200, .stream = true, .rekeys = true},
    {.name = "failing model", .model = "failing", .endings = {"500"}},
    {.name = "chat cut short", .model = "cutting", .endings = {"cut"}},
    {.name = "stream cut short", .model = "cutting", .stream = true, .endings = {"cut"}},
    {.name = "chat with a server that dies", .model = "mortal", .endings = of_a_server_that_dies},
    {.name = "stream of a server that dies", .model = "mortal", .clients = 2, .least_words = 300, .most_words = 300,
     .stream = true, .endings = of_a_server_that_dies},
};
// clang-format on

// No two prompts are alike.
std::string new_prompt(std::size_t words, std::uint64_t seed) {
  std::string prompt;
  prompt.reserve(words * 10);
  char word[24];
  for (std::size_t i = 0; i < words; ++i) {
    std::snprintf(word, sizeof word, i == 0 ? "%09llu" : " %09llu",
                  static_cast<unsigned long long>((seed * 7919 + i) % 1'000'000'000));
    prompt += word;
  }
  return prompt;
}

// What the model server says to it.
std::string reply_to(const std::string& prompt, std::size_t most_words) {
  std::string reply = "You said: " + prompt;
  std::size_t end = 0;
  for (std::size_t words = 0; words < most_words && end != reply.npos; ++words) end = reply.find(' ', end + 1);
  return reply.substr(0, end);
}

class Caller {
 public:
  Caller(const GatewayProcess& gateway, const Kind& kind, Tally& tally, std::uint64_t number)
      : kind_(kind), tally_(tally), wish_(gateway.client()), seed_(number << 40), token_(gateway.token()) {
    context_ = make_client_context(wish_.tls);
    if (kind.stranger) token_.replace(token_.size() / 2, 4, "0000");
  }

  void call() try {
    if (!wire_) connect();
    if (kind_.rekeys) wire_->update_keys(true);
    const std::size_t more = seed_ * 1'234'567 % (kind_.most_words - kind_.least_words + 1);
    const std::string prompt = new_prompt(kind_.least_words + more, ++seed_);
    wire_->send(request_text({.token = token_, .body = chat_body(kind_.model, prompt, kind_.stream)}), slowest);
    Message head = read_head(*wire_, slowest);
    const std::string ending = kind_.leaves ? leave(head) : read_answer(head, prompt);
    tally_.ended(ending);
    if (!kind_.endings.count(ending)) wrong("ended with " + ending);
    const bool over = ending == "cut" || ending == "left" || head.field("connection") == "close";
    if (over || kind_.connections != Connections::kept) hang_up();
  } catch (const std::exception& failure) {  // no answer, or one that is no HTTP or no JSON
    wrong(failure.what());
    wire_.reset();
  }

 private:
  struct FreeSession {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
  };

  void wrong(const std::string& what) { tally_.wrong(kind_.name + ": " + what); }

  void connect() {
    wire_.emplace(Wire::dial(wish_.port));
    wire_->connect_tls(*context_, wish_.server_name, slowest, session_.get());
    tally_.connected(wire_->tls(), session_ != nullptr);
  }

  // A goodbye first: without one OpenSSL takes the session for spoilt.
  void hang_up() {
    if (kind_.connections == Connections::resumed) session_.reset(SSL_get1_session(wire_->tls()));
    wire_->close();
    wire_.reset();
  }

  std::string leave(Message& head) {
    BodyReader body(*wire_, head, BodyReader::Of::answer);
    if (body.next_event(slowest).empty()) wrong("the stream has no event");
    if (seed_ % 3 == 0) wire_->reset();
    if (seed_ % 3 == 1) wire_->cut();
    return "left";
  }

  std::string read_answer(Message& head, const std::string& prompt) {
    if (head.status() == 200 && kind_.stream) return read_stream(head, prompt);
    std::string text;
    BodyReader body(*wire_, head, BodyReader::Of::answer);
    for (std::string some = body.next(slowest); !some.empty(); some = body.next(slowest)) text += some;
    if (!body.finished()) return "cut";
    const Json answer = Json::parse(text);
    if (head.status() == 200) {
      if (answer.at("choices").at(0).at("message").at("content") != reply_to(prompt, fast_words)) wrong("other words");
      if (answer.at("usage").at("prompt_tokens") != std::count(prompt.begin(), prompt.end(), ' ') + 1) {
        wrong("the prompt did not arrive whole");
      }
    } else if (!answer.at("error").is_object()) {
      wrong("a refusal without its reason");
    }
    return std::to_string(head.status());
  }

  std::string read_stream(Message& head, const std::string& prompt) {
    std::string said, last;
    std::size_t events = 0;
    BodyReader body(*wire_, head, BodyReader::Of::answer);
    for (std::string event = body.next_event(slowest); !event.empty(); event = body.next_event(slowest)) {
      last = event.substr(event.find(' ') + 1);
      if (kind_.rekeys && ++events % events_between_keys == 0) wire_->update_keys();
      if (last == "[DONE]\n\n") continue;
      const Json chunk = Json::parse(last);
      if (chunk.contains("choices")) said += chunk["choices"].at(0).at("delta").value("content", "");
    }
    if (!body.finished()) {
      if (!last.starts_with("{\"error\":{")) wrong("cut without a word, after: " + last);
      return "cut";
    }
    const std::size_t words = kind_.model == "paced" ? paced_words : fast_words;
    if (last != "[DONE]\n\n" || said != reply_to(prompt, words)) wrong("another stream than was sent");
    return "200";
  }

  const Kind& kind_;
  Tally& tally_;
  const ClientWish wish_;
  std::uint64_t seed_;
  std::string token_;
  TlsContext context_;
  std::unique_ptr<SSL_SESSION, FreeSession> session_;
  std::optional<Wire> wire_;
};

}  // namespace

void Tally::ended(const std::string& how) {
  const std::lock_guard lock(mutex_);
  ++endings_[how];
}

void Tally::wrong(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (wrongs_.size() < wrongs_kept || wrongs_.count(what) > 0) ++wrongs_[what];
}

void Tally::connected(SSL* connection, bool tried_to_resume) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const std::lock_guard lock(mutex_);
  serials_.emplace(reinterpret_cast<const char*>(serial->data), static_cast<std::size_t>(serial->length));
  tried_ += tried_to_resume ? 1 : 0;
  resumed_ += SSL_session_reused(connection);
}

Endings Tally::endings() const {
  const std::lock_guard lock(mutex_);
  return endings_;
}

std::uint64_t Tally::calls() const {
  std::uint64_t calls = 0;
  for (const auto& [how, count] : endings()) calls += count;
  return calls;
}

Endings Tally::wrongs() const {
  const std::lock_guard lock(mutex_);
  return wrongs_;
}

std::size_t Tally::certificates() const {
  const std::lock_guard lock(mutex_);
  return serials_.size();
}

std::pair<int, int> Tally::resumptions() const {
  const std::lock_guard lock(mutex_);
  return {tried_, resumed_};
}

Traffic::Traffic(const GatewayProcess& gateway) : gateway_(gateway) {
  for (const Kind& kind : kinds) {
    for (int i = 0; i < kind.clients; ++i) {
      clients_.emplace_back([this, &kind, number = clients_.size() + 1] {
        Caller caller(gateway_, kind, tally_, number);
        while (!stop_.wait_for(kind.pause)) caller.call();
      });
    }
  }
}

void Traffic::stop() {
  stop_.set();
  clients_.clear();
}

void Traffic::paced_stream() {
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [](const Kind& k) { return k.name == "paced stream"; });
  Caller(gateway_, *kind, tally_, clients_.size() + 1).call();
}

}  // namespace sallyport::tests::soak
