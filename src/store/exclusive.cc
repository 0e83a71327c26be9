#include "store/exclusive.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/crc32c.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kMarkerMagic = 0x31435845444c4f48;  // "HOLDEXC1"
constexpr uint64_t kMarkerFileSize = 4096;
constexpr uint64_t kPollUsMin = 500;
constexpr uint64_t kPollUsMax = 10'000;

// Stands in `shm` while a handle has the store for itself.
struct Marker {
  uint64_t magic = kMarkerMagic;
  std::array<char, 16> boot_id{};
  uint32_t trusted = 0;  // seen on a file system that can be trusted
  uint32_t crc = 0;      // of the bytes before it: nobody syncs this file, a power cut may tear it
};
static_assert(sizeof(Marker) == 32);

uint32_t crc_of(const Marker& marker) {
  return crc32c({reinterpret_cast<const char*>(&marker), offsetof(Marker, crc)});
}

constexpr const char* kAdvice =
    "put the store on a local file system (in a container: a named volume instead of a bind mount)";

std::string where(const os::FileSystem& file_system) {
  return "the directory lies on " + file_system.name +
         ", where locks and shared memory of two processes cannot be trusted";
}

bool lies(const os::FileSystem& file_system) {
  return file_system.trust == os::FileSystemTrust::kLies;
}

Status busy_alone(const Context& context, const os::FileSystem& file_system) {
  if (!lies(file_system)) {
    return Status(StatusCode::kBusy,
                  "another process has the store open, and this one asked to have it alone; close "
                  "it there and try again")
        .with_path(context.path);
  }
  return Status(StatusCode::kBusy, "another process has the store open, and " + where(file_system) +
                                       ", so one at a time may have it; close it there, or " +
                                       kAdvice)
      .with_path(context.path);
}

enum class Got : uint8_t { kLock, kNoLock, kNothingWorks };

// Byte 0 of LOCK. kNothingWorks: byte locks do nothing here.
Result<Got> lock_byte(Context& context, os::File& probe, bool trusted) {
  const auto locked = context.lock_file->lock_try(kAttachByte, os::LockKind::kExclusive);
  if (!locked) return trusted ? Result<Got>(locked.status()) : Got::kNothingWorks;
  if (!*locked) return Got::kNoLock;
  if (!trusted) {
    const auto seen = probe.lock_held_by_other(kAttachByte, 1);
    if (!seen || !*seen) return Got::kNothingWorks;
  }
  HOLDFAST_ASSIGN(const bool used, probe.lock_held_by_other(liveness_byte(0), kProcessSlots));
  if (!used) {
    // For the messages of those who are kept out.
    HOLDFAST_TRY(context.lock_file->lock_try(kExclusiveByte, os::LockKind::kExclusive).status());
    return Got::kLock;
  }
  HOLDFAST_TRY(context.lock_file->unlock(kAttachByte));
  return Got::kNoLock;
}

Result<Got> lock_whole(Context& context, os::File& probe) {
  const auto locked = context.lock_file->lock_whole_try();
  if (!locked) return Got::kNothingWorks;
  if (!*locked) return Got::kNoLock;
  const auto again = probe.lock_whole_try();
  return again && !*again ? Got::kLock : Got::kNothingWorks;
}

Status foreign(const Context& context, const char* who) {
  return Status(StatusCode::kUnsupported,
                std::string("another kernel (a virtual machine, a container runtime or a host that "
                            "shares the directory) seems to have the store open ") +
                    who +
                    "; close it there. If nobody has it open (it was killed), open and close it "
                    "there once more, or delete the file shm")
      .with_path(context.path);
}

std::string read_start(os::File& file, uint64_t size) {
  std::string bytes(size, '\0');
  const auto count = file.read_at(0, bytes.data(), size);
  bytes.resize(count ? *count : 0);
  return bytes;
}

// A control block of another boot in which somebody is attached: on a file system that lies the
// locks of those who wrote it may not reach this kernel.
bool somebody_attached(const Context& context, const std::string& bytes) {
  if (bytes.size() < sizeof(ControlBlock)) return false;
  // The block is made of words that may be copied one by one.
  std::vector<uint64_t> words(bytes.size() / 8);
  std::memcpy(words.data(), bytes.data(), words.size() * 8);
  const auto word = [&](size_t offset) { return words[offset / 8]; };
  const auto half = [&](size_t offset) {
    return static_cast<uint32_t>(words[offset / 8] >> (offset % 8 * 8));
  };
  const size_t header = offsetof(ControlBlock, header);
  if (half(header + offsetof(ControlHeader, initialized)) != 1 ||
      word(header + offsetof(ControlHeader, magic)) != kControlMagic ||
      word(header + offsetof(ControlHeader, layout)) != kControlLayout) {
    return false;
  }
  const std::array<char, 16> boot = context.os.boot_id();
  if (std::memcmp(bytes.data() + header + offsetof(ControlHeader, boot_id), boot.data(),
                  boot.size()) == 0) {
    return false;
  }
  for (uint32_t slot = 0; slot < kProcessSlots; ++slot) {
    const size_t line = offsetof(ControlBlock, processes) + slot * sizeof(ProcessSlot);
    if (half(line + offsetof(ProcessSlot, attached)) != 0) return true;
  }
  return false;
}

