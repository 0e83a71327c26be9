// What the kernel says of a process.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace holdfast::bench {

// A field of /proc/PROCESS/status ("self", or a process id) that is in KiB; 0 where there is none.
// RssAnon: memory that is the process's own, without mapped files.
inline uint64_t status_kib(const std::string& process, const std::string& field) {
  std::ifstream file("/proc/" + process + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stoull(line.substr(field.size() + 1));
  }
  return 0;
}

}  // namespace holdfast::bench
