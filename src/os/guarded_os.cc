#include "os/guarded_os.h"

#include <algorithm>

namespace holdfast::os {
namespace {

Status refuse(const std::string& path) {
  return Status(StatusCode::kIoError,
                "nothing is written any more: the memory shared with other processes was lost; "
                "close all handles and open the store again")
      .with_path(path);
}

std::optional<LostPage> lost_in(const GuardedOs::Guard& guard) {
  const auto offset = guard.range->lost_offset();
  if (!offset) return std::nullopt;
  return LostPage{guard.path, *offset};
}

class GuardedMapping final : public Mapping {
 public:
  GuardedMapping(std::shared_ptr<GuardedOs::State> state, const std::string& path,
                 std::unique_ptr<Mapping> mapping, MapAccess access)
      : state_(std::move(state)),
        mapping_(std::move(mapping)),
        guard_(path, mapping_->data(), mapping_->size(),
               access == MapAccess::kRead ? Loss::kPage : Loss::kWhole,
               access == MapAccess::kRead ? state_->losses.pages : state_->losses.shared) {
    data_ = mapping_->data();
    size_ = mapping_->size();
    const std::lock_guard lock(state_->mutex);
    state_->guards.push_back(&guard_);
  }
  ~GuardedMapping() override {
    const std::lock_guard lock(state_->mutex);
    if (!state_->first) state_->first = lost_in(guard_);
    std::erase(state_->guards, &guard_);
    guard_.range.reset();
  }

 private:
  const std::shared_ptr<GuardedOs::State> state_;
  const std::unique_ptr<Mapping> mapping_;
  GuardedOs::Guard guard_;
};

class GuardedFile final : public ForwardingFile {
 public:
  GuardedFile(std::string path, std::unique_ptr<File> file, std::shared_ptr<GuardedOs::State> state)
      : ForwardingFile(std::move(path), std::move(file)), state_(std::move(state)) {}

  Status write_at(uint64_t offset, std::string_view bytes) override {
    return lost() ? refuse(path_) : file_->write_at(offset, bytes);
  }
  Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    return lost() ? refuse(path_) : file_->write_gather_at(offset, pieces);
  }
  Status sync_data() override { return lost() ? refuse(path_) : file_->sync_data(); }
  Status allocate(uint64_t offset, uint64_t size) override {
    return lost() ? refuse(path_) : file_->allocate(offset, size);
  }
  Status truncate(uint64_t size) override { return lost() ? refuse(path_) : file_->truncate(size); }
  Result<std::unique_ptr<Mapping>> map(size_t size, MapAccess access) override {
    HOLDFAST_ASSIGN(auto mapping, file_->map(size, access));
    return std::unique_ptr<Mapping>(
        std::make_unique<GuardedMapping>(state_, path_, std::move(mapping), access));
  }

 private:
  bool lost() const { return state_->losses.any_shared(); }

  const std::shared_ptr<GuardedOs::State> state_;
};

}  // namespace

Result<std::unique_ptr<File>> GuardedOs::open(const std::string& path, OpenMode mode) {
  if (creates(mode) && has_lost_shared_memory()) return refuse(path);
  HOLDFAST_ASSIGN(auto file, os_.open(path, mode));
  return std::unique_ptr<File>(std::make_unique<GuardedFile>(path, std::move(file), state_));
}

Status GuardedOs::rename(const std::string& from, const std::string& to) {
  return has_lost_shared_memory() ? refuse(from) : os_.rename(from, to);
}
Status GuardedOs::remove(const std::string& path) {
  return has_lost_memory() ? refuse(path) : os_.remove(path);
}
Status GuardedOs::make_directories(const std::string& path) {
  return has_lost_shared_memory() ? refuse(path) : os_.make_directories(path);
}
Status GuardedOs::sync_directory(const std::string& path) {
  return has_lost_shared_memory() ? refuse(path) : os_.sync_directory(path);
}

std::optional<LostPage> GuardedOs::lost_page() {
  const std::lock_guard lock(state_->mutex);
  if (state_->first) return state_->first;
  for (const Guard* guard : state_->guards) {
    if (auto lost = lost_in(*guard)) return lost;
  }
  return std::nullopt;
}

}  // namespace holdfast::os
