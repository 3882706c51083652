#include "logging/lost_content.hpp"

#include <charconv>
#include <string>

#include "core/secret.hpp"
#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

// Adds to what a record already says it lost. No string in it can hold this key: their quotes are escaped.
void state(std::string& record, std::uint64_t lost) {
  constexpr std::string_view key = ",\"content_lost\":";
  const std::size_t at = record.rfind(key);
  if (at != record.npos) {
    std::uint64_t before = 0;
    std::from_chars(record.data() + at + key.size(), record.data() + record.size(), before);
    lost += before;
    record.resize(at);
  } else {
    record.pop_back();
  }
  record.append(key).append(std::to_string(lost)) += '}';
}

}  // namespace

bool LostContent::drop(LogItem& item) {
  std::uint64_t lost = item.request.size() + item.response.size();
  core::wipe(item.request);
  core::wipe(item.response);
  item.request.clear();
  item.response.clear();
  item.key = content_key;
  if (item.kind == FrameKind::data) {
    JsonObject(item.text).integer("content_lost", lost);
    lost_[item.number] += lost;
  }
  if (item.kind != FrameKind::exchange && item.kind != FrameKind::end) return false;
  if (const auto before = lost_.extract(item.number)) lost += before.mapped();
  if (lost > 0) state(item.text, lost);
  return lost > 0;
}

}  // namespace sallyport::logging
