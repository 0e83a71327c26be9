// What /proc says about processes and the boot. For messages, and for telling boots apart.
//
// Who: PosixOs. Any thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "os/os.h"

namespace holdfast::os {

// The 16 bytes of a UUID in its usual text form; nullopt when it is not one.
std::optional<std::array<char, 16>> parse_uuid(std::string_view text);

struct ProcessStat {
  char state = '?';
  uint64_t start_ticks = 0;
};
// The text of /proc/<pid>/stat; nullopt when it does not look like one.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// "" when the file cannot be read; at most `size_max` bytes.
std::string read_small_file(const char* path, size_t size_max);

ProcessIdentity read_own_identity();
std::string describe(const ProcessIdentity& process, const ProcessIdentity& own);

}  // namespace holdfast::os
