#include "os/posix_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "os/posix_error.h"

namespace holdfast::os {
namespace {

// Private to the user, and to the group where the umask allows it: an agent's memory is not for
// every account of the machine.
constexpr mode_t kFileMode = 0660;
constexpr size_t kPiecesMax = IOV_MAX;
// One call's bytes decide how large the folios are that the page cache makes for them, and every
// later write to a folio, however small, walks all of its blocks: behind calls of 1 MiB an append
// of 300 bytes takes 1.0-1.5 us, behind calls of 16 KiB 0.55 us.
constexpr size_t kWriteBytesMax = 16u << 10;

template <typename Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class PosixMapping final : public Mapping {
 public:
  PosixMapping(char* data, size_t size) : fork_count_(Descriptor::fork_count()) {
    data_ = data;
    size_ = size;
  }
  ~PosixMapping() override {
    // A child does not have the mapping; something else may live at the address there.
    if (fork_count_ == Descriptor::fork_count()) munmap(data_, size_);
  }

 private:
  const uint32_t fork_count_;
};

struct flock byte_range(uint64_t first, uint64_t count, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(first);
  range.l_len = static_cast<off_t>(count);
  return range;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFile::open(const PosixPlace& place, OpenMode mode) {
  // A store opens its files for writing even to read them: on overlayfs that forces the copy-up,
  // without which a mapping would keep showing the lower layer's file for ever.
  int flags = (mode == OpenMode::kRead ? O_RDONLY : O_RDWR) | O_CLOEXEC;
  if (creates(mode)) flags |= O_CREAT;
  if (mode == OpenMode::kCreateExclusive) flags |= O_EXCL;
  return adopt(place.path, [&] {
    return retry_interrupted([&] { return openat(place.directory, place.name, flags, kFileMode); });
  });
}

Status PosixFile::error(const char* call) const {
  return error(call, errno);
}

Status PosixFile::error(const char* call, int error) const {
  if (error == EBADF && descriptor_.get() < 0) {
    return Status(StatusCode::kForked,
                  "the file was opened before fork(); open the store again in this process")
        .with_path(path_);
  }
  return posix_error(error, call, path_);
}

Result<size_t> PosixFile::read_at(uint64_t offset, char* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = retry_interrupted([&] {
      return pread(descriptor_.get(), out + done, size - done, static_cast<off_t>(offset + done));
    });
    if (count < 0) return error("read").with_offset(offset + done);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Status PosixFile::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = retry_interrupted([&] {
      return pwrite(descriptor_.get(), bytes.data(), std::min(bytes.size(), kWriteBytesMax),
                    static_cast<off_t>(offset));
    });
    if (count < 0) return error("write").with_offset(offset);
    if (count == 0) return error("write", EIO).with_offset(offset);
    bytes.remove_prefix(static_cast<size_t>(count));
    offset += static_cast<size_t>(count);
  }
  return Status::ok();
}

Status PosixFile::write_gather_at(uint64_t offset, std::span<const std::string_view> pieces) {
  struct iovec vectors[kPiecesMax];
  size_t next = 0;     // first piece not fully written
  size_t skipped = 0;  // bytes of it that are
  while (next < pieces.size()) {
    size_t count = 0;
    for (size_t room = kWriteBytesMax; room > 0 && count < kPiecesMax; ++count) {
      if (next + count == pieces.size()) break;
      const std::string_view piece =
          pieces[next + count].substr(count == 0 ? skipped : 0).substr(0, room);
      vectors[count] = {const_cast<char*>(piece.data()), piece.size()};
      room -= piece.size();
    }
    const ssize_t written = retry_interrupted([&] {
      return pwritev(descriptor_.get(), vectors, static_cast<int>(count),
                     static_cast<off_t>(offset));
    });
    if (written < 0) return error("write").with_offset(offset);
    size_t left = static_cast<size_t>(written);
    offset += left;
    while (next < pieces.size() && left >= pieces[next].size() - skipped) {
      left -= pieces[next].size() - skipped;
      skipped = 0;
      ++next;
    }
    skipped += left;
    if (written == 0 && next < pieces.size()) return error("write", EIO).with_offset(offset);
  }
  return Status::ok();
}

Status PosixFile::sync_data() {
  // Never repeated, also not after EINTR: a second call could report success for lost bytes.
  return fdatasync(descriptor_.get()) == 0 ? Status::ok() : error("fdatasync");
}

Status PosixFile::allocate(uint64_t offset, uint64_t size) {
  if (size == 0) return Status::ok();
  // Not posix_fallocate: where the file system cannot, libc reads and re-writes a byte of every
  // block and so undoes what another process writes meanwhile.
  const int result = retry_interrupted([&] {
    return fallocate(descriptor_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(size));
  });
  if (result == 0) return Status::ok();
  if (errno == EOPNOTSUPP || errno == ENOSYS) return fill_to(offset + size);
  return error("fallocate");
}

Status PosixFile::fill_to(uint64_t end) {
  HOLDFAST_ASSIGN(const FileInfo now, info());
  const std::string zeros(64 * 1024, '\0');
  for (uint64_t at = now.size_bytes; at < end; at += zeros.size()) {
    const size_t size = std::min<uint64_t>(zeros.size(), end - at);
    HOLDFAST_TRY(write_at(at, std::string_view(zeros).substr(0, size)));
  }
  return Status::ok();
}

Status PosixFile::truncate(uint64_t size) {
  const int result =
      retry_interrupted([&] { return ftruncate(descriptor_.get(), static_cast<off_t>(size)); });
  return result == 0 ? Status::ok() : error("truncate");
}

Result<FileInfo> PosixFile::info() {
  // Not the times: since Linux 6.13 asking for them makes the next write dirty the inode, which a
  // sync of another file then writes as well.
  struct statx found;
  if (statx(descriptor_.get(), "", AT_EMPTY_PATH, STATX_SIZE | STATX_INO, &found) != 0) {
    return error("statx");
  }
  return FileInfo{found.stx_size, makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
}

Result<bool> PosixFile::lock_try(uint64_t byte, LockKind kind) {
  struct flock range = byte_range(byte, 1, kind == LockKind::kShared ? F_RDLCK : F_WRLCK);
  const int result =
      retry_interrupted([&] { return fcntl(descriptor_.get(), F_OFD_SETLK, &range); });
  if (result == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return error("lock (F_OFD_SETLK)");
}

Status PosixFile::unlock(uint64_t byte) {
  struct flock range = byte_range(byte, 1, F_UNLCK);
  const int result =
      retry_interrupted([&] { return fcntl(descriptor_.get(), F_OFD_SETLK, &range); });
  return result == 0 ? Status::ok() : error("unlock (F_OFD_SETLK)");
}

Result<bool> PosixFile::lock_held_by_other(uint64_t first, uint64_t count) {
  CHECK(count > 0);  // 0 would mean: to the end of the file
  struct flock range = byte_range(first, count, F_WRLCK);
  const int result =
      retry_interrupted([&] { return fcntl(descriptor_.get(), F_OFD_GETLK, &range); });
  if (result != 0) return error("lock (F_OFD_GETLK)");
  return range.l_type != F_UNLCK;
}

Result<bool> PosixFile::lock_whole_try() {
  const int result = retry_interrupted([&] { return flock(descriptor_.get(), LOCK_EX | LOCK_NB); });
  if (result == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return error("lock (flock)");
}

Result<std::unique_ptr<Mapping>> PosixFile::map(size_t size, MapAccess access) {
  CHECK(size > 0);
  const int protection = access == MapAccess::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const data =
      mmap(nullptr, size, protection, MAP_SHARED | MAP_NORESERVE, descriptor_.get(), 0);
  if (data == MAP_FAILED) return error("mmap");
  auto mapping = std::make_unique<PosixMapping>(static_cast<char*>(data), size);
  if (madvise(data, size, MADV_DONTFORK) != 0) return error("madvise");
  return std::unique_ptr<Mapping>(std::move(mapping));
}

}  // namespace holdfast::os
