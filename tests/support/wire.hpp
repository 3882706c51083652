// One end of a TCP connection, plain or TLS, driven by blocking calls that all have a limit. Both the scripted client
// and the scripted server are made of it. One thread uses it at a time.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/loopback.hpp"
#include "tests/support/test_pki.hpp"
#include "tests/support/waiting.hpp"

namespace sallyport::tests {

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

struct TlsWish {
  std::optional<Identity> identity{};  // shown to the peer
  path trusted{};                      // CA; empty: the peer is not verified (a server then asks for no certificate)
  int least_version = TLS1_3_VERSION;
  int most_version = TLS1_3_VERSION;
};
TlsContext make_server_context(const TlsWish& wish);
TlsContext make_client_context(const TlsWish& wish);

// The connection did not do what the script expected: what() says how.
struct WireError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The end came where one may come: before the first byte of what was waited for.
struct Ended : WireError {
  using WireError::WireError;
};

// How the peer ended its side. `cut`: a reset, or the end of a TLS connection without close_notify.
enum class Ending { open, clean, cut };

class Wire {
 public:
  explicit Wire(int descriptor) noexcept;  // takes it over
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&&) = delete;
  ~Wire();

  // Loopback only. A small receive_buffer makes a client that stops reading felt soon.
  static Wire dial(std::uint16_t port, int receive_buffer = 0);

  void accept_tls(SSL_CTX& context, Milliseconds limit = patience);
  // An empty server_name sends no SNI and checks no name. `resume`: a session of an earlier connection, or none.
  void connect_tls(SSL_CTX& context, const std::string& server_name, Milliseconds limit = patience,
                   SSL_SESSION* resume = nullptr);
  SSL* tls() noexcept { return tls_.get(); }

  void send(std::string_view bytes, Milliseconds limit = patience);
  void send_byte_by_byte(std::string_view bytes);
  // Sends until the peer takes no more for `stall`; gives how many of the bytes went out.
  std::size_t send_until_stalled(std::string_view bytes, Milliseconds stall);

  // Each waits for bytes that have not been taken yet and takes them. A WireError says what was missing at the limit
  // or at the peer's end.
  std::string read_until(std::string_view marker, Milliseconds limit = patience);  // up to and with the marker
  std::string read_exactly(std::size_t count, Milliseconds limit = patience);
  // Whatever is there, at least one byte; empty when the peer ended or the limit passed (ending() tells).
  std::string read_some(Milliseconds limit = patience);
  std::string read_to_end(Milliseconds limit = patience);
  void put_back(std::string_view bytes) { received_.insert(0, bytes); }  // to be read again
  // Waits for the peer's end, dropping what comes before it. `open` when the limit passed first.
  Ending wait_for_end(Milliseconds limit = patience);
  Ending ending() const noexcept { return ending_; }

  // TLS KeyUpdate, and asks for the peer's when `both`; false: the peer takes no more.
  bool update_keys(bool both = false);
  void finish_sending();  // close_notify and FIN; reading goes on
  void close();           // the same both ways
  void cut();             // FIN without close_notify
  void reset();           // RST

  // Every later wait ends with a WireError once `descriptor` is readable: how a server wakes its scripts.
  void stop_on(int descriptor) noexcept { stop_ = descriptor; }

 private:
  bool wait(short events, std::chrono::steady_clock::time_point give_up);
  bool fill(std::chrono::steady_clock::time_point give_up);  // false: ended, or the limit passed
  void handshake(bool accepting, Milliseconds limit);
  long write_some(std::string_view bytes, short& wants);
  long read_into(char* to, std::size_t most, short& wants);

  struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  int descriptor_ = -1;
  int stop_ = -1;
  std::unique_ptr<SSL, FreeSsl> tls_;
  std::string received_;  // not taken yet
  Ending ending_ = Ending::open;
};

// What went wrong in OpenSSL, for a WireError.
std::string tls_error_text();

// A free port of loopback, kept from everybody else while this lives. The gateway binds beside it (SO_REUSEPORT).
class ReservedPort {
 public:
  explicit ReservedPort(Family family = Family::ipv4);
  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&&) = delete;
  ~ReservedPort();
  std::uint16_t number() const noexcept { return number_; }

 private:
  int descriptor_ = -1;
  std::uint16_t number_ = 0;
};

}  // namespace sallyport::tests
