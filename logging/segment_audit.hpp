// Walks one segment to its end, and says what is wrong with its frames, its key block and the way in which it ends.
// What stands around it is for logging/verify.cpp to judge.
#pragma once

#include <optional>

#include "logging/checkpoint_audit.hpp"
#include "logging/key_audit.hpp"
#include "logging/storage.hpp"
#include "logging/verify.hpp"

namespace sallyport::logging {

struct AuditedSegment {
  const ListedSegment& file;
  const std::optional<ParsedHeader>& header;  // none that can be read: there is nothing to walk
  const SegmentLink* declared;                // its end, by its successor; null: none testifies to it
  bool being_written;
};

// Adds to `report` what it finds, and the segment; tells `notes` and `tenants` what it passes. May block in the holder,
// which is null without a key. Throws std::system_error when the segment cannot be read.
void audit_segment(const AuditedSegment& segment, envelope::KeyHolder* holder, CheckpointAudit& notes,
                   TenantAudit& tenants, LogReport& report);

}  // namespace sallyport::logging
