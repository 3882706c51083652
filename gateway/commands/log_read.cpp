#include "gateway/commands/log_read.hpp"

#include <poll.h>
#include <unistd.h>

#include <deque>
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/commands/age_program.hpp"
#include "gateway/commands/log_text.hpp"
#include "logging/reader.hpp"
#include "logging/storage.hpp"

namespace sallyport::gateway {

namespace {

using envelope::KeyHolder;
using logging::LogReader;
using logging::PartType;

constexpr int poll_milliseconds = 250;

// Says what cannot be read on stderr. A run of segments with the same trouble is said once.
class Complaints {
 public:
  void operator()(std::uint64_t segment, const std::string& words) {
    if (words == last_) {
      ++repeated_;
      return;
    }
    finish();
    last_ = words;
    std::cerr << "sallyport log: segment " << segment << ": " << words << '\n';
  }
  void finish() {
    if (repeated_ > 0) std::cerr << "sallyport log: and so in " << repeated_ << " more places\n";
    repeated_ = 0;
    last_.clear();
  }

 private:
  std::string last_;
  std::uint64_t repeated_ = 0;
};

class Printer {
 public:
  explicit Printer(const LogReadOptions& options)
      : options_(options), colour_(!options.json && ::isatty(STDOUT_FILENO)) {}

  std::string line(LogReader& reader, ShownExchange exchange) const {
    if (options_.content) add_content(reader, exchange);
    return options_.json ? json_line(exchange) : human_line(exchange, colour_);
  }
  void print(LogReader& reader, ShownExchange exchange) const { std::cout << line(reader, std::move(exchange)); }

 private:
  static void add_content(LogReader& reader, ShownExchange& exchange) {
    if (exchange.content_damaged) return;
    exchange.sealed_for = reader.sealed_for(exchange.exchange);
    if (!exchange.sealed_for.empty()) return;
    exchange.request = reader.content(exchange.exchange, PartType::request_body);
    exchange.response = reader.content(exchange.exchange, PartType::response_body);
    exchange.content_damaged = exchange.exchange.damaged;
  }

  const LogReadOptions& options_;
  const bool colour_;
};

// Whoever reads with a tenant's key hears that there is more, once.
void say_passed_over(const LogReader& reader) {
  if (reader.passed_over() == 0) return;
  const std::vector<std::string> tenants(reader.tenants().begin(), reader.tenants().end());
  std::cerr << "sallyport log: shown are exchanges of " << listed(tenants) << "; " << reader.passed_over()
            << " of others were passed over\n";
}

// Every exchange that is wanted, in order, as a line to `write`.
int read_all(const LogReadOptions& options, const std::function<void(std::string_view)>& write) {
  const std::unique_ptr<KeyHolder> keys = open_keys(options.keys);
  Complaints complaints;
  LogReader reader(options.directory, *keys, std::ref(complaints), {options.filter.since, 0, options.filter.until});
  const Printer printer(options);
  const auto print_if_wanted = [&](logging::Exchange exchange) {
    ShownExchange candidate = shown(std::move(exchange));
    if (options.filter.takes(candidate)) write(printer.line(reader, std::move(candidate)));
  };
  while (auto exchange = reader.next()) print_if_wanted(std::move(*exchange));
  for (logging::Exchange& exchange : reader.unfinished()) print_if_wanted(std::move(exchange));
  complaints.finish();
  say_passed_over(reader);
  return reader.troubles() > 0 ? 1 : 0;
}

// The last lines, from as few segments as hold them. Leaves `reader` at the log's end.
std::deque<std::string> last_lines(const LogReadOptions& options, KeyHolder& keys, Complaints& complaints,
                                   std::unique_ptr<LogReader>& reader) {
  const auto segments = logging::list_segments(options.directory);
  const Printer printer(options);
  for (std::size_t count = 1;; count *= 2) {
    const bool all = count >= segments.size();
    const std::uint64_t from = all ? 0 : segments[segments.size() - count].number;
    // Only the widest look may complain: the narrower ones would say the same things first.
    std::vector<std::pair<std::uint64_t, std::string>> said;
    const auto keep = [&](std::uint64_t segment, const std::string& words) { said.emplace_back(segment, words); };
    reader = std::make_unique<LogReader>(options.directory, keys, keep, logging::ReadFrom{std::nullopt, from});
    std::deque<std::string> lines;
    while (auto exchange = reader->next()) {
      ShownExchange candidate = shown(std::move(*exchange));
      if (!options.filter.takes(candidate)) continue;
      lines.push_back(printer.line(*reader, std::move(candidate)));
      if (lines.size() > options.last) lines.pop_front();
    }
    if (lines.size() < options.last && !all) continue;
    for (const auto& [segment, words] : said) complaints(segment, words);
    reader->tell_to(std::ref(complaints));
    return lines;
  }
}

// Until it is time to look again. False: whoever read our output is gone.
bool wait_for_more() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, poll_milliseconds) == 0;
}

}  // namespace

int cat_log(const LogReadOptions& options) {
  const int found = read_all(options, [](std::string_view line) { std::cout << line; });
  std::cout.flush();
  return found;
}

// Content goes to a pipe or to an encrypted file; in the clear it goes to a file only by the shell's own hand.
int export_log(const LogReadOptions& options) {
  if (options.age.empty()) return cat_log(options);
  AgeProgram age(options.age, options.out);
  const int found = read_all(options, [&](std::string_view line) { age.write(line); });
  age.finish();
  return found;
}

int tail_log(const LogReadOptions& options) {
  const std::unique_ptr<KeyHolder> keys = open_keys(options.keys);
  Complaints complaints;
  std::unique_ptr<LogReader> reader;
  for (const std::string& line : last_lines(options, *keys, complaints, reader)) std::cout << line;
  const Printer printer(options);
  while (options.follow) {
    std::cout.flush();
    if (!std::cout || !wait_for_more()) break;
    while (auto exchange = reader->next()) {
      ShownExchange candidate = shown(std::move(*exchange));
      if (options.filter.takes(candidate)) printer.print(*reader, std::move(candidate));
    }
  }
  complaints.finish();
  say_passed_over(*reader);
  return reader->troubles() > 0 ? 1 : 0;
}

}  // namespace sallyport::gateway
