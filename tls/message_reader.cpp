#include "tls/message_reader.hpp"

#include <algorithm>

namespace sallyport::tls {

namespace {

// RFC 8446 §B.3.
constexpr std::byte new_session_ticket{4}, key_update{24};

}  // namespace

// False while the head is incomplete.
bool MessageReader::gather_head(core::ConstBytes& content) {
  const std::size_t size = std::min(content.size(), head_size - gathered_);
  std::copy_n(content.begin(), size, head_.begin() + static_cast<std::ptrdiff_t>(gathered_));
  gathered_ += size;
  content = content.subspan(size);
  return gathered_ == head_size;
}

MessageReader::Messages MessageReader::take(core::ConstBytes content) {
  if (content.empty()) return {Said::wrong};
  while (!content.empty()) {
    const std::size_t skipped = std::min(ticket_left_, content.size());
    ticket_left_ -= skipped;
    content = content.subspan(skipped);
    if (content.empty() || !gather_head(content)) break;
    gathered_ = 0;
    const auto byte = [&](std::size_t place) { return std::to_integer<std::size_t>(head_[place]); };
    const std::size_t size = byte(1) << 16 | byte(2) << 8 | byte(3);
    if (head_[0] == key_update) {
      if (size != 1) return {Said::wrong, Alert::decode_error};
      if (content.size() != 1) return {Said::wrong};
      if (content[0] > std::byte{1}) return {Said::wrong, Alert::illegal_parameter};
      return {content[0] == std::byte{1} ? Said::key_update_asking_for_ours : Said::key_update};
    }
    if (head_[0] != new_session_ticket || !takes_tickets_) return {Said::wrong};
    if (size > ticket_limit) return {Said::wrong, Alert::decode_error};
    ticket_left_ = size;
  }
  return {Said::tickets};
}

}  // namespace sallyport::tls
