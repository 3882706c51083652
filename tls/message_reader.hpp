// The messages that may follow a handshake: tickets, to a client only, and key updates (RFC 8446 §4.6). Read as records
// bring them; no I/O.
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.hpp"
#include "tls/alert.hpp"

namespace sallyport::tls {

class MessageReader {
 public:
  explicit MessageReader(bool takes_tickets) : takes_tickets_(takes_tickets) {}

  enum class Said { tickets, key_update, key_update_asking_for_ours, wrong };
  struct Messages {
    Said said;
    Alert alert = Alert::unexpected_message;  // what to answer when something is wrong
  };
  // content: of one record of the handshake's kind. A ticket may go on in the next; a key update is whole and last in
  // its record, because what follows it has another key (RFC 8446 §5.1).
  Messages take(core::ConstBytes content);

  // True where only another such record may follow (RFC 8446 §5.1).
  bool is_within_a_message() const noexcept { return head_size_ > 0 || left_ > 0; }

 private:
  static constexpr std::size_t head_size = 4;
  static constexpr std::size_t ticket_limit = 1 << 18;  // more than its fields can make of one (RFC 8446 §4.6.1)

  bool gather_head(core::ConstBytes& content);

  bool takes_tickets_;
  std::array<std::byte, head_size> head_{};
  std::size_t head_size_ = 0;  // of the next message, gathered so far
  std::size_t left_ = 0;       // of a ticket
};

}  // namespace sallyport::tls
