#include "gateway/commands/log_report.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/commands/log_text.hpp"

namespace sallyport::gateway {

namespace {

using nlohmann::ordered_json;

// What the segments hold together.
struct Totals {
  std::uint64_t records = 0, frames = 0, bytes = 0, lost = 0;
};

Totals total(const logging::LogReport& report) {
  Totals totals;
  for (const logging::SegmentReport& segment : report.segments) {
    totals.records += segment.records;
    totals.frames += segment.frames;
    totals.bytes += segment.bytes;
    totals.lost += segment.lost;
  }
  return totals;
}

// How far checkpoints vouch for it, and whose.
std::string signed_line(const logging::LogReport& report) {
  if (!report.signed_state) return "";
  const logging::SignedState& state = *report.signed_state;
  std::string line = "signed up to segment " + std::to_string(state.segment) + ", frame " +
                     std::to_string(state.frames) + ", at " + state.time;
  if (report.signers_named) return line += "\n";
  return line += ", by its own word: " + report.signers.back() + "\n";
}

std::string erased_words(const logging::Finding& finding) {
  const std::string words = printable(finding.words);
  return finding.proven ? words : words + ", on the key block's own word; a key of the segment proves it";
}

// What was erased in one run stands in many segments: a person reads it once.
std::map<std::string, std::vector<std::uint64_t>> erasures(const logging::LogReport& report) {
  std::map<std::string, std::vector<std::uint64_t>> segments;
  for (const logging::Finding& finding : report.findings) {
    if (finding.kind == logging::FindingKind::erased) segments[erased_words(finding)].push_back(finding.segment);
  }
  return segments;
}

// What a key proved beyond that, and what it could not.
std::string sealed_words(const logging::LogReport& report) {
  if (!report.opened_tenants.empty()) {
    return ", and what is for " + listed(report.opened_tenants) + " is sealed with that content's key";
  }
  std::string words = " and sealed with its segment's key";
  if (report.closed_tenants.empty()) return words;
  return words += "\nthe content of " + listed(report.closed_tenants) + " is sealed to other keys";
}

// Whether nothing is wrong but that nobody testifies to the end of the last segment.
bool lacks_its_end_alone(const logging::LogReport& report) {
  using logging::FindingKind;
  return std::ranges::all_of(report.findings, [&](const logging::Finding& finding) {
    if (!logging::is_problem(finding.kind)) return true;
    const bool end = finding.kind == FindingKind::unsealed || finding.kind == FindingKind::torn;
    return end && !report.segments.empty() && finding.segment == report.segments.back().number;
  });
}

constexpr auto advice_on_the_end =
    "A copy that was made while the gateway wrote ends like this, and so does a log that was cut short. To tell them\n"
    "apart verify it where it is written, or a later copy, or with the checkpoints' second place (--checkpoints).\n";

}  // namespace

std::string human_report(const logging::LogReport& report, bool with_key, bool colour) {
  const auto painted = [&](std::string_view paint, std::string_view text) {
    return colour ? std::string(paint).append(text).append(plain) : std::string(text);
  };
  std::string out;
  for (const auto& [words, segments] : erasures(report)) {
    out += painted(yellow, "declared  ") + (segments.size() == 1 ? "segment " : "segments ") + ranges(segments);
    out += ": erased: " + words + "\n";
  }
  for (const logging::Finding& finding : report.findings) {
    if (finding.kind == logging::FindingKind::erased) continue;
    const bool problem = logging::is_problem(finding.kind);
    out += painted(problem ? red : yellow, problem ? "problem   " : "declared  ");
    out += "segment " + std::to_string(finding.segment);
    if (finding.frame) out += ", frame " + std::to_string(*finding.frame);
    if (finding.byte) out += ", byte " + std::to_string(*finding.byte);
    out.append(": ").append(logging::name(finding.kind)).append(": ").append(printable(finding.words)) += '\n';
  }
  const Totals totals = total(report);
  out += "log \"" + printable(report.origin) + "\": " + std::to_string(report.segments.size()) + " segments, " +
         std::to_string(totals.records) + " records, " + std::to_string(totals.bytes) + " bytes\n";
  const bool good = report.good();
  out += good ? painted(green, "intact") : painted(red, "not intact");
  if (!good && !lacks_its_end_alone(report)) return out += '\n';
  out += good ? ": every frame is in its place"
              : ": its last segment has no clean end; every frame up to there is in its place";
  if (with_key) out += sealed_words(report);
  (out += '\n') += signed_line(report);
  return good ? out : out + advice_on_the_end;
}

std::string json_report(const logging::LogReport& report, bool with_key) {
  std::string out;
  for (const logging::Finding& finding : report.findings) {
    ordered_json line{{"finding", logging::name(finding.kind)},
                      {"problem", logging::is_problem(finding.kind)},
                      {"segment", finding.segment}};
    if (finding.frame) line["frame"] = *finding.frame;
    if (finding.byte) line["byte"] = *finding.byte;
    if (finding.kind == logging::FindingKind::erased) line["proven"] = finding.proven;
    line["words"] = finding.words;
    out += one_line(line);
  }
  const Totals totals = total(report);
  ordered_json signed_state = nullptr;
  if (const auto& state = report.signed_state) {
    signed_state = {{"segment", state->segment}, {"frames", state->frames}, {"time", state->time}};
  }
  return out += one_line({{"origin", report.origin},
                          {"segments", report.segments.size()},
                          {"records", totals.records},
                          {"frames", totals.frames},
                          {"bytes", totals.bytes},
                          {"lost", totals.lost},
                          {"with_key", with_key},
                          {"tenants_opened", report.opened_tenants},
                          {"tenants_closed", report.closed_tenants},
                          {"signers", report.signers},
                          {"signers_named", report.signers_named},
                          {"signed", std::move(signed_state)},
                          {"good", report.good()}});
}

}  // namespace sallyport::gateway
