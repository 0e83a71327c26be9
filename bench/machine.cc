#include "bench/machine.h"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/sync_counter.h"

namespace holdfast::bench {
namespace {

bool hasty = false;

double process_cpu_seconds(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double machine_cpu_seconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0;
  double nice = 0;
  double system = 0;
  file >> name >> user >> nice >> system;
  return (user + nice + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

}  // namespace

CpuUse cpu_use(const std::vector<pid_t>& processes) {
  CpuUse use;
  for (pid_t process : processes) use.own_seconds += process_cpu_seconds(process);
  use.total_seconds = machine_cpu_seconds();
  return use;
}

double load_average() {
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

double idle_sync_us(const std::string& directory, double seconds) {
  constexpr size_t kRecord = 200;
  constexpr size_t kFileSize = 1 << 20;
  const auto duration_ns_max = static_cast<uint64_t>(seconds * 1e9);
  const std::string path = directory + "/idle_sync";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  require(fd >= 0, "cannot create " + path);
  const std::string zeros(kFileSize, '\0');
  require(pwrite(fd, zeros.data(), zeros.size(), 0) == static_cast<ssize_t>(zeros.size()) &&
              fsync(fd) == 0,
          "cannot write " + path);
  const std::string record(kRecord, 'x');
  const auto durations = std::make_unique<Histogram>();
  const uint64_t first_ns = monotonic_ns();
  for (uint64_t i = 0, now_ns = first_ns; now_ns < first_ns + duration_ns_max; ++i) {
    const uint64_t offset = i * kRecord % (kFileSize - kRecord);
    const bool ok = pwrite(fd, record.data(), kRecord, static_cast<off_t>(offset)) ==
                        static_cast<ssize_t>(kRecord) &&
                    fdatasync(fd) == 0;
    require(ok, "cannot write and sync " + path);
    const uint64_t end_ns = monotonic_ns();
    durations->record(end_ns - now_ns);
    now_ns = end_ns;
  }
  close(fd);
  return static_cast<double>(durations->percentile_ns(0.5)) / 1000;
}

void be_hasty() {
  hasty = true;
}

double quiet_sync_us(const std::string& directory) {
  if (hasty) return idle_sync_us(directory, 0.1);
  // Some disks are quicker in a short burst than in the long run, which is what workers see.
  constexpr double kSeconds = 0.4;
  constexpr int kWaitsMax = 15;
  constexpr int kWaitsOfAllCasesMax = 120;
  static int waits_of_all_cases = 0;
  static double least_us = idle_sync_us(directory, kSeconds);
  double now_us = idle_sync_us(directory, kSeconds);
  for (int i = 0; i < kWaitsMax && now_us > 2 * least_us; ++i) {
    if (++waits_of_all_cases > kWaitsOfAllCasesMax) break;
    sleep(1);
    now_us = idle_sync_us(directory, kSeconds);
  }
  least_us = std::min(least_us, now_us);
  return now_us;
}

std::string file_system_name(const std::string& path) {
  char resolved[4096];
  const std::string full = realpath(path.c_str(), resolved) != nullptr ? resolved : path;
  std::ifstream mounts("/proc/self/mounts");
  std::string best = "unknown";
  size_t best_size = 0;
  std::string device;
  std::string point;
  std::string type;
  std::string rest;
  while (mounts >> device >> point >> type && std::getline(mounts, rest)) {
    const std::string folder = point == "/" ? "/" : point + "/";
    if ((full + "/").rfind(folder, 0) == 0 && folder.size() >= best_size) {
      best = type + " on " + device + " (" + rest.substr(1, rest.find(' ', 1) - 1) + ")";
      best_size = folder.size();
    }
  }
  return best;
}

Header describe_machine(const std::string& directory) {
  utsname system{};
  uname(&system);
  const unsigned cores = std::thread::hardware_concurrency();
  char date[32];
  const time_t now = time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
  std::ostringstream memory;
  memory << static_cast<double>(sysconf(_SC_PHYS_PAGES)) *
                static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 30);
  return {{"machine", processor_name() + ", " + std::to_string(cores) + " cores, " +
                          memory.str().substr(0, 4) + " GiB"},
          {"kernel", std::string(system.sysname) + " " + system.release},
          {"file system", file_system_name(directory)},
          {"compiler", HOLDFAST_BENCH_COMPILER},
          {"date", date}};
}

}  // namespace holdfast::bench
