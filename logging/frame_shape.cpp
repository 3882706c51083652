#include "logging/frame_shape.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "logging/json_text.hpp"

namespace sallyport::logging {

namespace {

const TenantKey* named(const std::vector<TenantKey>& tenants, KeyNumber number) {
  const auto found = std::find_if(tenants.begin(), tenants.end(), [&](const auto& t) { return t.number == number; });
  return found == tenants.end() ? nullptr : &*found;
}

// Takes parts off the front of a frame.
class Parts {
 public:
  Parts(const std::vector<PartView>& parts, const std::vector<TenantKey>& tenants) : rest_(parts), tenants_(tenants) {}

  bool take(PartType type, KeyNumber key) {
    if (rest_.empty()) return false;
    const PartHead& head = rest_.front().head;
    if (head.type != type || head.key != key || head.flags != 0) return false;
    rest_ = rest_.subspan(1);
    return true;
  }
  bool take_body(KeyNumber key) { return take(PartType::request_body, key) || take(PartType::response_body, key); }
  // Of the next part, where it is a tenant's whom the header names.
  std::optional<KeyNumber> tenants_key() const {
    if (rest_.empty() || named(tenants_, rest_.front().head.key) == nullptr) return std::nullopt;
    return rest_.front().head.key;
  }
  bool done() const noexcept { return rest_.empty(); }

 private:
  std::span<const PartView> rest_;
  const std::vector<TenantKey>& tenants_;
};

// A record, of a tenant's exchange twice; then what there is of the bodies.
bool is_whole(Parts parts) {
  if (!parts.take(PartType::record, metadata_key)) return false;
  const auto tenants = parts.tenants_key();
  if (tenants && !parts.take(PartType::record, *tenants)) return false;
  parts.take(PartType::request_body, tenants.value_or(content_key));
  parts.take(PartType::response_body, tenants.value_or(content_key));
  return parts.done();
}

// A note, of a tenant's exchange twice.
bool is_begin(Parts parts) {
  if (!parts.take(PartType::note, metadata_key)) return false;
  const auto tenants = parts.tenants_key();
  if (tenants) parts.take(PartType::note, *tenants);
  return parts.done();
}

// A piece of a body; of a tenant's with a note before it. The note alone says how much was dropped.
bool is_piece(Parts parts) {
  if (!parts.take(PartType::note, metadata_key)) return parts.take_body(content_key) && parts.done();
  const auto tenants = parts.tenants_key();
  if (tenants) parts.take_body(*tenants);
  return parts.done();
}

}  // namespace

bool fits_kind(FrameKind kind, const std::vector<PartView>& all, const std::vector<TenantKey>& tenants) {
  Parts parts(all, tenants);
  switch (kind) {
    case FrameKind::exchange:
    case FrameKind::end:
      return is_whole(parts);
    case FrameKind::begin:
      return is_begin(parts);
    case FrameKind::data:
      return is_piece(parts);
    case FrameKind::declared_gap:
    case FrameKind::segment_end:
      return parts.take(PartType::note, metadata_key) && parts.done();
    case FrameKind::checkpoint:
    case FrameKind::tombstone:
      return true;
  }
  return true;
}

const TenantKey* tenant_in(const std::vector<PartView>& parts, const std::vector<TenantKey>& tenants) {
  for (const PartView& part : parts) {
    if (is_tenant_key(part.head.key)) return named(tenants, part.head.key);
  }
  return nullptr;
}

// In a JSON text no string holds a quote that is not escaped, so what is looked for stands there as a key with its
// value.
bool is_of_tenant(std::string_view record, std::string_view tenant) {
  std::string object;
  JsonObject(object).text("tenant", tenant);
  const std::string_view member = std::string_view(object).substr(1, object.size() - 2);
  return record.find(std::string(",").append(member)) != record.npos;
}

}  // namespace sallyport::logging
