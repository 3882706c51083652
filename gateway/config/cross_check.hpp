// What no single key of the configuration shows: names that collide, calls nobody could make, records nobody keeps.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/config/yaml_reader.hpp"

namespace sallyport::gateway {

// Notes its findings in `reading`. `config` may be incomplete: what is missing has been noted already.
void cross_check(const Config& config, Reading& reading);

}  // namespace sallyport::gateway
