#include "os/sim/disk_file.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/check.h"
#include "os/sim/area.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kPageSize = 4096;

uint64_t page_end(uint64_t size) {
  return (size + kPageSize - 1) / kPageSize * kPageSize;
}

}  // namespace

DiskFile::DiskFile(uint64_t inode, std::string kind)
    : inode_(inode),
      kind_(std::move(kind)),
      whole_area_(take_area(kind_)),
      area_(whole_area_.begin) {
  take_buffers();
}

DiskFile::DiskFile(const DiskFile& other)
    : error_sequence(other.error_sequence),
      error_seen(other.error_seen),
      inode_(other.inode_),
      kind_(other.kind_),
      whole_area_(take_area(kind_)),
      area_(whole_area_.begin),
      size_(other.size_),
      size_max_(other.size_max_),
      content_end_(other.content_end_),
      allocated_end_(other.allocated_end_),
      lost_count_(other.lost_count_),
      mapped_writable_(other.mapped_writable_),
      was_mapped_writable_(other.was_mapped_writable_) {
  CHECK(other.locks.empty());
  take_buffers();
  changes_ = other.changes_;
  bytes_ = other.bytes_;
  expose(std::max(size_max_, content_end_));
  // What is not accessible was cut off, and so is zeros.
  const uint64_t end = std::min(other.touched(), other.whole_area_.accessible_end);
  if (!was_mapped_writable_) {
    std::memcpy(area_, other.area_, end);
  } else {
    if (!other.extents_) other.extents_ = extents_of(other.whole_area_, end);
    for (const Extent& extent : *other.extents_) {
      std::memcpy(area_ + extent.begin, other.area_ + extent.begin, extent.end - extent.begin);
    }
  }
  if (other.traps_) trap_past_end();
}

DiskFile::~DiskFile() {
  stop_trapping();
  give_back_area(std::move(whole_area_), touched(), kind_);
  give_back_buffers();
}

// Never destroyed, as the areas.
std::vector<std::vector<DiskFile::Change>>& DiskFile::unused_changes() {
  static auto* const unused = new std::vector<std::vector<Change>>;
  return *unused;
}

std::vector<std::vector<char>>& DiskFile::unused_bytes() {
  static auto* const unused = new std::vector<std::vector<char>>;
  return *unused;
}

void DiskFile::take_buffers() {
  if (unused_bytes().empty()) return;
  changes_ = std::move(unused_changes().back());
  bytes_ = std::move(unused_bytes().back());
  unused_changes().pop_back();
  unused_bytes().pop_back();
}

void DiskFile::give_back_buffers() {
  clear_changes();
  unused_changes().push_back(std::move(changes_));
  unused_bytes().push_back(std::move(bytes_));
}

uint64_t DiskFile::touched() const {
  return was_mapped_writable_ ? size_max_ : content_end_;
}

size_t DiskFile::read(uint64_t offset, char* out, size_t size) const {
  if (offset >= size_) return 0;
  const size_t count = std::min<uint64_t>(size, size_ - offset);
  std::memcpy(out, area_ + offset, count);
  return count;
}

void DiskFile::write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  extents_.reset();
  const uint64_t end = offset + bytes.size();
  CHECK(end <= kAreaSize);
  expose(end);
  char* const target = area_ + offset;
  if (!mapped_writable_) {
    const size_t before = bytes_.size();
    bytes_.insert(bytes_.end(), target, target + bytes.size());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    changes_.push_back(
        {ChangeKind::kWrite, false, offset, bytes.size(), before, before + bytes.size()});
  }
  std::memcpy(target, bytes.data(), bytes.size());
  content_end_ = std::max(content_end_, end);
  if (offset <= allocated_end_) allocated_end_ = std::max(allocated_end_, end);
  if (end > size_) set_size(end);
}

void DiskFile::allocate(uint64_t offset, uint64_t size) {
  CHECK(offset + size <= kAreaSize);
  if (offset <= allocated_end_) allocated_end_ = std::max(allocated_end_, offset + size);
  if (offset + size <= size_) return;
  expose(offset + size);
  set_size(offset + size);
}

void DiskFile::resize(uint64_t size) {
  CHECK(size <= kAreaSize);
  if (size == size_) return;
  extents_.reset();
  if (size < size_) {
    const uint64_t end = std::min(size_, touched());
    if (size < end && !mapped_writable_) {
      const size_t before = bytes_.size();
      bytes_.insert(bytes_.end(), area_ + size, area_ + end);
      changes_.push_back({ChangeKind::kCut, false, size, end - size, before, 0});
    }
    if (size < end) clear_area(whole_area_, size, end);
    allocated_end_ = std::min(allocated_end_, size);
    conceal(size);
  } else {
    expose(size);
  }
  set_size(size);
}

