#include "logging/reader.hpp"

#include <algorithm>
#include <utility>

#include "logging/frame_shape.hpp"

namespace sallyport::logging {

namespace {

KeyNumber content_key_of(const std::vector<PartView>& parts) {
  for (const PartView& part : parts) {
    const bool body = part.head.type == PartType::request_body || part.head.type == PartType::response_body;
    if (body && is_tenant_key(part.head.key)) return part.head.key;
  }
  return content_key;
}

bool is_of_its_tenant(const std::vector<PartView>& parts, const std::vector<TenantKey>& tenants,
                      const std::string& record) {
  const TenantKey* tenant = tenant_in(parts, tenants);
  return tenant == nullptr || is_of_tenant(record, tenant->name);
}

}  // namespace

LogReader::LogReader(std::filesystem::path directory, envelope::KeyHolder& holder, Tell tell, ReadFrom from)
    : report_(std::move(tell)), log_(std::move(directory), holder, report_, from) {}

std::optional<Exchange> LogReader::next() {
  for (;;) {
    switch (log_.next()) {
      case LogWalker::Step::frame: {
        auto exchange = take_frame();
        if (std::exchange(rejected_, false)) log_.reject_frame();
        if (exchange) return exchange;
        break;
      }
      case LogWalker::Step::replaced:
        forget(log_.segment());
        break;
      case LogWalker::Step::end:
        return std::nullopt;
    }
  }
}

void LogReader::forget(std::uint64_t segment) {
  for (auto& [number, exchange] : begun_) {
    std::erase_if(exchange.places, [&](const FramePlace& place) { return place.segment == segment; });
  }
  content_opener_.reset();
}

std::optional<Exchange> LogReader::take_frame() {
  const FrameHead head = log_.frames().head();
  const auto found = parts_of(log_.frames().frame());
  const std::vector<PartView> parts = found.value_or(std::vector<PartView>{});
  const bool fits = found && fits_kind(head.kind, parts, log_.frames().header().tenants);
  if (!fits) {
    report_.trouble(log_.segment(), this_frame("has parts that do not belong in it"));
    rejected_ = true;
  }
  if (!is_for_this_key(parts)) {
    if (!fits) report_.miss();
    passed_over_ += has_record(head.kind);
    return std::nullopt;
  }
  if (report_.take_missed()) {
    for (auto& [number, exchange] : begun_) exchange.cut = true;
  }
  switch (head.kind) {
    case FrameKind::begin:
    case FrameKind::exchange:
    case FrameKind::end:
      return take_exchange(parts, fits);
    case FrameKind::data:
      take_piece(parts, fits);
      return std::nullopt;
    case FrameKind::declared_gap:
      if (log_.keys().has_segment_key(log_.segment()) && !text_of(parts)) return std::nullopt;
      report_.say(log_.segment(), "the writer lost " + std::to_string(head.number) + " records here, and says so");
      return std::nullopt;
    case FrameKind::segment_end:
      (void)text_of(parts);
      return std::nullopt;
    case FrameKind::checkpoint:
    case FrameKind::tombstone:
      return std::nullopt;
  }
  if ((head.flags & flag_ignorable) == 0) {
    report_.trouble(log_.segment(), this_frame("is of a kind this program does not know"));
  }
  return std::nullopt;
}

// What an exchange begins or ends with.
std::optional<Exchange> LogReader::take_exchange(const std::vector<PartView>& parts, bool fits) {
  const FrameWalker& walker = log_.frames();
  const FrameHead head = walker.head();
  auto text = text_of(parts);
  if (!text) return std::nullopt;
  if (fits && has_record(head.kind) && !is_of_its_tenant(parts, walker.header().tenants, *text)) {
    report_.trouble(log_.segment(), this_frame("is sealed for a tenant whose it is not"));
    fits = false;
  }
  auto begun = begun_.extract(head.number);
  Exchange exchange = begun ? std::move(begun.mapped()) : Exchange{};
  exchange.number = head.number;
  exchange.metadata = std::move(*text);
  exchange.segment = log_.segment();
  exchange.finished = head.kind != FrameKind::begin;
  exchange.cut = exchange.cut || (head.kind == FrameKind::end && begun.empty());
  exchange.damaged = exchange.damaged || !fits;
  exchange.places.push_back({log_.segment(), walker.offset(), head.length, content_key_of(parts)});
  if (exchange.finished) return exchange;
  begun_.insert_or_assign(head.number, std::move(exchange));
  return std::nullopt;
}

void LogReader::take_piece(const std::vector<PartView>& parts, bool fits) {
  const FrameWalker& walker = log_.frames();
  const FrameHead head = walker.head();
  if (!is_any_authentic(parts)) return not_authentic();
  const auto begun = begun_.try_emplace(head.number);
  Exchange& exchange = begun.first->second;
  exchange.number = head.number;
  exchange.finished = false;
  exchange.cut = exchange.cut || begun.second;
  exchange.damaged = exchange.damaged || !fits;
  exchange.segment = log_.segment();
  exchange.places.push_back({log_.segment(), walker.offset(), head.length, content_key_of(parts)});
}

// With the segment's key everything is; with a tenant's alone, what has a part under it.
bool LogReader::is_for_this_key(const std::vector<PartView>& parts) const {
  if (log_.keys().has_segment_key(log_.segment()) || log_.frames().head().kind == FrameKind::declared_gap) return true;
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return log_.opener().can_open(part.head); });
}

