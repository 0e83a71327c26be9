// What the figures were measured on, and how quiet it was meanwhile.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace holdfast::bench {

struct CpuUse {
  double own_seconds = 0;    // of the given processes, user and system
  double total_seconds = 0;  // of everything on the machine, all cores

  CpuUse operator-(const CpuUse& earlier) const {
    return {own_seconds - earlier.own_seconds, total_seconds - earlier.total_seconds};
  }
};

CpuUse cpu_use(const std::vector<pid_t>& processes);

double load_average();

// Median of 200-byte pwrite + fdatasync to a zero-filled file in `directory`, in microseconds,
// by one process that does nothing else for `seconds`.
double idle_sync_us(const std::string& directory, double seconds);

// The same for 0.4 seconds, after waiting (at most 15 seconds, 2 minutes for all cases) while it is
// over twice the least seen so far: a shared disk has slow spells, and an engine must not be judged
// by one.
double quiet_sync_us(const std::string& directory);
// From now on that takes 0.1 seconds and does not wait.
void be_hasty();

std::string file_system_name(const std::string& path);

// Lines for the head of the table: name and text.
using Header = std::vector<std::pair<std::string, std::string>>;
Header describe_machine(const std::string& directory);

}  // namespace holdfast::bench
