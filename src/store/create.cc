#include "store/create.h"

#include <algorithm>
#include <bit>

#include "log/record.h"
#include "log/segment.h"
#include "store/superblock.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kFirstSegment = 1;

Status check_format(const StoreOptions& options) {
  const uint32_t page_size = options.page_size_bytes;
  if (!std::has_single_bit(page_size) || page_size < tree::kPageSizeMin ||
      page_size > tree::kPageSizeMax) {
    return Status(StatusCode::kInvalidArgument,
                  "page_size_bytes must be a power of two from 512 to 16384");
  }
  const uint32_t segment_size = options.segment_size_bytes;
  if (segment_size < kSegmentSizeMin || segment_size > kSegmentSizeMax) {
    return Status(StatusCode::kInvalidArgument, "segment_size_bytes must be 8 KiB to 1 GiB");
  }
  return Status::ok();
}

Status create_log(os::Os& os, const std::string& directory, const Superblock& superblock,
                  const Beginning& beginning) {
  HOLDFAST_TRY(os.make_directories(directory));
  log::SegmentFiles files(os, directory, superblock.segment_capacity_max);
  HOLDFAST_ASSIGN(const std::vector<uint64_t> leftovers, files.list());
  for (const uint64_t number : leftovers) HOLDFAST_TRY(files.remove(number));
  HOLDFAST_TRY(files.prepare(kFirstSegment, files.capacity(kFirstSegment)));
  HOLDFAST_ASSIGN(auto segment, files.open(kFirstSegment));
  log::SegmentHeader header;
  header.store_id = superblock.store_id;
  header.segment = kFirstSegment;
  header.start_version = beginning.version;
  header.epoch = 1;
  os.random_bytes(reinterpret_cast<char*>(&header.salt), sizeof(header.salt));
  header.created_us = superblock.created_us;
  header.capacity = static_cast<uint32_t>(segment->capacity());
  log::seal(header);
  HOLDFAST_TRY(
      segment->file().write_at(0, {reinterpret_cast<const char*>(&header), sizeof(header)}));
  return segment->file().sync_data();
}

Status create_data(os::Os& os, const std::string& path, const Superblock& superblock,
                   const Beginning& beginning) {
  HOLDFAST_ASSIGN(auto data, os.open(path, os::OpenMode::kCreate));
  HOLDFAST_TRY(data->truncate(0));
  HOLDFAST_TRY(data->truncate(uint64_t{kFirstPage} << superblock.page_shift));
  HOLDFAST_TRY(write_superblock(*data, superblock));
  PublishedRoot empty;
  empty.lsn = log::make_lsn(kFirstSegment, log::kSegmentHeaderSize);
  empty.version = beginning.version;
  empty.time_us = beginning.time_us;
  empty.epoch = 1;
  Meta meta = meta_of(empty, superblock.store_id, 0);
  meta.file_pages = kFirstPage;
  meta.written_us = superblock.created_us;
  HOLDFAST_TRY(write_meta(*data, superblock.page_shift, meta));
  return data->sync_data();
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<PathState> inspect_path(os::Os& os, const std::string& path) {
  const auto names = os.list(path);
  if (!names) {
    if (names.status().code() == StatusCode::kNotFound) return PathState::kAbsent;
    if (names.status().code() == StatusCode::kInvalidArgument) return PathState::kForeign;
    return names.status();
  }
  bool store = false;
  bool foreign = false;
  for (const std::string& name : *names) {
    if (name == "data") {
      store = true;
    } else if (name != "LOCK" && name != "wal" && name != "data.new" && name != "shm" &&
               name != "shm.new") {
      foreign = true;
    }
  }
  if (store) return PathState::kStore;
  return foreign ? PathState::kForeign : PathState::kEmpty;
}

std::optional<std::string> unfinished_salvage(os::Os& os, const std::string& path) {
  for (const std::string& place : {path, path + kSalvageSuffix}) {
    const auto names = os.list(place);
    if (!names || std::find(names->begin(), names->end(), kSalvageMark) == names->end()) continue;
    return "a salvage that has not finished lies in " + place +
           "; if it does not run any more, run holdfast salvage again with the same paths, which "
           "begins anew, or remove that directory";
  }
  return std::nullopt;
}

Status create_store(os::Os& os, const std::string& path, const StoreOptions& options,
                    const Beginning& beginning) {
  HOLDFAST_TRY(check_format(options));
  Superblock superblock;
  superblock.page_shift = static_cast<uint32_t>(std::countr_zero(options.page_size_bytes));
  superblock.segment_capacity_max = options.segment_size_bytes;
  superblock.features_required = kFeatureOperations;
  superblock.created_us = os.wall_time_us();
  os.random_bytes(superblock.store_id.data(), superblock.store_id.size());
  if (beginning.store_id) superblock.store_id = *beginning.store_id;
  HOLDFAST_TRY(create_log(os, path + "/wal", superblock, beginning));
  HOLDFAST_TRY(create_data(os, path + "/data.new", superblock, beginning));
  HOLDFAST_TRY(os.sync_directory(path));
  return os.rename(path + "/data.new", path + "/data");
}

Status sync_entries(os::Os& os, const std::string& path) {
  HOLDFAST_TRY(os.sync_directory(path));
  return os.sync_directory(parent_of(path));
}

}  // namespace holdfast::store