Result<std::optional<Marker>> read_marker(const Context& context) {
  auto file = context.os.open(context.control_path(), os::OpenMode::kReadWrite);
  if (!file) {
    if (file.status().code() == StatusCode::kNotFound) return std::optional<Marker>();
    return file.status();
  }
  HOLDFAST_ASSIGN(const os::FileInfo info, (*file)->info());
  const std::string bytes = read_start(**file, sizeof(Marker));
  Marker marker;
  if (info.size_bytes != kMarkerFileSize || bytes.size() < sizeof(marker)) {
    return std::optional<Marker>();
  }
  std::memcpy(&marker, bytes.data(), sizeof(marker));
  if (marker.magic != kMarkerMagic || marker.crc != crc_of(marker)) return std::optional<Marker>();
  return std::optional(marker);
}

// What the other kind of mount left under another boot may still be in use there; what this kind
// left is this machine's own past.
Status refuse_foreign(const Context& context, bool trusted) {
  HOLDFAST_ASSIGN(const std::optional<Marker> marker, read_marker(context));
  if (marker && marker->boot_id != context.os.boot_id() && (marker->trusted != 0) != trusted) {
    return foreign(context, "for itself alone");
  }
  if (marker || trusted) return Status::ok();
  auto file = context.os.open(context.control_path(), os::OpenMode::kReadWrite);
  if (!file) return file.status().code() == StatusCode::kNotFound ? Status::ok() : file.status();
  const std::string bytes = read_start(**file, sizeof(ControlBlock));
  return somebody_attached(context, bytes) ? foreign(context, "and shares it") : Status::ok();
}

Status remove_if_there(os::Os& os, const std::string& path) {
  Status status = os.remove(path);
  return status.code() == StatusCode::kNotFound ? Status::ok() : status;
}

}  // namespace

Result<SharingChoice> choose_sharing(os::Os& os, const std::string& path,
                                     const StoreOptions& options) {
  SharingChoice choice;
  HOLDFAST_ASSIGN(choice.file_system, os.file_system(path));
  const bool wanted = options.sharing == Sharing::exclusive;
  const bool refused = choice.file_system.trust == os::FileSystemTrust::kRefused;
  if (refused || (lies(choice.file_system) && options.sharing == Sharing::required)) {
    return Status(StatusCode::kUnsupported, where(choice.file_system) + "; " + kAdvice)
        .with_path(path);
  }
  choice.exclusive = wanted || lies(choice.file_system);
  return choice;
}

Status lock_alone(Context& context, const os::FileSystem& file_system) {
  const bool trusted = !lies(file_system);
  const Deadline deadline = context.deadline();
  HOLDFAST_ASSIGN(const auto probe, context.os.open(context.lock_path(), os::OpenMode::kReadWrite));
  for (uint64_t pause_us = kPollUsMin;; pause_us = std::min(2 * pause_us, kPollUsMax)) {
    HOLDFAST_ASSIGN(Got got, lock_byte(context, *probe, trusted));
    if (got == Got::kNothingWorks) {
      HOLDFAST_ASSIGN(got, lock_whole(context, *probe));
    }
    if (got == Got::kLock) break;
    if (got == Got::kNothingWorks) {
      return Status(StatusCode::kUnsupported,
                    where(file_system) +
                        ", and neither kind of file lock works there, so not even one process at "
                        "a time is safe; " +
                        kAdvice)
          .with_path(context.path);
    }
    if (deadline.passed()) return busy_alone(context, file_system);
    context.os.sleep_us(deadline.wait_us(pause_us));
  }
  context.exclusive = true;
  context.trusted = trusted;
  return refuse_foreign(context, trusted);
}

Status place_marker(Context& context) {
  HOLDFAST_TRY(remove_if_there(context.os, context.control_path()));
  HOLDFAST_ASSIGN(const auto file, context.os.open(context.control_path(), os::OpenMode::kCreate));
  Marker marker;
  marker.boot_id = context.os.boot_id();
  marker.trusted = context.trusted ? 1 : 0;
  marker.crc = crc_of(marker);
  std::string bytes(kMarkerFileSize, '\0');
  std::memcpy(bytes.data(), &marker, sizeof(marker));
  return file->write_at(0, bytes);
}

Status remove_marker(const Context& context) {
  return remove_if_there(context.os, context.control_path());
}

Status refuse_marked(const Context& context) {
  return refuse_foreign(context, true);
}

Status busy_attaching(const Context& context) {
  const auto alone = context.lock_file->lock_held_by_other(kExclusiveByte, 1);
  const char* what =
      alone && *alone ? "another process has the store open for itself alone; close it there, or "
                        "open it without Sharing::exclusive everywhere"
                      : "another process is creating or recovering the store; try again";
  return Status(StatusCode::kBusy, what).with_path(context.path);
}

}  // namespace holdfast::store
