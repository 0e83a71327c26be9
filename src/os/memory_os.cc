// MemoryOs: the Os of a store without files. Each file is a memfd, so that mappings, futexes and
// open-file-description locks are the kernel's own; the names are a map in this object.
//
// Who: made by make_memory_os(), one per store. Any thread.
// Invariants:
//   1. Every open() gives a description of its own: it is opened again through /proc/self/fd. Where
//      /proc is not mounted it is duplicated instead, and locks taken through one File of a file
//      do not exclude another File of it; nobody outside this process can hold one anyway.
//   2. Nothing is durable: syncs do nothing and always succeed.
//   3. In a forked child all files are closed, as those of PosixOs are.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <set>

#include "os/posix_file.h"
#include "os/posix_os.h"

namespace holdfast::os {
namespace {

constexpr uint64_t kTmpfsType = 0x01021994;

Status not_found(const std::string& path) {
  return Status(StatusCode::kNotFound, "no such file or directory in memory").with_path(path);
}

// "/a/b" for "a//b/": paths are names here, nothing more.
std::string plain_path(const std::string& path) {
  std::string plain;
  for (char c : path) {
    if (c != '/' || plain.empty() || plain.back() != '/') plain += c;
  }
  if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain.starts_with('/') ? plain : "/" + plain;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_description(int fd, int access) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int opened = ::open(path.c_str(), access | O_CLOEXEC);
  return opened >= 0 || errno != ENOENT ? opened : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

class MemoryOs final : public Os {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const std::string plain = plain_path(path);
    std::lock_guard lock(mutex_);
    if (directories_.count(plain) != 0) {
      return Status(StatusCode::kInvalidArgument, "the path is a directory, a file is needed")
          .with_path(path);
    }
    auto found = files_.find(plain);
    if (found == files_.end()) {
      if (!creates(mode) || directories_.count(parent_of(plain)) == 0) {
        return not_found(path);
      }
      HOLDFAST_ASSIGN(auto created, PosixFile::adopt(plain, [&] {
                        return memfd_create("holdfast", MFD_CLOEXEC);
                      }));
      found = files_.emplace(plain, std::move(created)).first;
    } else if (mode == OpenMode::kCreateExclusive) {
      return Status(StatusCode::kConditionFalse, "open failed: the file exists").with_path(path);
    }
    const int fd = static_cast<PosixFile&>(*found->second).descriptor();
    const int access = mode == OpenMode::kRead ? O_RDONLY : O_RDWR;
    return PosixFile::adopt(plain, [&] { return open_description(fd, access); });
  }

  Status rename(const std::string& from, const std::string& to) override {
    const std::string plain_to = plain_path(to);
    std::lock_guard lock(mutex_);
    if (directories_.count(plain_path(from)) != 0)
      return rename_directory(plain_path(from), plain_to);
    const auto found = files_.find(plain_path(from));
    if (found == files_.end()) return not_found(from);
    if (directories_.count(parent_of(plain_to)) == 0) return not_found(to);
    if (directories_.count(plain_to) != 0) {
      return Status(StatusCode::kInvalidArgument, "the target is a directory").with_path(to);
    }
    if (found->first == plain_to) return Status::ok();
    files_[plain_to] = std::move(found->second);
    files_.erase(found);
    return Status::ok();
  }

  Status remove(const std::string& path) override {
    const std::string plain = plain_path(path);
    std::lock_guard lock(mutex_);
    if (files_.erase(plain) != 0) return Status::ok();
    if (directories_.count(plain) == 0 || plain == "/") return not_found(path);
    if (!names_in(plain).empty()) {
      return Status(StatusCode::kInvalidArgument, "the directory is not empty").with_path(path);
    }
    directories_.erase(plain);
    return Status::ok();
  }

  Status make_directories(const std::string& path) override {
    std::lock_guard lock(mutex_);
    for (std::string plain = plain_path(path); plain != "/"; plain = parent_of(plain)) {
      if (files_.count(plain) != 0) {
        return Status(StatusCode::kInvalidArgument, "a file is in the way of a directory")
            .with_path(plain);
      }
    }
    for (std::string plain = plain_path(path); plain != "/"; plain = parent_of(plain)) {
      directories_.insert(plain);
    }
    return Status::ok();
  }

  Status sync_directory(const std::string& path) override { return require_directory(path); }

  Result<std::vector<std::string>> list(const std::string& path) override {
    HOLDFAST_TRY(require_directory(path));
    std::lock_guard lock(mutex_);
    const std::set<std::string> names = names_in(plain_path(path));
    return std::vector<std::string>(names.begin(), names.end());
  }

  Result<FileSystem> file_system(const std::string&) override {
    return FileSystem{"memory", kTmpfsType, FileSystemTrust::kFull};
  }

  WaitResult futex_wait(const Shared<uint32_t>& word, uint32_t expected,
                        uint64_t timeout_us) override {
    return posix_.futex_wait(word, expected, timeout_us);
  }
  void futex_wake(const Shared<uint32_t>& word, uint32_t count) override {
    posix_.futex_wake(word, count);
  }
  void sleep_us(uint64_t duration_us) override { posix_.sleep_us(duration_us); }
  uint64_t wall_time_us() override { return posix_.wall_time_us(); }
  uint64_t monotonic_time_us() override { return posix_.monotonic_time_us(); }
  std::array<char, 16> boot_id() override { return posix_.boot_id(); }
  ProcessIdentity process() override { return posix_.process(); }
  std::string describe_process(const ProcessIdentity& process) override {
    return posix_.describe_process(process);
  }
  void random_bytes(char* out, size_t size) override { posix_.random_bytes(out, size); }
  uint32_t fork_count() override { return posix_.fork_count(); }
  bool has_threads() override { return true; }

 private:
  Status require_directory(const std::string& path) {
    std::lock_guard lock(mutex_);
    const std::string plain = plain_path(path);
    for (std::string above = plain; above != "/"; above = parent_of(above)) {
      if (files_.count(above) == 0) continue;
      return Status(StatusCode::kInvalidArgument, "a file, not a directory").with_path(above);
    }
    return directories_.count(plain) != 0 ? Status::ok() : not_found(path);
  }

  // REQUIRES: mutex_ is held.
  Status rename_directory(const std::string& from, const std::string& to) {
    if (directories_.count(to) != 0 || files_.count(to) != 0 || to.rfind(from + "/", 0) == 0) {
      return Status(StatusCode::kInvalidArgument, "something is in the way of the directory")
          .with_path(to);
    }
    const auto moved = [&](const std::string& path) { return to + path.substr(from.size()); };
    const auto below = [&](const std::string& path) {
      return path == from || path.rfind(from + "/", 0) == 0;
    };
    for (auto it = files_.begin(); it != files_.end();) {
      const auto current = it++;
      if (!below(current->first)) continue;
      auto file = files_.extract(current);
      file.key() = moved(file.key());
      files_.insert(std::move(file));
    }
    const std::set<std::string> before = directories_;
    for (const std::string& path : before) {
      if (!below(path)) continue;
      directories_.erase(path);
      directories_.insert(moved(path));
    }
    return Status::ok();
  }

  // REQUIRES: mutex_ is held.
  std::set<std::string> names_in(const std::string& directory) const {
    std::set<std::string> names;
    const auto visit = [&](const std::string& path) {
      if (path != "/" && parent_of(path) == directory)
        names.insert(path.substr(path.rfind('/') + 1));
    };
    for (const auto& [path, file] : files_) visit(path);
    for (const std::string& path : directories_) visit(path);
    return names;
  }

  Os& posix_ = posix_os();
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<File>> files_;
  std::set<std::string> directories_ = {"/"};
};

}  // namespace

std::unique_ptr<Os> make_memory_os() {
  return std::make_unique<MemoryOs>();
}

}  // namespace holdfast::os
