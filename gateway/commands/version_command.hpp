// `sallyport version`: what this program is made of, for a bug report.
#pragma once

#include <string>

namespace sallyport::gateway {

std::string version_text();  // lines, without an end to the last

}  // namespace sallyport::gateway
