#include "gateway/plain_path.hpp"

#include <algorithm>
#include <string>

#include "core/text.hpp"
#include "http/path.hpp"
#include "routing/model_call.hpp"

namespace sallyport::gateway {

core::Result<void> check_plain_path(std::string_view path) {
  if (!http::is_normal_path(path)) return core::Error(core::Reason::path_ambiguous);
  std::string usual(path);
  std::ranges::transform(usual, usual.begin(), core::lower);
  if (usual.ends_with('/')) usual.pop_back();
  if (usual == path) return {};  // a model path with another method, or no model path
  if (usual == "/v1/models" || routing::model_family(usual)) return core::Error(core::Reason::path_misspelt);
  return {};
}

}  // namespace sallyport::gateway
