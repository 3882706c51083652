// A TLS stream and a peer that makes records of its own, good and bad, behind a good handshake: the input is what it
// sends. The first byte says who is the server.
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <string>

#include "core/base64.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/test_pki.hpp"
#include "tests/support/wire.hpp"
#include "tls/openssl.hpp"
#include "tls/session_slot.hpp"
#include "tls/tls_stream.hpp"

using namespace sallyport;
using namespace sallyport::fuzz;
using tls::ContentType;
using tls::RecordProtection;
using tls::Role;

namespace {

struct Bench {
  tests::TemporaryDirectory directory;
  tests::Authority authority{directory.where(), "ca"};
  tests::Identity certificate = authority.issue("server", {});
  boost::asio::io_context io{1};
  core::TimerWheel wheel{core::TimePoint()};
  tls::Loop loop{io, wheel};
  tls::ServerIdentity as_server{
      {{{certificate.certificate, certificate.key}}, tls::ClientCertificates::off, {}, tls::KeyExchange::prefer_pq}};
  tls::ClientIdentity as_client{{authority.certificate(), {}, {}, "localhost", tls::KeyExchange::prefer_pq}};
  tests::TlsContext their_client = tests::make_client_context({});
  tests::TlsContext their_server = tests::make_server_context({.identity = certificate});

  Bench() {
    for (SSL_CTX* context : {their_client.get(), their_server.get()}) {
      SSL_CTX_set_keylog_callback(context, keep_secret);
    }
    SSL_CTX_set_num_tickets(their_server.get(), 0);  // so that the first record is ours
  }
  SSL_CTX* ours(Role role) {
    return role == Role::server ? as_server.contexts().all.front().context.get() : as_client.context().context.get();
  }
  // "LABEL client_random secret"
  static void keep_secret(const SSL* ssl, const char* line) {
    const std::string_view text(line),
        wanted = SSL_is_server(ssl) ? "SERVER_TRAFFIC_SECRET_0" : "CLIENT_TRAFFIC_SECRET_0";
    if (text.starts_with(wanted))
      static_cast<std::string*>(SSL_get_app_data(ssl))->assign(text.substr(text.rfind(' ') + 1));
  }
};

// What the peer sends, and how much of its content must arrive.
struct Flight {
  core::Bytes records;
  std::string content;
  unsigned key_updates = 0;
  bool good = true;  // content and key updates alone, as a peer may send them
};

// Its content counts where its receiver takes it for the application's: the last byte that is no zero tells (RFC 8446
// section 5.4).
void put(Flight& flight, RecordProtection& sealing, ContentType type, core::ConstBytes content) {
  const std::size_t begin = flight.records.size();
  flight.records.resize(begin + tls::record_header_size);
  flight.records.insert(flight.records.end(), content.begin(), content.end());
  sealing.seal(type, flight.records, begin);

  core::Bytes inside(content.begin(), content.end());
  inside.push_back(static_cast<std::byte>(type));
  while (!inside.empty() && inside.back() == std::byte{0}) inside.pop_back();
  const auto application_data = static_cast<std::byte>(ContentType::application_data);
  if (inside.empty() || inside.back() != application_data) return;
  flight.content += core::text_of(core::ConstBytes(inside).first(inside.size() - 1));
}

// With padding: sealed as an unknown type of nothing, and its own type before the zeros.
void put_padded(Flight& flight, RecordProtection& sealing, core::ConstBytes content, std::size_t padding) {
  core::Bytes inside(content.begin(), content.end());
  inside.push_back(static_cast<std::byte>(ContentType::application_data));
  inside.resize(inside.size() + padding);
  put(flight, sealing, ContentType::none, inside);
}

void put_one(Flight& flight, RecordProtection& sealing, unsigned what, core::ConstBytes content) {
  const unsigned more = what >> 3;
  switch (what & 7) {
    case 0:
      put_padded(flight, sealing, content, more);
      flight.good = flight.good && !content.empty();
      return;
    case 1: {
      core::Bytes large;
      for (unsigned i = 0; i < 4 * more; ++i) large.insert(large.end(), content.begin(), content.end());
      large.resize(std::min(large.size(), tls::record_content_limit));
      put(flight, sealing, ContentType::application_data, large);
      flight.good = flight.good && !large.empty();
      return;
    }
    case 2: {
      const std::byte ask = static_cast<std::byte>(more & 1);
      const std::byte key_update[] = {std::byte{24}, std::byte{0}, std::byte{0}, std::byte{1}, ask};
      put(flight, sealing, ContentType::handshake, key_update);
      sealing = sealing.next();
      flight.good = flight.good && ++flight.key_updates <= 32;
      return;
    }
    case 3:
      put(flight, sealing, ContentType::handshake, content);
      break;
    case 4:
      put(flight, sealing, ContentType::alert, content);
      break;
    case 5:
      put(flight, sealing, static_cast<ContentType>(more), content);
      break;
    case 6:
      flight.records.insert(flight.records.end(), content.begin(), content.end());
      break;
    default:
      put(flight, sealing, ContentType::application_data, content);
      flight.records.back() ^= std::byte{1};
  }
  flight.good = false;
}

Flight flight_of(core::ConstBytes script, RecordProtection sealing) {
  constexpr std::size_t most_records = 64;
  Flight flight;
  for (std::size_t i = 0; i < most_records && script.size() >= 2; ++i) {
    const unsigned what = std::to_integer<unsigned>(script[0]), size = std::to_integer<unsigned>(script[1]);
    script = script.subspan(2);
    const core::ConstBytes content = script.first(std::min<std::size_t>(size, script.size()));
    script = script.subspan(content.size());
    put_one(flight, sealing, what, content);
  }
  return flight;
}

struct Outcome {
  bool shaken = false, over = false;
  std::string content;
  core::Reason reason = core::Reason::none;  // none: it ended cleanly
};

core::Task<void> read_all(tls::TlsStream& stream, std::size_t room, Outcome& outcome) {
  const auto peer = co_await stream.handshake();
  outcome.shaken = peer.has_value();
  claim(outcome.shaken, "the handshake is good");
  core::Bytes buffer(room);
  for (;;) {
    const auto got = co_await stream.read_some(buffer);
    if (!got) outcome.reason = got.error().reason;
    if (!got || *got == 0) break;
    outcome.content += core::text_of(core::ConstBytes(buffer).first(*got));
  }
  outcome.over = true;
}

// The other end of the connection.
class Peer {
 public:
  Peer(Bench& bench, Role ours, int socket, const Outcome& outcome)
      : loop_(bench.loop),
        socket_(socket),
        outcome_(outcome),
        ssl_(SSL_new(ours == Role::server ? bench.their_client.get() : bench.their_server.get())) {
    SSL_set_app_data(ssl_.get(), &secret_);
    SSL_set_fd(ssl_.get(), socket);
    ours == Role::server ? SSL_set_connect_state(ssl_.get()) : SSL_set_accept_state(ssl_.get());
  }

