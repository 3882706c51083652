#include "http/message.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "http/grammar.hpp"

namespace sallyport::http {
namespace {

using core::lower;

constexpr char folded(char c) noexcept { return c == '_' ? '-' : lower(c); }

bool starts_folded(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && may_be_read_as(name.substr(0, prefix.size()), prefix);
}

bool always_hop_by_hop(std::string_view name) noexcept {
  switch (name.size()) {
    case 2:
      return may_be_read_as(name, "te");
    case 7:
      return may_be_read_as(name, "trailer") || may_be_read_as(name, "upgrade");
    case 10:
      return may_be_read_as(name, "connection") || may_be_read_as(name, "keep-alive");
    case 14:
      return may_be_read_as(name, "content-length");
    case 17:
      return may_be_read_as(name, "transfer-encoding");
    default:
      return false;
  }
}

template <class Wanted>
bool any_member(std::string_view list, Wanted wanted) noexcept {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (wanted(grammar::trimmed(list.substr(0, comma)))) return true;
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool is_connection(const Field& field) noexcept { return same_name(field.name, "connection"); }

// Fields whose removal would change who calls or what the message says; a client's Connection field must not do that.
bool never_nominated(std::string_view name) noexcept {
  return may_be_read_as(name, "host") || may_be_read_as(name, "authorization") || may_be_read_as(name, "x-api-key") ||
         starts_folded(name, "content-");
}

}  // namespace

bool same_letters(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || lower(x) == lower(y); });
}

bool same_folded(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return x == y || folded(x) == folded(y); });
}

bool list_has(std::string_view list, std::string_view token) noexcept {
  return any_member(list, [token](std::string_view member) { return same_name(member, token); });
}

bool is_token_list(std::string_view list) noexcept {
  return !any_member(
      list, [](std::string_view member) { return grammar::skip(grammar::token_byte, member, 0) != member.size(); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
  for (const Field& field : fields_) {
    if (same_name(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [name](const Field& field) { return same_name(field.name, name); }));
}

HopByHop::HopByHop(const Fields& all) noexcept
    : nominating_(std::find_if(all.begin(), all.end(), is_connection)), end_(all.end()) {}

bool HopByHop::operator()(std::string_view name) const noexcept {
  if (always_hop_by_hop(name) || starts_folded(name, "proxy-")) return true;
  const bool nominated = std::any_of(
      nominating_, end_, [name](const Field& field) { return is_connection(field) && list_has(field.value, name); });
  return nominated && !never_nominated(name);
}

}  // namespace sallyport::http
