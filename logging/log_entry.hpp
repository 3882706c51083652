// What an open exchange has said so far, and its share of the queue.
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "logging/format.hpp"
#include "logging/log_writer.hpp"
#include "logging/sealed_log.hpp"

namespace sallyport::logging {

inline constexpr std::size_t entry_cost = 1024;  // of the queue, for an open entry and its record

// In its lane's list of what is open, until it goes.
class LogEntry::State
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  State(LogWriter& writer, ItemSink& sink, bool keep, bool reserved, KeyNumber key, std::string_view tenant)
      : writer_(writer),
        sink_(sink),
        opened_(writer.clock.wall()),
        keep_(keep),
        key_(key),
        tenant_(tenant),
        credit_(reserved ? entry_cost : 0),
        reserved_(reserved),
        number_(writer.next_exchange.fetch_add(1, std::memory_order_relaxed)) {}
  ~State() { writer_.queue.release(credit_); }

  core::Result<void> request_body(core::SharedBytes piece);
  core::Result<void> response_body(core::ConstBytes piece);
  void finish(const Record& record, Sealed sealed);
  // The lane looks from time to time: what was open at the look before hands on all that it has, behind its `begin`.
  void look();
  core::WallTime opened() const noexcept { return opened_; }
  void wait_for_room(std::function<void()> told) {
    sink_.wait_for_room({[told = std::move(told)](const core::Result<void>&) { told(); }});
  }
  bool should_wait() const noexcept {
    return keep_ && reserved_ && content_lost_ == 0 && writer_.queue.behind() && writer_.healthy();
  }

 private:
  bool afford(std::size_t size);
  core::Result<void> told_of_content() const noexcept;
  void hand_on_begin();
  void hand_on_request();
  void hand_on_response();
  void hand_on(LogItem data);
  void push(LogItem item, std::size_t cost);

  LogWriter& writer_;
  ItemSink& sink_;
  const core::WallTime opened_;
  const bool keep_;
  const KeyNumber key_;  // of the content
  const std::string tenant_;
  std::size_t credit_;  // taken from the queue and not yet handed on with an item
  const bool reserved_;
  const std::uint64_t number_;
  bool seen_ = false;  // by a look
  bool begun_ = false;
  std::uint64_t content_lost_ = 0;
  core::SharedBytes request_;  // not handed on yet, and
  core::Bytes response_;
};

}  // namespace sallyport::logging
