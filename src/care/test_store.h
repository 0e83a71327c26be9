// TestStore: a store in memory whose files a test damages behind its back. For tests of care/ only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "care/store_files.h"
#include "holdfast/care.h"
#include "holdfast/store.h"
#include "os/os.h"

namespace holdfast::care {

class TestStore {
 protected:
  using Contents = std::map<std::string, std::string>;
  static constexpr uint32_t kPageSize = 512;

  static StoreOptions options() {
    StoreOptions options;
    options.page_size_bytes = kPageSize;
    options.segment_size_bytes = 16384;
    options.helper_thread = false;
    options.actor = "tester";
    return options;
  }
  Store open(const std::string& path = "/store") {
    auto store = Store::open(*os_, path, options());
    CHECK(store.is_ok());
    return std::move(*store);
  }
  static Contents contents(Store& store) {
    Contents all;
    Snapshot snapshot = std::move(*store.snapshot());
    Cursor cursor = snapshot.scan(KeyRange::all());
    for (; cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
    CHECK(cursor.status().is_ok());
    return all;
  }
  std::string read(const std::string& path) {
    auto file = os_->open(path, os::OpenMode::kRead);
    CHECK(file.is_ok());
    std::string bytes((*file)->info()->size_bytes, '\0');
    CHECK((*file)->read_at(0, bytes.data(), bytes.size()).is_ok());
    return bytes;
  }
  void write(const std::string& path, uint64_t offset, std::string_view bytes) {
    CHECK((*os_->open(path, os::OpenMode::kReadWrite))->write_at(offset, bytes).is_ok());
  }
  void flip(const std::string& path, uint64_t offset) {
    const std::string bytes = read(path);
    CHECK(offset < bytes.size());
    write(path, offset, std::string(1, static_cast<char>(bytes[offset] ^ 0x10)));
  }
  void damage_page(uint64_t pgno) { flip("/store/data", pgno * kPageSize + 100); }
  // Every file of the store but the control block, which is memory.
  Contents files() {
    Contents all;
    for (const char* directory : {"/store", "/store/wal"}) {
      const auto names = os_->list(directory);
      if (!names) continue;
      for (const std::string& name : *names) {
        const std::string path = std::string(directory) + "/" + name;
        if (name != "shm" && os_->open(path, os::OpenMode::kRead)) all[path] = read(path);
      }
    }
    return all;
  }
  std::string segment(uint64_t number) {
    return log::SegmentFiles(*os_, "/store/wal", 1).path(number);
  }

  std::vector<uint64_t> log_numbers() { return *log::SegmentFiles(*os_, "/store/wal", 1).list(); }

  std::vector<Row> rows_;
  RowSink sink() {
    rows_.clear();
    return [this](const Row& row) {
      rows_.push_back(row);
      return Status::ok();
    };
  }
  std::vector<Row> rows_of(const std::string& type) const {
    std::vector<Row> found;
    for (const Row& row : rows_) {
      if (row.type == type) found.push_back(row);
    }
    return found;
  }
  // The field's value as text; "" when there is none.
  static std::string field(const Row& row, const std::string& name) {
    for (const auto& [field_name, value] : row.fields) {
      if (field_name != name) continue;
      if (const auto* number = std::get_if<uint64_t>(&value)) return std::to_string(*number);
      if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
      return std::get<std::string>(value);
    }
    return {};
  }

  std::unique_ptr<os::Os> os_ = os::make_memory_os();
};

}  // namespace holdfast::care
