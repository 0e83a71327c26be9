// idle: the memory that a store costs a process that opened it, read one row, and does nothing.
#include <signal.h>

#include <fstream>
#include <map>

#include "bench/crew.h"
#include "bench/workloads/loaded_stores.h"
#include "bench/workloads/short_lives.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

// KiB by name, of files like /proc/PID/smaps_rollup and /proc/PID/status.
std::map<std::string, double> read_kib(const std::string& path) {
  std::map<std::string, double> figures;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || line.find(" kB") == std::string::npos) continue;
    figures[line.substr(0, colon)] = std::strtod(line.c_str() + colon + 1, nullptr);
  }
  return figures;
}

std::map<std::string, double> memory_of(const std::string& engine, const std::string& directory) {
  const pid_t process = start_idle(engine, directory);
  const std::string folder = "/proc/" + std::to_string(process);
  std::map<std::string, double> figures = read_kib(folder + "/smaps_rollup");
  figures.merge(read_kib(folder + "/status"));
  kill(process, SIGKILL);
  wait_for(process);
  return figures;
}

}  // namespace

Measurement measure_idle(const Case& which, LoadedStores& stores) {
  auto own = memory_of(which.engine.name(), stores.of(which.engine).folder.path());
  auto none = memory_of("none", ".");
  Measurement result;
  result.workload = "idle";
  result.processes = 1;
  result.figures = {{"anonymous_kib", own["Anonymous"] - none["Anonymous"]},
                    {"page_tables_kib", own["VmPTE"] - none["VmPTE"]},
                    {"private_kib", own["Private_Clean"] + own["Private_Dirty"] -
                                        none["Private_Clean"] - none["Private_Dirty"]},
                    {"proportional_kib", own["Pss"] - none["Pss"]},
                    {"resident_kib", own["Rss"] - none["Rss"]}};
  return result;
}

}  // namespace holdfast::bench
