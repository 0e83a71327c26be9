#include "care/read_only_os.h"

#include <algorithm>
#include <cstring>

namespace holdfast::care {
namespace {

// What a disk gives or refuses as a whole.
constexpr uint64_t kBlockSize = 4096;
constexpr size_t kUnreadableMax = 1000;

Status refuse(const std::string& path) {
  return Status(StatusCode::kReadOnly, "this tool changes nothing").with_path(path);
}

class ReadOnlyFile final : public os::ForwardingFile {
 public:
  ReadOnlyFile(std::string path, std::unique_ptr<os::File> file,
               std::shared_ptr<std::vector<Unreadable>> unreadable)
      : ForwardingFile(std::move(path), std::move(file)), unreadable_(std::move(unreadable)) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    auto count = file_->read_at(offset, out, size);
    if (count || count.status().code() != StatusCode::kIoError) return count;
    return read_blocks(offset, out, size);
  }
  Status write_at(uint64_t, std::string_view) override { return refuse(path_); }
  Status write_gather_at(uint64_t, std::span<const std::string_view>) override {
    return refuse(path_);
  }
  Status sync_data() override { return refuse(path_); }
  Status allocate(uint64_t, uint64_t) override { return refuse(path_); }
  Status truncate(uint64_t) override { return refuse(path_); }
  Result<bool> lock_try(uint64_t, os::LockKind) override { return refuse(path_); }
  Status unlock(uint64_t) override { return refuse(path_); }
  Result<bool> lock_whole_try() override { return refuse(path_); }
  Result<std::unique_ptr<os::Mapping>> map(size_t size, os::MapAccess access) override {
    if (access != os::MapAccess::kRead) return refuse(path_);
    return file_->map(size, access);
  }

 private:
  Result<size_t> read_blocks(uint64_t offset, char* out, size_t size) {
    HOLDFAST_ASSIGN(const os::FileInfo info, file_->info());
    if (offset >= info.size_bytes) return size_t{0};
    const uint64_t end = std::min<uint64_t>(offset + size, info.size_bytes);
    for (uint64_t at = offset; at < end;) {
      const uint64_t next = std::min(end, (at / kBlockSize + 1) * kBlockSize);
      char* block = out + (at - offset);
      const auto count = file_->read_at(at, block, next - at);
      const size_t got = count ? *count : 0;
      std::memset(block + got, 0, next - at - got);
      if (!count) note(at, next - at, count.status());
      at = next;
    }
    return static_cast<size_t>(end - offset);
  }
  void note(uint64_t offset, uint64_t size, const Status& status) {
    const bool known =
        std::any_of(unreadable_->begin(), unreadable_->end(), [&](const Unreadable& piece) {
          return piece.path == path_ && piece.offset / kBlockSize == offset / kBlockSize;
        });
    if (known || unreadable_->size() >= kUnreadableMax) return;
    unreadable_->push_back({path_, offset, size, std::string(status.message())});
  }

  const std::shared_ptr<std::vector<Unreadable>> unreadable_;
};

}  // namespace

Result<std::unique_ptr<os::File>> ReadOnlyOs::open(const std::string& path, os::OpenMode mode) {
  if (os::creates(mode)) return refuse(path);
  HOLDFAST_ASSIGN(auto file, os_.open(path, os::OpenMode::kRead));
  return std::unique_ptr<os::File>(
      std::make_unique<ReadOnlyFile>(path, std::move(file), unreadable_));
}

Status ReadOnlyOs::rename(const std::string& from, const std::string&) {
  return refuse(from);
}
Status ReadOnlyOs::remove(const std::string& path) {
  return refuse(path);
}
Status ReadOnlyOs::make_directories(const std::string& path) {
  return refuse(path);
}
Status ReadOnlyOs::sync_directory(const std::string& path) {
  return refuse(path);
}

}  // namespace holdfast::care
