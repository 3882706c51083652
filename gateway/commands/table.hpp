// Columns of text for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::gateway {

// The first row is the heading. Columns are padded to their widest cell and stand two spaces apart.
std::string table(const std::vector<std::vector<std::string>>& rows);

// What stands in one cell; "-" for none.
std::string joined(const std::vector<std::string>& words, std::string_view separator = ", ");

}  // namespace sallyport::gateway
