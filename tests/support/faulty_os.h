// FaultyOs: another Os on which any call can fail, what is mapped can be lost, and the machine be
// another one, as a test says.
//
// Thread-safety: that of the hooks.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/forwarding_os.h"

namespace holdfast {

enum class Call : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kInfo,
  kLock,
  kUnlock,
  kLockWhole,
  kMap,
  kRename,
  kRemove,
  kMakeDirectories,
  kSyncDirectory,
  kList,
  kFileSystem,
};

// A call that is about to be made. `size`: of kOpen the mode, of locks the byte.
struct Attempt {
  Call call;
  const std::string& path;
  uint64_t size;
  bool is_change;  // of files or directories
};

inline bool is_data(const std::string& path) {
  return path.ends_with("/data");
}

class FaultyOs final : public os::ForwardingOs {
 public:
  explicit FaultyOs(os::Os& os) : ForwardingOs(os) { losses_ = &lost; }

  // Asked before each call that can fail; an error is what the call returns.
  std::function<Status(const Attempt& attempt)> fault;
  // Called before each call of any kind.
  std::function<void()> before_each;
  os::Losses lost;
  uint32_t forks = 0;
  // What every path is said to lie on, instead of the truth.
  std::optional<os::FileSystem> lies_on;
  // What every disk is said to have left, instead of the truth.
  std::optional<uint64_t> free_bytes;
  // Another boot, or another kernel, when set.
  std::optional<std::array<char, 16>> other_boot;

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override {
    HOLDFAST_TRY(ask(Call::kOpen, path, static_cast<uint64_t>(mode), os::creates(mode)));
    HOLDFAST_ASSIGN(auto file, os_.open(path, mode));
    return std::unique_ptr<os::File>(new FaultyFile(*this, path, std::move(file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    HOLDFAST_TRY(ask(Call::kRename, from, 0, true));
    return os_.rename(from, to);
  }
  Status remove(const std::string& path) override {
    HOLDFAST_TRY(ask(Call::kRemove, path, 0, true));
    return os_.remove(path);
  }
  Status make_directories(const std::string& path) override {
    HOLDFAST_TRY(ask(Call::kMakeDirectories, path, 0, true));
    return os_.make_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    HOLDFAST_TRY(ask(Call::kSyncDirectory, path, 0, true));
    return os_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    HOLDFAST_TRY(ask(Call::kList, path, 0, false));
    return os_.list(path);
  }
  Result<os::FileSystem> file_system(const std::string& path) override {
    HOLDFAST_TRY(ask(Call::kFileSystem, path, 0, false));
    return lies_on ? Result<os::FileSystem>(*lies_on) : os_.file_system(path);
  }
  uint64_t free_disk_bytes(const std::string& path) override {
    return free_bytes ? *free_bytes : os_.free_disk_bytes(path);
  }
  std::array<char, 16> boot_id() override { return other_boot.value_or(os_.boot_id()); }
  uint64_t wall_time_us() override {
    tick();
    return os_.wall_time_us();
  }
  uint64_t monotonic_time_us() override {
    tick();
    return os_.monotonic_time_us();
  }
  uint32_t fork_count() override {
    tick();
    return os_.fork_count() + forks;
  }

 private:
  void tick() {
    if (before_each) before_each();
  }
  Status ask(Call call, const std::string& path, uint64_t size, bool is_change) {
    tick();
    return fault ? fault({call, path, size, is_change}) : Status::ok();
  }

  class FaultyFile final : public os::ForwardingFile {
   public:
    FaultyFile(FaultyOs& os, std::string path, std::unique_ptr<os::File> file)
        : ForwardingFile(std::move(path), std::move(file)), os_(os) {}
    Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
      HOLDFAST_TRY(os_.ask(Call::kRead, path_, size, false));
      return file_->read_at(offset, out, size);
    }
    Status write_at(uint64_t offset, std::string_view bytes) override {
      HOLDFAST_TRY(os_.ask(Call::kWrite, path_, bytes.size(), true));
      return file_->write_at(offset, bytes);
    }
    Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override {
      HOLDFAST_TRY(os_.ask(Call::kWrite, path_, pieces.size(), true));
      return file_->write_gather_at(offset, pieces);
    }
    Status sync_data() override {
      HOLDFAST_TRY(os_.ask(Call::kSync, path_, 0, true));
      return file_->sync_data();
    }
    Status allocate(uint64_t offset, uint64_t size) override {
      HOLDFAST_TRY(os_.ask(Call::kAllocate, path_, size, true));
      return file_->allocate(offset, size);
    }
    Status truncate(uint64_t size) override {
      HOLDFAST_TRY(os_.ask(Call::kTruncate, path_, size, true));
      return file_->truncate(size);
    }
    Result<os::FileInfo> info() override {
      HOLDFAST_TRY(os_.ask(Call::kInfo, path_, 0, false));
      return file_->info();
    }
    Result<bool> lock_try(uint64_t byte, os::LockKind kind) override {
      HOLDFAST_TRY(os_.ask(Call::kLock, path_, byte, false));
      return file_->lock_try(byte, kind);
    }
    Status unlock(uint64_t byte) override {
      HOLDFAST_TRY(os_.ask(Call::kUnlock, path_, byte, false));
      return file_->unlock(byte);
    }
    Result<bool> lock_held_by_other(uint64_t first, uint64_t count) override {
      HOLDFAST_TRY(os_.ask(Call::kLock, path_, first, false));
      return file_->lock_held_by_other(first, count);
    }
    Result<bool> lock_whole_try() override {
      HOLDFAST_TRY(os_.ask(Call::kLockWhole, path_, 0, false));
      return file_->lock_whole_try();
    }
    Result<std::unique_ptr<os::Mapping>> map(size_t size, os::MapAccess access) override {
      HOLDFAST_TRY(os_.ask(Call::kMap, path_, size, false));
      return file_->map(size, access);
    }

   private:
    FaultyOs& os_;
  };
};

}  // namespace holdfast
