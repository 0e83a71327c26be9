// FailingOs: another Os on which any call can fail, what is mapped can be lost, and forks are
// counted as a test says. For sweeps over every call that something makes.
//
// Thread-safety: that of the hooks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/forwarding_os.h"

namespace holdfast {

class FailingOs final : public os::ForwardingOs {
 public:
  explicit FailingOs(os::Os& os) : ForwardingOs(os) { losses_ = &lost; }

  // Called before each call that can fail. `changes`: of files or directories.
  std::function<Status(bool changes)> fault;
  // Called before each call of any kind.
  std::function<void()> before_each;
  os::Losses lost;
  uint32_t forks = 0;

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override {
    HOLDFAST_TRY(ask(os::creates(mode)));
    HOLDFAST_ASSIGN(auto file, os_.open(path, mode));
    return std::unique_ptr<os::File>(new FailingFile(*this, path, std::move(file)));
  }
  Status rename(const std::string& from, const std::string& to) override {
    HOLDFAST_TRY(ask(true));
    return os_.rename(from, to);
  }
  Status remove(const std::string& path) override {
    HOLDFAST_TRY(ask(true));
    return os_.remove(path);
  }
  Status make_directories(const std::string& path) override {
    HOLDFAST_TRY(ask(true));
    return os_.make_directories(path);
  }
  Status sync_directory(const std::string& path) override {
    HOLDFAST_TRY(ask(true));
    return os_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    HOLDFAST_TRY(ask(false));
    return os_.list(path);
  }
  Result<os::FileSystem> file_system(const std::string& path) override {
    HOLDFAST_TRY(ask(false));
    return os_.file_system(path);
  }
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
  Status ask(bool changes) {
    tick();
    return fault ? fault(changes) : Status::ok();
  }

  class FailingFile final : public os::ForwardingFile {
   public:
    FailingFile(FailingOs& os, std::string path, std::unique_ptr<os::File> file)
        : ForwardingFile(std::move(path), std::move(file)), os_(os) {}
    Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->read_at(offset, out, size);
    }
    Status write_at(uint64_t offset, std::string_view bytes) override {
      HOLDFAST_TRY(os_.ask(true));
      return file_->write_at(offset, bytes);
    }
    Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override {
      HOLDFAST_TRY(os_.ask(true));
      return file_->write_gather_at(offset, pieces);
    }
    Status sync_data() override {
      HOLDFAST_TRY(os_.ask(true));
      return file_->sync_data();
    }
    Status allocate(uint64_t offset, uint64_t size) override {
      HOLDFAST_TRY(os_.ask(true));
      return file_->allocate(offset, size);
    }
    Status truncate(uint64_t size) override {
      HOLDFAST_TRY(os_.ask(true));
      return file_->truncate(size);
    }
    Result<os::FileInfo> info() override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->info();
    }
    Result<bool> lock_try(uint64_t byte, os::LockKind kind) override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->lock_try(byte, kind);
    }
    Status unlock(uint64_t byte) override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->unlock(byte);
    }
    Result<bool> lock_held_by_other(uint64_t first, uint64_t count) override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->lock_held_by_other(first, count);
    }
    Result<std::unique_ptr<os::Mapping>> map(size_t size, os::MapAccess access) override {
      HOLDFAST_TRY(os_.ask(false));
      return file_->map(size, access);
    }

   private:
    FailingOs& os_;
  };
};

}  // namespace holdfast
