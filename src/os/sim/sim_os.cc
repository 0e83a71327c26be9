#include "os/sim/sim_os.h"

#include "os/sim/sim_file.h"

namespace holdfast::sim {

Status SimOs::announce(StepKind kind, const std::string& path, bool needs_space) {
  const Fault fault = machine_.step(kind, {.path = path, .needs_space = needs_space});
  return fault == Fault::kNone ? Status::ok() : fault_status(fault, step_kind_name(kind), path);
}

Result<std::unique_ptr<os::File>> SimOs::open(const std::string& path, os::OpenMode mode) {
  Disk& disk = machine_.disk();
  const std::string plain = plain_path(path);
  const bool creates = os::creates(mode) && disk.find(plain) == nullptr;
  HOLDFAST_TRY(announce(StepKind::kOpen, plain, creates));
  if (disk.is_directory(plain)) {
    return Status(StatusCode::kInvalidArgument, "the path is a directory, a file is needed")
        .with_path(path);
  }
  std::shared_ptr<DiskFile> file = disk.find(plain);
  if (file == nullptr) {
    HOLDFAST_TRY(disk.require_parent(plain));
    if (!os::creates(mode)) {
      return Status(StatusCode::kNotFound, "open failed: no such file").with_path(path);
    }
    file = disk.create(plain);
  } else if (mode == os::OpenMode::kCreateExclusive) {
    return Status(StatusCode::kConditionFalse, "open failed: the file exists").with_path(path);
  }
  auto handle = machine_.open_handle(process_, std::move(file));
  return std::unique_ptr<os::File>(std::make_unique<SimFile>(plain, std::move(handle), process_));
}

Status SimOs::rename(const std::string& from, const std::string& to) {
  HOLDFAST_TRY(announce(StepKind::kRename, from, true));
  return machine_.disk().rename(plain_path(from), plain_path(to));
}

Status SimOs::remove(const std::string& path) {
  HOLDFAST_TRY(announce(StepKind::kRemove, path, false));
  return machine_.disk().remove(plain_path(path));
}

Status SimOs::make_directories(const std::string& path) {
  const std::string plain = plain_path(path);
  const bool creates = !machine_.disk().is_directory(plain);
  HOLDFAST_TRY(announce(StepKind::kMakeDirectory, path, creates));
  return machine_.disk().make_directories(plain);
}

Status SimOs::sync_directory(const std::string& path) {
  HOLDFAST_TRY(announce(StepKind::kSyncDirectory, path, false));
  const std::string plain = plain_path(path);
  if (!machine_.disk().is_directory(plain)) {
    return Status(StatusCode::kNotFound, "no such directory").with_path(path);
  }
  machine_.disk().sync_directory(plain);
  return Status::ok();
}

Result<std::vector<std::string>> SimOs::list(const std::string& path) {
  const Fault fault = machine_.read({.path = path});
  if (fault != Fault::kNone) return fault_status(fault, "readdir", path);
  return machine_.disk().list(plain_path(path));
}

Result<os::FileSystem> SimOs::file_system(const std::string& path) {
  const std::string plain = plain_path(path);
  if (machine_.disk().find(plain) == nullptr && !machine_.disk().is_directory(plain)) {
    return Status(StatusCode::kNotFound, "no such file or directory").with_path(path);
  }
  return machine_.options().file_system;
}

os::WaitResult SimOs::futex_wait(const os::Shared<uint32_t>& word, uint32_t expected,
                                 uint64_t timeout_us) {
  machine_.step(StepKind::kFutexWait, {.address = word.address()});
  return machine_.wait(word.address(), expected, timeout_us);
}

void SimOs::futex_wake(const os::Shared<uint32_t>& word, uint32_t count) {
  machine_.step(StepKind::kFutexWake, {.address = word.address()});
  machine_.wake(word.address(), count);
}

void SimOs::sleep_us(uint64_t duration_us) {
  machine_.step(StepKind::kSleep, {.size = duration_us});
  machine_.wait(nullptr, 0, duration_us);
}

size_t SimOs::read_first_bytes_max() {
  constexpr size_t kBytesMax[] = {0, 2u << 10, 64u << 10};
  return kBytesMax[machine_.identity_of(process_).pid % std::size(kBytesMax)];
}

}  // namespace holdfast::sim