  RecordProtection shake_hands() {
    while (SSL_do_handshake(ssl_.get()) != 1 || !outcome_.shaken) loop_.turn({});
    const auto suite = tls::cipher_suite_of(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get())));
    return {suite.value(), core::Secret(core::ConstBytes(core::from_hex(secret_).value()))};
  }

  void send(core::ConstBytes bytes) {
    while (!bytes.empty() && !outcome_.over) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return;  // it wants no more of this
      bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
      loop_.turn({});
    }
  }

 private:
  tls::Loop& loop_;
  int socket_;
  const Outcome& outcome_;
  std::string secret_;
  tls::Ssl ssl_;
};

// `pieces`: of the flight, by the sizes that `next_size` gives. Then the peer's FIN.
template <class NextSize>
Outcome deliver(Bench& bench, Role role, core::ConstBytes script, std::size_t room, NextSize next_size) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  const core::Descriptor theirs(ends[1]);
  const auto slot = std::make_shared<tls::SessionSlot>();
  tls::TlsStream stream(tls::Socket(ends[0]), bench.loop, bench.ours(role), role,
                        role == Role::client ? slot : nullptr);
  Outcome outcome;
  boost::asio::co_spawn(bench.io.get_executor(), read_all(stream, room, outcome), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  Peer peer(bench, role, theirs.number(), outcome);
  const Flight flight = flight_of(script, peer.shake_hands());
  for (const core::Bytes& piece : cut(flight.records, next_size)) peer.send(piece);
  ::shutdown(theirs.number(), SHUT_WR);
  while (!outcome.over) bench.loop.turn(std::chrono::seconds(1));
  claim(flight.content.starts_with(outcome.content), "what is read was sent, in order");
  if (flight.good) {
    claim(outcome.content == flight.content && outcome.reason == core::Reason::truncated, "what is good is read whole");
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  if (size == 0) return 0;
  const Role role = data[0] % 2 == 0 ? Role::server : Role::client;
  const core::ConstBytes script = input_of(data, size).subspan(1);
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string_view>()(core::text_of(script))));
  const Outcome whole = deliver(bench, role, script, 65536, [] { return std::size_t{1} << 20; });
  const std::size_t room = 1 + random() % (random() % 2 == 0 ? 8 : 20'000);
  const unsigned most = random() % 2 == 0 ? 40 : 20'000;
  const Outcome cut_up = deliver(bench, role, script, room, [&] { return 1 + random() % most; });
  claim(cut_up.content == whole.content && cut_up.reason == whole.reason, "cutting what is sent changes nothing");
  return 0;
}
