// HTTP/1 heads as plain values. Views point into the receive buffer; whoever keeps a head keeps that buffer.
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
  static constexpr std::size_t usual_count = 16;  // so that most heads allocate once
  std::vector<Field> fields_;
};

// Of two texts of one size.
bool same_letters(std::string_view a, std::string_view b) noexcept;
bool same_folded(std::string_view a, std::string_view b) noexcept;

// ASCII, without case (RFC 9110 §5.1). Sizes are compared in place: most names differ there.
inline bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_letters(a, b);
}
// The same, with '_' and '-' as one: CGI-like servers read X_Api_Key as the real one. For what must not pass.
inline bool may_be_read_as(std::string_view name, std::string_view real) noexcept {
  return name.size() == real.size() && same_folded(name, real);
}
// True when `token` is one of a comma-separated list's members, as in Connection (RFC 9110 §5.6.1). Without case.
bool list_has(std::string_view list, std::string_view token) noexcept;
// Whether such a list's members are tokens, or empty (RFC 9110 §5.6.1.2).
bool is_token_list(std::string_view list) noexcept;

// How a body ends (RFC 9112 §6.3).
enum class BodyKind : std::uint8_t { none, sized, chunked, until_close };
struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t size = 0;  // for sized
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as it came, origin form (an absolute form is reduced to it)
  std::string_view path;    // target up to '?'
  std::string_view host;
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
  bool keep_alive = true;
};

// Tells which fields of a head belong to one connection and must not be passed on (RFC 9110 §7.6.1): Connection and
// what it names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade; Content-Length too, because the gateway
// writes its own framing. Their spellings with '_' count as well: CGI-like servers read Transfer_Encoding as the real
// one. A Connection field cannot nominate fields the gateway relies on (Host, Authorization, X-Api-Key, Content-*).
class HopByHop {
 public:
  HopByHop() = default;                           // of trailers: nothing is nominated for them
  explicit HopByHop(const Fields& all) noexcept;  // which must stay as they are
  bool operator()(std::string_view name) const noexcept;

 private:
  Fields::Iterator nominating_{}, end_{};  // from the first Connection field on; usually there is none
};

}  // namespace sallyport::http
