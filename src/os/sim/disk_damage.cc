// What a power cut does to one file: the second half of DiskFile.
#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "os/sim/area.h"
#include "os/sim/disk_file.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kDamageSize = 4096;
constexpr uint64_t kDamagedPagesMax = 64;  // of a mapped file: its start is what is looked at

}  // namespace

void DiskFile::cut_power(Random& random, const Damage& damage) {
  stop_trapping();
  extents_.reset();
  if (was_mapped_writable_) return damage_mapped(random);
  split_into_sectors();
  const std::vector<Fate> fates = choose(random, damage.loss);
  undo_changes();
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (fates[i] == Fate::kKept) apply(changes_[i]);
    if (fates[i] == Fate::kTorn) tear(changes_[i], random, damage.powersafe_overwrite);
  }
  if (size_ < content_end_) std::memset(area_ + size_, 0, content_end_ - size_);
  content_end_ = std::min(content_end_, size_);
  allocated_end_ = std::min(allocated_end_, size_);
  clear_changes();
}

void DiskFile::undo_changes() {
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    if (change.kind == ChangeKind::kSize) {
      size_ = change.offset;
    } else {
      std::memcpy(area_ + change.offset, &bytes_[change.before], change.size);
    }
  }
}

void DiskFile::apply(const Change& change) {
  switch (change.kind) {
    case ChangeKind::kSize:
      size_ = change.size;
      break;
    case ChangeKind::kCut:
      std::memset(area_ + change.offset, 0, change.size);
      break;
    case ChangeKind::kWrite:
      std::memcpy(area_ + change.offset, &bytes_[change.after], change.size);
      break;
  }
}

std::vector<DiskFile::Fate> DiskFile::choose(Random& random, Loss loss) const {
  std::vector<Fate> fates(changes_.size(), Fate::kDropped);
  switch (loss) {
    case Loss::kAll:
      break;
    case Loss::kNothing:
      std::fill(fates.begin(), fates.end(), Fate::kKept);
      break;
    case Loss::kSuffix: {
      size_t count = random.below(changes_.size() + 1);
      // The inode is journaled: a cut is never kept without its size.
      if (count > 0 && changes_[count - 1].kind == ChangeKind::kCut) --count;
      std::fill_n(fates.begin(), count, Fate::kKept);
      if (count < changes_.size() && changes_[count].kind == ChangeKind::kWrite &&
          random.chance(0.5)) {
        fates[count] = Fate::kTorn;
      }
      break;
    }
    case Loss::kReordered:
    case Loss::kTorn:
      choose_sizes(random, fates);
      choose_sectors(random, loss == Loss::kTorn, fates);
      break;
  }
  resolve_lost(fates);
  return fates;
}

// The inode is journaled: it shows its state at one moment, whatever became of the data.
void DiskFile::choose_sizes(Random& random, std::vector<Fate>& fates) const {
  uint64_t sizes = 0;
  for (const Change& change : changes_) sizes += change.kind == ChangeKind::kSize ? 1 : 0;
  uint64_t kept = random.chance(0.5) ? sizes : random.below(sizes + 1);
  for (size_t i = 0; i < changes_.size() && kept > 0; ++i) {
    if (changes_[i].kind == ChangeKind::kWrite) continue;
    fates[i] = Fate::kKept;  // a cut comes right before its size
    if (changes_[i].kind == ChangeKind::kSize) --kept;
  }
}

void DiskFile::choose_sectors(Random& random, bool torn, std::vector<Fate>& fates) const {
  std::unordered_map<uint64_t, std::vector<size_t>> versions;
  std::vector<uint64_t> order;  // not the map's, which differs between libraries
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i].kind != ChangeKind::kWrite || changes_[i].lost) continue;
    std::vector<size_t>& indexes = versions[sector_of(changes_[i])];
    if (indexes.empty()) order.push_back(sector_of(changes_[i]));
    indexes.push_back(i);
  }
  for (uint64_t sector : order) {
    const std::vector<size_t>& indexes = versions[sector];
    const uint64_t dice = random.below(3);
    const size_t kept = dice == 0   ? 0
                        : dice == 1 ? indexes.size()
                                    : random.below(indexes.size() + 1);
    for (size_t i = 0; i < kept; ++i) fates[indexes[i]] = Fate::kKept;
    if (torn && kept < indexes.size() && random.chance(0.6)) fates[indexes[kept]] = Fate::kTorn;
  }
}

// Lost bytes were marked clean and never reach the drive by themselves, but a later write to their
// sector takes them along: the cache writes whole pages.
void DiskFile::resolve_lost(std::vector<Fate>& fates) const {
  if (lost_count_ == 0) return;
  std::unordered_set<uint64_t> kept;
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    if (change.kind != ChangeKind::kWrite) continue;
    if (change.lost) {
      fates[i] = kept.count(sector_of(change)) != 0 ? Fate::kKept : Fate::kDropped;
    } else if (fates[i] == Fate::kKept) {
      kept.insert(sector_of(change));
    }
  }
}

void DiskFile::tear(const Change& change, Random& random, bool powersafe_overwrite) {
  char* begin = area_ + change.offset;
  size_t size = change.size;
  if (!powersafe_overwrite) {
    begin = area_ + sector_of(change) * kSectorSize;
    size = kSectorSize;
    content_end_ = std::max(content_end_, (sector_of(change) + 1) * kSectorSize);
    random.fill(begin, size);
    return;
  }
  const size_t middle = random.below(size + 1);
  switch (random.below(4)) {
    case 0:  // the first bytes are new
      std::memcpy(begin, &bytes_[change.after], middle);
      break;
    case 1:  // the last ones
      std::memcpy(begin + middle, &bytes_[change.after + middle], size - middle);
      break;
    case 2:  // garbage after the first
      std::memcpy(begin, &bytes_[change.after], middle);
      random.fill(begin + middle, size - middle);
      break;
    default:
      random.fill(begin, size);
  }
}

void DiskFile::damage_mapped(Random& random) {
  const uint64_t size_now = size_;
  for (size_t i = changes_.size(); i-- > 0;) {
    if (changes_[i].kind == ChangeKind::kSize) size_ = changes_[i].offset;
  }
  if (random.chance(0.5)) size_ = size_now;
  const uint64_t whole = random.below(3);
  if (whole == 0 || size_ < size_now) clear_area(whole_area_, 0, size_max_);
  if (whole == 1) {  // each page has a fate of its own; the pages after the first ones stay
    const uint64_t pages = std::min(size_ / kDamageSize, kDamagedPagesMax);
    for (uint64_t page = 0; page < pages; ++page) {
      char* const begin = area_ + page * kDamageSize;
      const uint64_t fate = random.below(3);
      if (fate == 0) std::memset(begin, 0, kDamageSize);
      if (fate == 1) random.fill(begin, kDamageSize);
    }
  }
  mapped_writable_ = false;
  content_end_ = size_;
  allocated_end_ = std::min(allocated_end_, size_);
  clear_changes();
}

}  // namespace holdfast::sim
