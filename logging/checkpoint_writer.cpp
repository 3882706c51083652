#include "logging/checkpoint_writer.hpp"

#include <algorithm>
#include <utility>

#include "logging/checkpoint_places.hpp"
#include "logging/json_text.hpp"

namespace sallyport::logging {

CheckpointWriter::CheckpointWriter(const LogSettings& settings, const core::Clock& clock)
    : settings_(settings.checkpoints), origin_(settings.origin), clock_(clock), due_(clock.now()) {
  if (!on()) return;
  if (!settings_.directory.empty()) {
    const core::Duration deadline = std::min(settings_.deadline, settings.stall_limit);
    directory_.emplace(keep_in_directory(settings_.directory, directory_fault_),
                       SecondPlaceLimits{max_waiting_checkpoints, deadline, settings_.pause});
  }
  if (!settings_.command.empty()) {
    command_.emplace(keep_by_command(settings_.command), SecondPlaceLimits{1, settings_.deadline, settings_.pause});
  }
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

void CheckpointWriter::keep() {
  for (SignedCheckpoint& one : std::exchange(waiting_, {})) {
    kept_ += 1;
    last_ = one.signed_at;
    if (directory_) directory_->offer(one);
    if (command_) command_->offer(std::move(one));
  }
}

// Both at once: together they take no longer than the slower one.
void CheckpointWriter::end() {
  if (directory_) directory_->stop();
  if (command_) command_->stop();
  if (directory_) directory_->wait();
  if (command_) command_->wait();
}

SecondPlaceState CheckpointWriter::directory_state() const {
  if (!directory_) return {};
  SecondPlaceState state = directory_->state();
  state.fault = directory_fault_->get();
  return state;
}

SecondPlaceState CheckpointWriter::command_state() const { return command_ ? command_->state() : SecondPlaceState{}; }

}  // namespace sallyport::logging
