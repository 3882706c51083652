// Columns of text for a terminal.
#pragma once

#include <string>
#include <vector>

namespace sallyport::gateway {

// The first row is the heading. Columns are padded to their widest cell and stand two spaces apart.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace sallyport::gateway
