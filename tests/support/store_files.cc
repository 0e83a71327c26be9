#include "support/store_files.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace holdfast {

namespace fs = std::filesystem;

Store open_or_die(const std::string& path, const StoreOptions& options) {
  auto store = Store::open(path, options);
  if (!store) {
    std::fprintf(stderr, "open %s: %s\n", path.c_str(), store.status().to_string().c_str());
    std::abort();
  }
  return std::move(*store);
}

std::map<std::string, std::string> contents(Reader& reader) {
  std::map<std::string, std::string> all;
  Cursor cursor = reader.scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
  EXPECT_TRUE(cursor.status()) << cursor.status().to_string();
  return all;
}

std::map<std::string, std::string> contents(Store& store) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot) << snapshot.status().to_string();
  if (!snapshot) return {};
  return contents(*snapshot);
}

void expect_sound(Store& store) {
  auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(report->problems, testing::IsEmpty());
}

void reboot(const std::string& store_path) {
  fs::remove(store_path + "/shm");
}

std::map<std::string, std::string> files_below(const std::string& path) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    const std::string name = entry.path().string();
    if (entry.path().filename() == "shm") continue;
    if (entry.is_directory()) {
      all[name + "/"];
    } else {
      all[name] = read_file(name);
    }
  }
  return all;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(file.flush()) << path;
}

void overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(file.flush()) << path;
}

void flip_bit(const std::string& path, uint64_t offset) {
  const std::string bytes = read_file(path);
  ASSERT_LT(offset, bytes.size());
  overwrite(path, offset, std::string(1, static_cast<char>(bytes[offset] ^ 0x10)));
}

std::string segment_path(const std::string& store_path, uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof(name), "/wal/%020llu.wal", static_cast<unsigned long long>(number));
  return store_path + name;
}

}  // namespace holdfast
