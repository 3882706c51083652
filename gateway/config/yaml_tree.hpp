// YAML text → a plain tree with places. The only door to yaml-cpp (yaml_tree.cpp).
//
// A small YAML on purpose: one document, no anchors, aliases or tags, text keys, each key once. So nothing can expand,
// run or hide, and whatever the text is, the work is bounded by its size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/problem.hpp"

namespace sallyport::gateway {

struct YamlKey {
  std::string text;
  Place place;
};

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };

  Kind kind = Kind::null;
  Place place;
  std::string text;             // scalar
  std::vector<YamlNode> items;  // a sequence's elements; a map's values
  std::vector<YamlKey> keys;    // a map's keys, in step with items
};

inline constexpr std::size_t yaml_size_limit = 1 << 20;  // bytes of text
inline constexpr std::size_t yaml_depth_limit = 32;
inline constexpr std::size_t yaml_node_limit = 50'000;
inline constexpr std::size_t yaml_key_limit = 256;  // in one map

// Gives nothing, and one problem (without `file`), when the text is not such YAML. A key given twice is a problem too,
// but the tree is given all the same, so that what else is wrong can be said at once.
std::optional<YamlNode> parse_yaml(std::string_view text, std::vector<Problem>& problems);

}  // namespace sallyport::gateway
