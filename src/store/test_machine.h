// TestMachine: a machine in memory with a store at "/s", opened as often as a test likes (each
// handle counts as a process of its own) and damaged behind its back. For tests of store/ only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "holdfast/store.h"
#include "store/open.h"
#include "store/superblock.h"

namespace holdfast::store {

class TestMachine {
 public:
  static StoreOptions small_store() {
    StoreOptions options;
    options.page_size_bytes = 512;
    options.segment_size_bytes = 16u << 10;
    options.helper_thread = false;
    options.deadline = std::chrono::milliseconds(2000);
    return options;
  }

  os::Os& os() { return *os_; }
  std::string path() const { return "/s"; }
  std::string data_path() const { return "/s/data"; }
  std::string log_path(uint64_t number) {
    return log::SegmentFiles(*os_, "/s/wal", 1).path(number);
  }

  Result<Store> try_open(const StoreOptions& options = small_store()) {
    return Store::open(*os_, path(), options);
  }
  Store open(const StoreOptions& options = small_store()) {
    auto store = try_open(options);
    CHECK(store.is_ok());
    return std::move(*store);
  }
  // The inside of a handle. Destroyed without closing it is a process that was killed.
  std::unique_ptr<Context> attach(const StoreOptions& options = small_store()) {
    auto opened = open_context(*os_, path(), options);
    CHECK(opened.is_ok());
    return std::move(opened->context);
  }
  // REQUIRES: no handle is open.
  void reboot() { CHECK(os_->remove("/s/shm").is_ok()); }

  std::string read(const std::string& file_path, uint64_t offset, uint64_t size) {
    auto file = os_->open(file_path, os::OpenMode::kReadWrite);
    CHECK(file.is_ok());
    std::string bytes(size, '\0');
    const auto count = (*file)->read_at(offset, bytes.data(), size);
    CHECK(count.is_ok());
    bytes.resize(*count);
    return bytes;
  }
  void write(const std::string& file_path, uint64_t offset, std::string_view bytes) {
    auto file = os_->open(file_path, os::OpenMode::kCreate);
    CHECK(file.is_ok());
    CHECK((*file)->write_at(offset, bytes).is_ok());
  }
  void flip(const std::string& file_path, uint64_t offset) {
    const char byte = read(file_path, offset, 1)[0];
    write(file_path, offset, std::string(1, static_cast<char>(byte ^ 0x10)));
  }
  std::optional<Meta> meta(int slot) {
    auto data = os_->open(data_path(), os::OpenMode::kReadWrite);
    CHECK(data.is_ok());
    const auto superblock = read_superblock(**data, data_path());
    CHECK(superblock.is_ok());
    return *read_meta(**data, *superblock, slot);
  }
  // REQUIRES: both slots hold a meta.
  Meta newest_meta() {
    const Meta first = meta(0).value();
    const Meta second = meta(1).value();
    return first.number > second.number ? first : second;
  }

 private:
  std::unique_ptr<os::Os> os_ = os::make_memory_os();
};

inline std::map<std::string, std::string> contents(Reader& reader) {
  std::map<std::string, std::string> all;
  Cursor cursor = reader.scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
  CHECK(cursor.status().is_ok());
  return all;
}
inline std::map<std::string, std::string> contents(Store& store) {
  auto snapshot = store.snapshot();
  CHECK(snapshot.is_ok());
  return contents(*snapshot);
}

}  // namespace holdfast::store
