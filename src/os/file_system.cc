#include "os/file_system.h"

#include <algorithm>
#include <array>

namespace holdfast::os {
namespace {

using enum FileSystemTrust;

struct KnownType {
  uint64_t type;
  std::string_view name;
  FileSystemTrust trust;
};

// Magic numbers as in <linux/magic.h> and the file systems' own headers.
constexpr std::array kKnownTypes = {
    KnownType{0xEF53, "ext4", kFull},  // ext2 and ext3 share it
    KnownType{0x58465342, "xfs", kFull},
    KnownType{0xF2F52010, "f2fs", kFull},
    KnownType{0x01021994, "tmpfs", kFull},  // as durable as memory
    KnownType{0x858458F6, "ramfs", kFull},
    KnownType{0x794C7630, "overlay", kFull},  // the upper directory decides durability
    KnownType{0x3153464A, "jfs", kFull},
    KnownType{0x52654973, "reiserfs", kFull},
    KnownType{0x9123683E, "btrfs", kCopyOnWrite},
    KnownType{0x2FC12FC1, "zfs", kCopyOnWrite},
    KnownType{0xCA451A4E, "bcachefs", kCopyOnWrite},
    KnownType{0x3434, "nilfs2", kCopyOnWrite},
    KnownType{0x01021997, "9p", kLies},
    KnownType{0x6969, "nfs", kLies},
    KnownType{0x517B, "smb", kLies},
    KnownType{0xFE534D42, "smb2", kLies},
    KnownType{0xFF534D42, "cifs", kLies},
    KnownType{0x00C36400, "ceph", kLies},
    KnownType{0x5346414F, "afs", kLies},
    KnownType{0x6B414653, "kafs", kLies},
    KnownType{0x73757245, "coda", kLies},
    KnownType{0x0BD00BD0, "lustre", kLies},
    KnownType{0x47504653, "gpfs", kLies},
    KnownType{0x7461636F, "ocfs2", kLies},
    KnownType{0x01161970, "gfs2", kLies},
    KnownType{0x786F4256, "vboxsf", kLies},
    KnownType{0xBACBACBC, "vmhgfs", kLies},
    KnownType{0x53464846, "wslfs", kRefused},  // WSL 1
};

// fuseblk is a local block device behind a local daemon (ntfs-3g): one kernel, one page cache.
constexpr std::array<std::string_view, 7> kTrustedNames = {"fuseblk", "ntfs3",   "exfat", "vfat",
                                                           "xfs",     "hfsplus", "udf"};

}  // namespace

bool file_system_needs_mount_name(uint64_t type) {
  return std::none_of(kKnownTypes.begin(), kKnownTypes.end(),
                      [&](const KnownType& known) { return known.type == type; });
}

FileSystem classify_file_system(uint64_t type, std::string_view mount_name) {
  for (const KnownType& known : kKnownTypes) {
    if (known.type == type) return {std::string(known.name), type, known.trust};
  }
  std::string_view name = mount_name;
  if (name.empty()) name = type == kFuseType ? "fuse" : "unknown";
  const bool trusted =
      std::find(kTrustedNames.begin(), kTrustedNames.end(), name) != kTrustedNames.end();
  return {std::string(name), type, trusted ? kFull : kLies};
}

namespace {

std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

// The mount table writes space, tab, newline and backslash as \ooo.
std::string decode_octal(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      decoded += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                   (text[i + 3] - '0'));
      i += 3;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

bool is_inside(std::string_view path, std::string_view mount_point) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) &&
         (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

std::string mount_name_of(std::string_view mountinfo, std::string_view path) {
  std::string name;
  size_t longest = 0;
  while (!mountinfo.empty()) {
    std::string_view line = take_until(mountinfo, '\n');
    // 36 35 98:0 /root /mount/point options [optional fields] - type source super-options
    for (int skipped = 0; skipped < 4; ++skipped) take_until(line, ' ');
    const std::string mount_point = decode_octal(take_until(line, ' '));
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos || mount_point.empty()) continue;
    line.remove_prefix(dash + 3);
    if (is_inside(path, mount_point) && mount_point.size() >= longest) {
      longest = mount_point.size();
      name = std::string(take_until(line, ' '));
    }
  }
  return name;
}

}  // namespace holdfast::os
