// The files of a whole store, log, pages and metas together, changed at any places and opened:
// the store is refused or read, checked and written to; what it says is a Status, never a crash.
// Where the input says so the log's and the metas' checksums are made right again.
#include <algorithm>
#include <map>

#include "base/check.h"
#include "base/crc32c.h"
#include "fuzz/target.h"
#include "holdfast/store.h"
#include "log/record.h"
#include "os/os.h"
#include "store/superblock.h"

namespace holdfast::fuzz {
namespace {

using Files = std::map<std::string, std::string>;

StoreOptions small() {
  StoreOptions options;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 8192;
  options.helper_thread = false;
  options.deadline = std::chrono::seconds(1);
  return options;
}

std::string read_file(os::Os& os, const std::string& path) {
  const auto file = os.open(path, os::OpenMode::kReadWrite);
  CHECK(file.is_ok());
  const auto info = (*file)->info();
  std::string bytes(info->size_bytes, '\0');
  const auto count = (*file)->read_at(0, bytes.data(), bytes.size());
  bytes.resize(*count);
  return bytes;
}

void write_file(os::Os& os, const std::string& path, std::string_view bytes) {
  const auto file = os.open(path, os::OpenMode::kCreate);
  CHECK(file.is_ok());
  CHECK((*file)->write_at(0, bytes).is_ok());
}

// Two checkpoints, a range deletion, a large value, and a log behind them.
Files make_files() {
  const auto os = os::make_memory_os();
  {
    auto store = Store::open(*os, "/store", small());
    CHECK(store.is_ok());
    for (int i = 0; i < 20; ++i) {
      const auto done = store->update([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(txn.put("key" + std::to_string(i % 7), std::string(i == 9 ? 1500 : 30, 'v')));
        HOLDFAST_TRY(txn.add("sum", i));
        HOLDFAST_TRY(txn.put_stamped("s/", "", "stamped"));
        return i % 8 == 7 ? txn.del_range({"key1", "key3"}) : Status::ok();
      });
      CHECK(done.is_ok());
      if (i == 5 || i == 11) CHECK(store->checkpoint().is_ok());
    }
  }
  Files files;
  files["/store/data"] = read_file(*os, "/store/data");
  const auto names = os->list("/store/wal");
  for (const std::string& name : *names) {
    files["/store/wal/" + name] = read_file(*os, "/store/wal/" + name);
  }
  return files;
}

void seal_log(std::string& bytes) {
  log::SegmentHeader segment;
  if (bytes.size() < sizeof(segment)) return;
  std::memcpy(&segment, bytes.data(), sizeof(segment));
  log::seal(segment);
  std::memcpy(bytes.data(), &segment, sizeof(segment));
  uint32_t previous = segment.prev_crc;
  for (size_t offset = sizeof(segment); offset + sizeof(log::RecordHeader) <= bytes.size();) {
    log::RecordHeader header;
    std::memcpy(&header, bytes.data() + offset, sizeof(header));
    if (header.type == 0) break;
    const uint64_t end = offset + sizeof(header) + header.payload_size;
    if (end > bytes.size()) break;
    header.payload_crc =
        crc32c(std::string_view(bytes).substr(offset + sizeof(header), header.payload_size));
    header.prev_header_crc = previous;
    log::seal(header, segment.salt);
    previous = header.header_crc;
    std::memcpy(bytes.data() + offset, &header, sizeof(header));
    offset += log::record_size(header.payload_size);
  }
}

void seal_metas(std::string& bytes) {
  for (size_t slot = 1; slot <= 2; ++slot) {
    store::Meta meta;
    if (bytes.size() < 512 * slot + sizeof(meta)) return;
    std::memcpy(&meta, bytes.data() + 512 * slot, sizeof(meta));
    meta.crc = crc32c({reinterpret_cast<const char*>(&meta), offsetof(store::Meta, crc)});
    std::memcpy(bytes.data() + 512 * slot, &meta, sizeof(meta));
  }
}

void change(Files& files, Input& input) {
  const uint64_t flags = input.number();
  while (!input.empty()) {
    auto file = files.begin();
    std::advance(file, static_cast<long>(input.number() % files.size()));
    std::string& bytes = file->second;
    if (bytes.empty()) continue;
    const uint64_t choice = input.number();
    size_t offset = input.number(3) % bytes.size();
    if (choice % 4 == 0) offset %= std::min<size_t>(bytes.size(), 4096);  // where much is decided
    if (choice == 255) {
      bytes.resize(offset);
      continue;
    }
    const std::string_view with = input.take(1 + choice / 4 % 16);
    bytes.replace(offset, std::min(with.size(), bytes.size() - offset), with);
  }
  for (auto& [path, bytes] : files) {
    if ((flags & 1) != 0 && path.ends_with(".wal")) seal_log(bytes);
    if ((flags & 2) != 0 && path.ends_with("/data")) seal_metas(bytes);
  }
}

void use(os::Os& os) {
  auto store = Store::open(os, "/store", small());
  if (!store) return;
  if (auto snapshot = store->snapshot()) {
    Cursor cursor = snapshot->scan(KeyRange::all());
    for (int i = 0; cursor.valid() && i < 10'000; ++i) cursor.next();
    (void)snapshot->get("key3");
  }
  (void)store->check();
  (void)store->put("key3", "again");
  (void)store->checkpoint();
}

void run(Input input) {
  static const Files made = make_files();
  Files files = made;
  change(files, input);
  const auto os = os::make_memory_os();
  CHECK(os->make_directories("/store/wal").is_ok());
  for (const auto& [path, bytes] : files) write_file(*os, path, bytes);
  use(*os);
}

}  // namespace
}  // namespace holdfast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::fuzz::run({data, size});
  return 0;
}
