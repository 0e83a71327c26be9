#include "os/sim/sim_file.h"

#include <algorithm>

#include "base/check.h"
#include "os/sim/area.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kDevice = 64'512;

class SimMapping final : public os::Mapping {
 public:
  SimMapping(std::shared_ptr<Handle> handle, size_t size) : handle_(std::move(handle)) {
    data_ = handle_->file->data();
    size_ = size;
  }
  ~SimMapping() override {
    if (handle_->machine != nullptr) handle_->machine->close_handle(*handle_);
  }

 private:
  const std::shared_ptr<Handle> handle_;
};

bool conflict(os::LockKind a, os::LockKind b) {
  return a == os::LockKind::kExclusive || b == os::LockKind::kExclusive;
}

}  // namespace

Status fault_status(Fault fault, std::string_view call, std::string_view path) {
  const bool no_space = fault == Fault::kNoSpace || fault == Fault::kShortWrite;
  CHECK(no_space || fault == Fault::kIoError || fault == Fault::kReadError ||
        fault == Fault::kSyncError);
  std::string message(call);
  message += no_space ? " failed: No space left on device" : " failed: Input/output error";
  return Status(no_space ? StatusCode::kNoSpace : StatusCode::kIoError, message).with_path(path);
}

SimFile::~SimFile() {
  if (handle_->machine == nullptr) return;
  step(StepKind::kClose, 0, 0);
  machine().close_handle(*handle_);
}

Status SimFile::require_open() const {
  if (handle_->machine != nullptr) return Status::ok();
  return Status(StatusCode::kIoError, "the process that opened the file is gone").with_path(path_);
}

Status SimFile::require_room(uint64_t offset, uint64_t size) const {
  if (offset <= kAreaSize && size <= kAreaSize - offset) return Status::ok();
  return Status(StatusCode::kNoSpace, "a simulated file is at most 1 GiB").with_path(path_);
}

Fault SimFile::step(StepKind kind, uint64_t offset, uint64_t size, bool needs_space) {
  return machine().step(kind, {path_, offset, size, needs_space});
}

Result<size_t> SimFile::read_at(uint64_t offset, char* out, size_t size) {
  HOLDFAST_TRY(require_open());
  const Fault fault = machine().read({path_, offset, size});
  if (fault != Fault::kNone) return fault_status(fault, "read", path_).with_offset(offset);
  return file().read(offset, out, size);
}

Status SimFile::write_at(uint64_t offset, std::string_view bytes) {
  HOLDFAST_TRY(require_open());
  HOLDFAST_TRY(require_room(offset, bytes.size()));
  const bool needs_space = offset + bytes.size() > file().allocated_end();
  const Fault fault = step(StepKind::kWrite, offset, bytes.size(), needs_space);
  switch (fault) {
    case Fault::kNone:
      break;
    case Fault::kKill:
    case Fault::kKillAll:
    case Fault::kPowerCut:
      file().write(offset, bytes.substr(0, machine().interrupted_size(offset, bytes.size())));
      machine().die(fault);
    case Fault::kShortWrite:
      file().write(offset, bytes.substr(0, machine().interrupted_size(offset, bytes.size())));
      return fault_status(fault, "write", path_).with_offset(offset);
    case Fault::kIoError:
      file().write(offset, bytes.substr(0, machine().failed_size(offset, bytes.size())));
      [[fallthrough]];
    default:
      return fault_status(fault, "write", path_).with_offset(offset);
  }
  const size_t first = machine().split_write_size(offset, bytes.size());
  if (first > 0) {
    file().write(offset, bytes.substr(0, first));
    machine().preempt();
  }
  file().write(offset + first, bytes.substr(first));
  return Status::ok();
}

Status SimFile::write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) {
  std::string bytes;
  for (std::string_view piece : pieces) bytes += piece;
  return write_at(offset, bytes);
}

Status SimFile::sync_data() {
  HOLDFAST_TRY(require_open());
  const Fault fault = step(StepKind::kSync, 0, 0);
  machine().take_long();
  return machine().sync_file(*handle_, path_, fault);
}

Status SimFile::allocate(uint64_t offset, uint64_t size) {
  HOLDFAST_TRY(require_open());
  HOLDFAST_TRY(require_room(offset, size));
  const bool needs_space = offset + size > file().allocated_end();
  const Fault fault = step(StepKind::kAllocate, offset, size, needs_space);
  if (fault != Fault::kNone) return fault_status(fault, "fallocate", path_);
  file().allocate(offset, size);
  return Status::ok();
}

Status SimFile::truncate(uint64_t size) {
  HOLDFAST_TRY(require_open());
  HOLDFAST_TRY(require_room(0, size));
  const Fault fault = step(StepKind::kTruncate, 0, size);
  if (fault != Fault::kNone) return fault_status(fault, "truncate", path_);
  file().resize(size);
  return Status::ok();
}

Result<os::FileInfo> SimFile::info() {
  HOLDFAST_TRY(require_open());
  return os::FileInfo{file().size(), kDevice, file().inode()};
}

Result<bool> SimFile::lock_try(uint64_t byte, os::LockKind kind) {
  HOLDFAST_TRY(require_open());
  step(StepKind::kLock, byte, 1);
  DiskFile::Lock* own = nullptr;
  for (DiskFile::Lock& lock : file().locks) {
    if (lock.byte != byte) continue;
    if (lock.holder == handle_.get()) {
      own = &lock;
    } else if (conflict(lock.kind, kind)) {
      return false;
    }
  }
  if (own != nullptr) {
    own->kind = kind;
  } else {
    file().locks.push_back({byte, kind, handle_.get()});
  }
  return true;
}

Status SimFile::unlock(uint64_t byte) {
  HOLDFAST_TRY(require_open());
  step(StepKind::kUnlock, byte, 1);
  auto& locks = file().locks;
  locks.erase(std::remove_if(locks.begin(), locks.end(),
                             [&](const DiskFile::Lock& lock) {
                               return lock.byte == byte && lock.holder == handle_.get();
                             }),
              locks.end());
  return Status::ok();
}

Result<bool> SimFile::lock_held_by_other(uint64_t first, uint64_t count) {
  HOLDFAST_TRY(require_open());
  CHECK(count > 0);
  step(StepKind::kLock, first, count);
  return std::any_of(file().locks.begin(), file().locks.end(), [&](const DiskFile::Lock& lock) {
    return lock.holder != handle_.get() && lock.byte >= first && lock.byte - first < count;
  });
}

Result<std::unique_ptr<os::Mapping>> SimFile::map(size_t size, os::MapAccess access) {
  HOLDFAST_TRY(require_open());
  CHECK(size > 0);
  step(StepKind::kMap, 0, size);
  if (access == os::MapAccess::kReadWrite) file().map_writable();
  file().trap_past_end();
  auto handle = machine().open_handle(process_, handle_->file);
  return std::unique_ptr<os::Mapping>(std::make_unique<SimMapping>(std::move(handle), size));
}

}  // namespace holdfast::sim
