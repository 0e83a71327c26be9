// PosixFile: File on a kernel descriptor. See os/os.h for the contract.
//
// Who: PosixOs, AnchoredOs and MemoryOs. Any thread.
// Invariants:
//   1. In a forked child every call returns kForked; the descriptor is already closed there.
//   2. A mapping outlives the file it came from, and is not there in a forked child.
#pragma once

#include <memory>
#include <string>

#include "os/descriptor.h"
#include "os/os.h"
#include "os/posix_place.h"

namespace holdfast::os {

class PosixFile final : public File {
 public:
  static Result<std::unique_ptr<File>> open(const PosixPlace& place, OpenMode mode);

  // A file on the descriptor that `open_call` returns (-1 with errno set on failure); `name` is
  // for messages.
  template <typename Open>
  static Result<std::unique_ptr<File>> adopt(std::string name, Open open_call) {
    std::unique_ptr<PosixFile> file(new PosixFile(std::move(name)));
    if (!file->descriptor_.open(open_call)) return file->error("open");
    return std::unique_ptr<File>(std::move(file));
  }

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override;
  Status write_at(uint64_t offset, std::string_view bytes) override;
  Status write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) override;
  Status sync_data() override;
  Status allocate(uint64_t offset, uint64_t size) override;
  Status truncate(uint64_t size) override;
  Result<FileInfo> info() override;
  Result<bool> lock_try(uint64_t byte, LockKind kind) override;
  Status unlock(uint64_t byte) override;
  Result<bool> lock_held_by_other(uint64_t first, uint64_t count) override;
  Result<bool> lock_whole_try() override;
  Result<std::unique_ptr<Mapping>> map(size_t size, MapAccess access) override;

  int descriptor() const { return descriptor_.get(); }

 private:
  explicit PosixFile(std::string path) : path_(std::move(path)) {}

  // The failed call's errno as a Status.
  Status error(const char* call) const;
  Status error(const char* call, int error) const;
  // Where the file system cannot reserve space: writes zeros past the end of the file.
  Status fill_to(uint64_t end);

  const std::string path_;
  Descriptor descriptor_;
};

}  // namespace holdfast::os
