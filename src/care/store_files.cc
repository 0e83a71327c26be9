#include "care/store_files.h"

#include <algorithm>
#include <cstring>

#include "log/record.h"
#include "store/create.h"
#include "tree/page.h"

namespace holdfast::care {
namespace {

constexpr uint32_t kPageShiftMin = 9;
constexpr uint32_t kPageShiftMax = 14;
static_assert(1u << kPageShiftMin == tree::kPageSizeMin);
static_assert(1u << kPageShiftMax == tree::kPageSizeMax);
constexpr uint64_t kSegmentCapacityMax = 16u << 20;  // matters only for making segments
constexpr uint64_t kPagesTried = 4096;

bool equal(const os::Shared<uint64_t> (&words)[2], const std::array<char, 16>& bytes) {
  uint64_t expected[2];
  std::memcpy(expected, bytes.data(), sizeof(expected));
  return words[0].load() == expected[0] && words[1].load() == expected[1];
}

}  // namespace

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

Result<std::unique_ptr<StoreFiles>> StoreFiles::open(os::Os& os, const std::string& path) {
  std::unique_ptr<StoreFiles> files(new StoreFiles(os, path));
  const auto names = files->os_.list(path);
  if (!names && names.status().code() != StatusCode::kNotFound &&
      names.status().code() != StatusCode::kInvalidArgument) {
    return names.status();
  }
  files->data_status_ = files->open_data();
  files->open_log();
  if (files->data_ == nullptr && files->segment_numbers_.empty()) {
    if (const auto salvage = store::unfinished_salvage(files->os_, path)) {
      return Status(StatusCode::kNotAStore, *salvage).with_path(path);
    }
    return Status(StatusCode::kNotAStore,
                  "neither the data file nor a log segment of a store is there; give the path of a "
                  "store (" +
                      std::string(files->data_status_.message()) + ")")
        .with_path(path);
  }
  files->find_format();
  if (auto lock_file = files->os_.open(path + "/LOCK", os::OpenMode::kRead)) {
    files->lock_file_ = std::move(*lock_file);
  }
  files->open_control();
  return files;
}

Status StoreFiles::open_data() {
  HOLDFAST_ASSIGN(data_, os_.open(data_path(), os::OpenMode::kRead));
  HOLDFAST_ASSIGN(const os::FileInfo info, data_->info());
  data_bytes_ = info.size_bytes;
  return Status::ok();
}

void StoreFiles::open_log() {
  segments_ = std::make_unique<log::SegmentFiles>(os_, path_ + "/wal", kSegmentCapacityMax);
  auto numbers = segments_->list();
  log_status_ = numbers.status();
  if (numbers) segment_numbers_ = std::move(*numbers);
}

void StoreFiles::find_format() {
  if (data_ == nullptr) {
    superblock_status_ = data_status_;
    return format_of_log();
  }
  auto superblock = store::read_superblock(*data_, data_path());
  superblock_status_ = superblock.status();
  if (superblock) {
    superblock_ = *superblock;
    page_shift_ = superblock->page_shift;
    store_id_ = superblock->store_id;
    format_origin_ = "superblock";
    format_of_metas();
    return;
  }
  if (format_of_metas()) return;
  format_of_log();
  guess_page_size();
}

// Reads the metas. Without a superblock: at every place where they can lie.
bool StoreFiles::format_of_metas() {
  const uint32_t first = superblock_ ? page_shift_ : kPageShiftMin;
  const uint32_t last = superblock_ ? page_shift_ : kPageShiftMax;
  for (uint32_t shift = first; shift <= last; ++shift) {
    bool found = false;
    std::array<MetaSlot, 2> slots;
    for (int slot = 0; slot < 2; ++slot) {
      store::Meta raw;
      const uint64_t offset = static_cast<uint64_t>(1 + slot) << shift;
      const auto size = data_->read_at(offset, reinterpret_cast<char*>(&raw), sizeof(raw));
      if (!size || *size < sizeof(raw)) continue;
      slots[slot].blank = all_zero({reinterpret_cast<const char*>(&raw), sizeof(raw)});
      store::Superblock assumed;
      assumed.page_shift = shift;
      assumed.store_id = store_id_.value_or(raw.store_id);
      const auto meta = store::read_meta(*data_, assumed, slot);
      if (!meta || !*meta) continue;
      slots[slot].meta = **meta;
      found = true;
    }
    if (superblock_ || found) metas_ = slots;
    if (!found || superblock_) continue;
    page_shift_ = shift;
    store_id_ = (slots[0].meta ? slots[0] : slots[1]).meta->store_id;
    format_origin_ = "meta";
    return true;
  }
  return superblock_.has_value();
}

// The identity that the newest intact segment header names.
void StoreFiles::format_of_log() {
  for (auto number = segment_numbers_.rbegin(); number != segment_numbers_.rend(); ++number) {
    const auto segment = segments_->open(*number);
    if (!segment || !log::segment_header_valid((*segment)->header())) continue;
    store_id_ = (*segment)->header().store_id;
    format_origin_ = "log";
    return;
  }
}

// Pages name their number: the page size under which most of them do.
void StoreFiles::guess_page_size() {
  uint64_t best = 0;
  for (uint32_t shift = kPageShiftMin; shift <= kPageShiftMax; ++shift) {
    const uint64_t pages = std::min(data_bytes_ >> shift, kPagesTried);
    std::string page(1ull << shift, '\0');
    uint64_t fitting = 0;
    for (uint64_t pgno = store::kFirstPage; pgno < pages; ++pgno) {
      const auto size = data_->read_at(pgno << shift, page.data(), page.size());
      if (!size || *size < page.size()) break;
      const auto number = static_cast<uint32_t>(pgno);
      if (tree::validate_page(page.data(), 1u << shift, number).empty()) ++fitting;
    }
    if (fitting <= best) continue;
    best = fitting;
    page_shift_ = shift;
    format_origin_ = "guess";
  }
}

std::vector<store::Meta> StoreFiles::valid_metas() const {
  std::vector<store::Meta> valid;
  for (const MetaSlot& slot : metas_) {
    if (slot.meta) valid.push_back(*slot.meta);
  }
  std::sort(valid.begin(), valid.end(),
            [](const store::Meta& a, const store::Meta& b) { return a.number > b.number; });
  return valid;
}

Result<std::string> StoreFiles::read_page(uint64_t pgno) {
  std::string page(page_size(), '\0');
  HOLDFAST_ASSIGN(const size_t size, data_->read_at(pgno << page_shift_, page.data(), page.size()));
  page.resize(size);
  return page;
}

// Empty, or why the control block cannot be read.
std::string StoreFiles::map_control() {
  auto file = os_.open(path_ + "/shm", os::OpenMode::kRead);
  if (!file) {
    return file.status().code() == StatusCode::kNotFound ? "there is none"
                                                         : file.status().to_string();
  }
  const auto info = (*file)->info();
  if (!info) return info.status().to_string();
  if (info->size_bytes != store::kControlFileSize) {
    return "its size is " + std::to_string(info->size_bytes) + " bytes, that of this version is " +
           std::to_string(store::kControlFileSize);
  }
  auto map = (*file)->map(store::kControlFileSize, os::MapAccess::kRead);
  if (!map) return map.status().to_string();
  const auto* block = reinterpret_cast<const store::ControlBlock*>((*map)->data());
  if (block->header.initialized.load() != 1) return "it was not finished";
  if (block->header.magic.load() != store::kControlMagic ||
      block->header.layout.load() != store::kControlLayout) {
    return "another version of Holdfast made it";
  }
  control_file_ = std::move(*file);
  control_map_ = std::move(*map);
  control_ = block;
  return {};
}

void StoreFiles::open_control() {
  control_problem_ = map_control();
  if (control_ == nullptr) return;
  const store::ControlHeader& header = control_->header;
  control_of_this_boot_ = equal(header.boot_id, os_.boot_id());
  if (data_ == nullptr) return;
  const auto info = data_->info();
  control_of_this_data_ =
      info && header.data_device.load() == info->device && header.data_inode.load() == info->inode;
}

std::string_view StoreFiles::region(const store::Region& region) const {
  return {control_map_->data() + region.offset, region.size};
}

std::optional<bool> StoreFiles::alive(uint32_t slot) {
  if (lock_file_ == nullptr) return std::nullopt;
  const auto held = lock_file_->lock_held_by_other(store::liveness_byte(slot), 1);
  if (!held) return std::nullopt;
  return *held;
}

bool StoreFiles::in_use() {
  if (lock_file_ == nullptr) return false;
  // The attach lock too: who has the store for itself alone holds that one.
  const auto held = lock_file_->lock_held_by_other(store::kAttachByte,
                                                   store::kExclusiveByte - store::kAttachByte + 1);
  return held && *held;
}

std::string StoreFiles::describe_slot(uint32_t slot) {
  if (control_ == nullptr || slot >= store::kProcessSlots) return "an unknown process";
  const store::ProcessSlot& line = control_->processes[slot];
  os::ProcessIdentity process;
  process.pid = static_cast<uint32_t>(line.pid.load());
  process.start_ticks = line.start_ticks.load();
  process.pid_namespace_inode = line.pid_namespace_inode.load();
  return os_.describe_process(process);
}

}  // namespace holdfast::care
