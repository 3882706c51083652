// A disk that does as the test says: works, is full, cuts a write in the middle, fails to sync, or hangs.
#pragma once

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "logging/storage.hpp"

namespace sallyport::tests {

class Disk {
 public:
  enum class Mood { working, full, cuts_writes, fails_sync, full_after_create };

  std::atomic<Mood> mood{Mood::working};
  std::atomic<int> writes{0}, syncs{0}, writes_after_error{0};
  std::atomic<int> waiting{0};                           // writes that the hanging disk keeps
  std::atomic<int> forgotten{0}, forgotten_unsynced{0};  // files that forget() was said of

  // While hung, each write waits.
  void hang(bool now) {
    {
      const std::lock_guard lock(mutex_);
      hung_ = now;
    }
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    waiting += 1;
    changed_.wait(lock, [&] { return !hung_; });
    waiting -= 1;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hung_ = false;
};

class MoodyFile final : public logging::SegmentFile {
 public:
  MoodyFile(Disk& disk, std::unique_ptr<logging::SegmentFile> file) : disk_(disk), file_(std::move(file)) {}

  core::Result<void> append(core::ConstBytes bytes) override {
    disk_.pass();
    disk_.writes += 1;
    disk_.writes_after_error += failed_;
    synced_ = false;
    const Disk::Mood mood = disk_.mood;
    if (mood == Disk::Mood::working || mood == Disk::Mood::fails_sync) return file_->append(bytes);
    failed_ = true;
    if (mood == Disk::Mood::cuts_writes) (void)file_->append(bytes.first(bytes.size() * 2 / 3));
    return core::Error(core::Reason::io_failed, ENOSPC);
  }
  core::Result<void> sync() override {
    disk_.syncs += 1;
    disk_.writes_after_error += sync_failed_;
    synced_ = disk_.mood != Disk::Mood::fails_sync;
    if (synced_) return file_->sync();
    failed_ = sync_failed_ = true;
    return core::Error(core::Reason::io_failed, EIO);
  }
  void forget() noexcept override {
    disk_.forgotten += 1;
    disk_.forgotten_unsynced += !synced_;
  }

 private:
  Disk& disk_;
  std::unique_ptr<logging::SegmentFile> file_;
  bool failed_ = false, sync_failed_ = false, synced_ = false;
};

class MoodyStorage final : public logging::Storage {
 public:
  MoodyStorage(Disk& disk, std::filesystem::path directory) : disk_(disk), real_(std::move(directory)) {}

  core::Result<std::unique_ptr<logging::SegmentFile>> create(std::uint64_t number, core::ConstBytes key_block,
                                                             core::ConstBytes header) override {
    disk_.pass();
    if (disk_.mood == Disk::Mood::full) return core::Error(core::Reason::io_failed, ENOSPC);
    auto file = real_.create(number, key_block, header);
    if (!file) return file.error();
    return std::unique_ptr<logging::SegmentFile>(std::make_unique<MoodyFile>(disk_, std::move(*file)));
  }

 private:
  Disk& disk_;
  logging::DirectoryStorage real_;
};

}  // namespace sallyport::tests
