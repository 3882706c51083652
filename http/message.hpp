// HTTP/1 heads as plain values, and questions about their fields. All views point into the receive buffer, which must
// live unchanged for as long as the head is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sallyport::http {

struct Field {
  std::string_view name;
  std::string_view value;  // without surrounding white space
};

// Fields in the order they came. Names compare without case.
class Fields {
 public:
  using Iterator = std::vector<Field>::const_iterator;
  void clear() noexcept { fields_.clear(); }
  void add(std::string_view name, std::string_view value) {
    if (fields_.capacity() == 0) fields_.reserve(usual_count);
    fields_.push_back({name, value});
  }
  std::optional<std::string_view> find(std::string_view name) const noexcept;  // the first of that name
  std::size_t count(std::string_view name) const noexcept;
  Iterator begin() const noexcept { return fields_.begin(); }
  Iterator end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  static constexpr std::size_t usual_count = 16;  // most heads need only one allocation
  std::vector<Field> fields_;
};

// For two texts of equal size: the same without letter case; the same also with '_' and '-' as one.
bool same_letters(std::string_view a, std::string_view b) noexcept;
bool same_folded(std::string_view a, std::string_view b) noexcept;

// Compares names without ASCII letter case (RFC 9110 §5.1). Compares sizes inline: most names differ there.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_letters(a, b);
}
// The same with '_' and '-' as one, because CGI-like servers read X_Api_Key as X-Api-Key. For fields that must not
// pass.
inline bool may_be_read_as(std::string_view name, std::string_view real) noexcept {
  return name.size() == real.size() && same_folded(name, real);
}
// Whether `token` is a member of a comma-separated list, such as Connection's (RFC 9110 §5.6.1). Without letter case.
bool list_has(std::string_view list, std::string_view token) noexcept;
// Whether each member of such a list is a token or empty (RFC 9110 §5.6.1.2).
bool is_token_list(std::string_view list) noexcept;

// How a body ends (RFC 9112 §6.3).
enum class BodyKind : std::uint8_t { none, sized, chunked, until_close };
struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t size = 0;  // for sized
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // origin form, or "*"; an absolute form is reduced to it, no other byte is changed
  std::string_view path;    // the target up to '?'
  std::string_view host;    // Host, or the authority of an absolute form; empty when HTTP/1.0 sent neither
  unsigned minor_version = 1;
  Fields fields;
  Framing framing;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  unsigned status = 0;
  std::string_view reason;
  unsigned minor_version = 1;
  Fields fields;
  Framing framing;
  std::optional<std::uint64_t> size_for_get;  // of the body that an answer to HEAD speaks of, and that does not come
  bool keep_alive = true;
};

// Tells which fields of a head belong to one connection and must not be forwarded (RFC 9110 §7.6.1): Connection and
// the fields it names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade; Content-Length too, because the
// gateway writes its own framing. Spellings with '_' count as well, because CGI-like servers read Transfer_Encoding as
// Transfer-Encoding. A Connection field cannot name fields that the gateway relies on (Host, Authorization, X-Api-Key,
// Content-*).
class HopByHop {
 public:
  HopByHop() = default;                           // for trailers, which no Connection field names
  explicit HopByHop(const Fields& all) noexcept;  // `all` must outlive this object and not change
  bool operator()(std::string_view name) const noexcept;

 private:
  Fields::Iterator nominating_{}, end_{};  // the fields from the first Connection field on; usually there is none
};

}  // namespace sallyport::http
