#include "bench/files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace holdfast::bench {

StoreSize store_size(const Engine& engine, const Setup& setup) {
  constexpr double kBlock = 512;
  StoreSize size;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(setup.directory, error)) {
    struct stat status {};
    if (lstat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const double mb = static_cast<double>(status.st_blocks) * kBlock / 1e6;
    size.all_mb += mb;
    if (engine.is_data(entry.path().filename())) size.data_mb += mb;
  }
  return size;
}

double written_mb() {
  std::ifstream file("/proc/self/io");
  std::string name;
  double value = 0;
  while (file >> name >> value) {
    if (name == "write_bytes:") return value / 1e6;
  }
  return 0;
}

}  // namespace holdfast::bench