// The record or note of the walker's frame, whose parts these are.
std::optional<std::string> LogReader::text_of(const std::vector<PartView>& parts) {
  const FrameWalker& walker = log_.frames();
  for (const PartView& part : parts) {
    if (part.head.type != PartType::record && part.head.type != PartType::note) continue;
    const auto plain = log_.opener().open(walker.frame(), walker.chain_before(), part);
    if (plain) return std::string(core::text_of(*plain));
  }
  not_authentic();
  return std::nullopt;
}

bool LogReader::is_any_authentic(const std::vector<PartView>& parts) {
  const FrameWalker& walker = log_.frames();
  return std::any_of(parts.begin(), parts.end(), [&](const PartView& part) {
    return log_.opener().open(walker.frame(), walker.chain_before(), part).has_value();
  });
}

void LogReader::not_authentic() {
  report_.hole(log_.segment(), this_frame("is not authentic"));
  rejected_ = true;
}

std::string LogReader::this_frame(std::string_view words) const {
  return "frame " + std::to_string(log_.frames().head().sequence) + " " + std::string(words);
}

std::vector<Exchange> LogReader::unfinished() const {
  std::vector<Exchange> all;
  for (const auto& [number, exchange] : begun_) all.push_back(exchange);
  return all;
}

std::string LogReader::sealed_for(const Exchange& exchange) {
  for (const FramePlace& place : exchange.places) {
    bool has = true;
    const auto look = [&] { has = log_.keys().has(place.segment, place.content); };
    if (is_tenant_key(place.content) && look_at(log_.keys().file(place.segment), look) && !has) {
      return log_.keys().tenant_of(place.segment, place.content);
    }
  }
  return {};
}

std::optional<core::Bytes> LogReader::content(Exchange& exchange, PartType body) {
  if (exchange.damaged) return std::nullopt;
  core::Bytes whole;
  std::uint64_t gone = 0;  // segment, said already
  for (const FramePlace& place : exchange.places) {
    std::optional<core::Bytes> piece;
    if (look_at(log_.keys().file(place.segment), [&] { piece = content_at(place, body); })) {
      if (!piece) {
        if (!sealed_for(exchange).empty()) return std::nullopt;
        report_.trouble(place.segment, "content of exchange " + std::to_string(exchange.number) + " is not authentic");
        exchange.damaged = true;
        return std::nullopt;
      }
      whole.insert(whole.end(), piece->begin(), piece->end());
    } else if (std::exchange(gone, place.segment) != place.segment) {
      exchange.cut = true;
      log_.say_gone(place.segment);
    }
  }
  return whole;
}

std::optional<core::Bytes> LogReader::content_at(const FramePlace& place, PartType body) {
  const bool tenants = is_tenant_key(place.content);
  if (!content_opener_ || content_segment_ != place.segment || (tenants && !content_opener_->has(place.content))) {
    content_opener_ = std::make_unique<PartOpener>(log_.keys().opener(place.segment, tenants));
    content_segment_ = place.segment;
  }
  // The chain hash so far is what stands before the frame.
  core::Bytes bytes(digest_size + place.size);
  FileSource source(log_.keys().file(place.segment));
  if (source.read(place.offset - digest_size, bytes) != bytes.size()) return std::nullopt;
  Digest before;
  std::copy_n(bytes.begin(), digest_size, before.begin());
  const core::ConstBytes frame = core::ConstBytes(bytes).subspan(digest_size);
  const auto parts = parts_of(frame);
  if (!parts) return std::nullopt;
  core::Bytes piece;
  for (const PartView& part : *parts) {
    const bool wanted = part.head.type == body;
    if (!wanted && !content_opener_->can_open(part.head)) continue;  // sealed for another
    // Parts of other types too: a body that was given another type would be missed in silence.
    const auto plain = content_opener_->open(frame, before, part);
    if (!plain) return std::nullopt;
    if (wanted) piece.insert(piece.end(), plain->begin(), plain->end());
  }
  return piece;
}

}  // namespace sallyport::logging