void DiskFile::set_size(uint64_t size) {
  changes_.push_back({ChangeKind::kSize, false, size_, size, 0, 0});
  size_ = size;
  size_max_ = std::max(size_max_, size);
}

void DiskFile::map_writable() {
  extents_.reset();
  mapped_writable_ = true;
  was_mapped_writable_ = true;
}

void DiskFile::trap_past_end() {
  if (traps_) return;
  traps_ = true;
  conceal(size_);
}

// The boundary stays with the area, for the file that has it next: moving it is a system call.
void DiskFile::expose(uint64_t end) {
  end = page_end(end);
  if (end <= whole_area_.accessible_end) return;
  set_accessible(area_ + whole_area_.accessible_end, end - whole_area_.accessible_end, true);
  whole_area_.accessible_end = end;
}

void DiskFile::conceal(uint64_t end) {
  end = page_end(end);
  if (!traps_ || end >= whole_area_.accessible_end) return;
  set_accessible(area_ + end, whole_area_.accessible_end - end, false);
  whole_area_.accessible_end = end;
}

void DiskFile::stop_trapping() {
  expose(std::max(size_max_, content_end_));
  traps_ = false;
}

void DiskFile::clear_changes() {
  changes_.clear();
  bytes_.clear();
  lost_count_ = 0;
}

void DiskFile::split_into_sectors() {
  std::vector<Change> pieces;
  pieces.reserve(changes_.size());
  for (Change left : changes_) {
    while (left.kind == ChangeKind::kWrite &&
           left.offset / kSectorSize != (left.offset + left.size - 1) / kSectorSize) {
      Change piece = left;
      piece.size = kSectorSize - left.offset % kSectorSize;
      pieces.push_back(piece);
      left.offset += piece.size;
      left.size -= piece.size;
      left.before += piece.size;
      left.after += piece.size;
    }
    pieces.push_back(left);
  }
  changes_ = std::move(pieces);
}

void DiskFile::keep_if(const std::vector<bool>& kept) {
  size_t count = 0;
  lost_count_ = 0;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (!kept[i]) continue;
    lost_count_ += changes_[i].lost ? 1 : 0;
    changes_[count++] = changes_[i];
  }
  changes_.resize(count);
  if (changes_.empty()) clear_changes();
}

// Where shrinking began to discard content; what was lost beyond it is of no interest any more.
uint64_t DiskFile::cut_begin() const {
  uint64_t begin = kAreaSize;
  for (const Change& change : changes_) {
    if (change.kind == ChangeKind::kCut) begin = std::min(begin, change.offset);
  }
  return begin;
}

std::vector<bool> DiskFile::stay_lost() const {
  std::unordered_set<uint64_t> dirty;
  for (const Change& change : changes_) {
    if (change.kind == ChangeKind::kWrite && !change.lost) dirty.insert(sector_of(change));
  }
  const uint64_t cut = cut_begin();
  std::vector<bool> result(changes_.size(), false);
  for (size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    result[i] = change.lost && change.offset < cut && dirty.count(sector_of(change)) == 0;
  }
  return result;
}

void DiskFile::sync() {
  if (lost_count_ == 0) return clear_changes();
  split_into_sectors();
  keep_if(stay_lost());
}

void DiskFile::fail_sync(Random& random) {
  const bool partly = random.chance(0.33) && cut_begin() == kAreaSize;
  std::vector<bool> kept(changes_.size(), true);
  if (partly) {
    split_into_sectors();
    kept.assign(changes_.size(), true);
    std::unordered_set<uint64_t> written;
    std::unordered_set<uint64_t> seen;
    for (const Change& change : changes_) {
      if (change.kind != ChangeKind::kWrite || change.lost) continue;
      if (seen.insert(sector_of(change)).second && random.chance(0.5)) {
        written.insert(sector_of(change));
      }
    }
    for (size_t i = 0; i < changes_.size(); ++i) {
      kept[i] =
          changes_[i].kind != ChangeKind::kWrite || written.count(sector_of(changes_[i])) == 0;
    }
  }
  for (Change& change : changes_) {
    if (change.kind == ChangeKind::kWrite) change.lost = true;
  }
  keep_if(kept);
}

void DiskFile::evict() {
  if (lost_count_ == 0) return;
  extents_.reset();
  split_into_sectors();
  std::vector<bool> kept = stay_lost();
  kept.flip();
  for (size_t i = changes_.size(); i-- > 0;) {
    if (!kept[i])
      std::memcpy(area_ + changes_[i].offset, &bytes_[changes_[i].before], changes_[i].size);
  }
  keep_if(kept);
}

}  // namespace holdfast::sim
