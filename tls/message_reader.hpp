// Reads the messages that may follow a handshake: tickets, which only a client gets, and key updates (RFC 8446 §4.6).
// Takes the content of one record after the other; no I/O.
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
    Alert alert = Alert::unexpected_message;  // to be sent for Said::wrong
  };
  // `content`: of one handshake record. A ticket may continue in the next record. A key update must be the last message
  // of its record, because the records after it have another key (RFC 8446 §5.1).
  Messages take(core::ConstBytes content);

  // True when a message is incomplete: then only a handshake record may follow (RFC 8446 §5.1).
  bool is_within_a_message() const noexcept { return gathered_ > 0 || ticket_left_ > 0; }

 private:
  static constexpr std::size_t head_size = 4;
  static constexpr std::size_t ticket_limit = 1 << 18;  // bytes; its fields cannot hold as many (RFC 8446 §4.6.1)

  bool gather_head(core::ConstBytes& content);

  bool takes_tickets_;
  std::array<std::byte, head_size> head_{};
  std::size_t gathered_ = 0;     // bytes of head_
  std::size_t ticket_left_ = 0;  // bytes of a ticket that are still to come
};

}  // namespace sallyport::tls
