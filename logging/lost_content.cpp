#include "logging/lost_content.hpp"

#include "core/secret.hpp"

namespace sallyport::logging {

void LostContent::drop(LogItem& item) {
  const std::uint64_t lost = item.content_size();
  core::wipe(item.response);
  item.request = {};
  item.response.clear();
  item.key = content_key;
  item.content_lost += lost;
  if (item.kind == FrameKind::data) {
    lost_[item.number] += lost;
  } else if (const auto before = lost_.extract(item.number)) {
    item.content_lost += before.mapped();
  }
}

}  // namespace sallyport::logging
