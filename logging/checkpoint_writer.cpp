#include "logging/checkpoint_writer.hpp"

#include <algorithm>
#include <utility>

#include "logging/json_text.hpp"
#include "logging/storage.hpp"

namespace sallyport::logging {

CheckpointWriter::CheckpointWriter(const CheckpointSettings& settings, std::string origin, const core::Clock& clock)
    : settings_(settings), origin_(std::move(origin)), clock_(clock), due_(clock.now()) {
  if (on() && !settings.command.empty()) command_.emplace(settings);
}

CheckpointCommandState CheckpointWriter::command_state() const {
  return command_ ? command_->state() : CheckpointCommandState{};
}

core::Duration CheckpointWriter::until_due() const {
  if (!on()) return core::Duration::max();
  return std::max(due_ - clock_.now(), core::Duration::zero());
}

core::Bytes CheckpointWriter::header_extension() const {
  return on() ? encode_extension(signer_extension, settings_.signer->verifier().key().raw()) : core::Bytes{};
}

std::string CheckpointWriter::sign(std::uint64_t number, const SegmentLink& at) {
  Checkpoint checkpoint{origin_, number, at.id, at.chain, at.frames, at.bytes, {}};
  const core::WallTime signed_at = clock_.wall();
  append_time(checkpoint.time, signed_at);
  std::string note = settings_.signer->sign(text_of(checkpoint));
  waiting_.push_back({number, note, signed_at});
  due_ = clock_.now() + settings_.interval;
  return note;
}

std::string CheckpointWriter::sign_removed(std::uint64_t last, const SegmentId& last_id,
                                           std::string_view reason) const {
  Tombstone tombstone{origin_, last, last_id, std::string(reason), {}};
  append_time(tombstone.time, clock_.wall());
  return settings_.signer->sign(text_of(tombstone));
}

// A second place that refuses does not hold up the log: it is counted, and the age of the last checkpoint tells.
void CheckpointWriter::keep() {
  if (command_ && !waiting_.empty()) command_->offer(waiting_.back().note, waiting_.back().signed_at);
  for (const Copy& copy : std::exchange(waiting_, {})) {
    if (!settings_.directory.empty() && !append(copy)) {
      errors_ += 1;
      continue;
    }
    written_ += 1;
    last_ = copy.signed_at;
  }
}

bool CheckpointWriter::append(const Copy& copy) {
  // What stands at the file's end may be half a note: of an earlier run, of a failed write, of another gateway's.
  const std::string text = "\n\n" + copy.note + '\n';
  const auto file = settings_.directory / checkpoints_name(copy.segment);
  copies_fail_ = !append_to(file, core::bytes_of(text)).has_value();
  return !copies_fail_;
}

}  // namespace sallyport::logging
