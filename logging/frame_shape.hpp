// Which parts a frame of each kind has (docs/log-format.md, "Frames"). A part's head stands in the clear and is covered
// by that part's own tag alone: whoever can write the file can give it another type and a key that a reader has not,
// and it would be passed over in silence. So what a reader cannot open must at least be what the writer puts in that
// place.
#pragma once

#include <string_view>
#include <vector>

#include "logging/format.hpp"

namespace sallyport::logging {

// `tenants`: those that the segment's header names. True of kinds that are signed or unknown.
bool fits_kind(FrameKind kind, const std::vector<PartView>& parts, const std::vector<TenantKey>& tenants);

// The tenant whose content's key seals parts of a frame that fits; null: none is sealed so.
const TenantKey* tenant_in(const std::vector<PartView>& parts, const std::vector<TenantKey>& tenants);

// Whether a record, as append_json() wrote it, is of that tenant.
bool is_of_tenant(std::string_view record, std::string_view tenant);

}  // namespace sallyport::logging
