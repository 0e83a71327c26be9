#include "store/page_allocation.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kWordBits = 64;
constexpr uint64_t kNoPage = ~0ull;
constexpr uint64_t kRegionStep = 256u << 10;
constexpr uint64_t kGrowthPagesMin = 256;

uint64_t run_mask(uint64_t first_bit, uint64_t count) {
  const uint64_t ones = count == kWordBits ? ~0ull : (1ull << count) - 1;
  return ones << first_bit;
}

// Calls visit(word, mask) for every bitmap word that a run touches.
template <typename Visit>
void for_words(uint64_t pgno, uint64_t count, Visit visit) {
  while (count > 0) {
    const uint64_t bit = pgno % kWordBits;
    const uint64_t here = std::min(count, kWordBits - bit);
    visit(pgno / kWordBits, run_mask(bit, here));
    pgno += here;
    count -= here;
  }
}

}  // namespace

void mark_free(const Context& context, const Extent& extent) {
  Shared<uint64_t>* words = bitmap_words(context);
  for_words(extent.pgno, extent.count,
            [&](uint64_t word, uint64_t mask) { words[word].fetch_or(mask); });
}

void mark_taken(const Context& context, const Extent& extent) {
  Shared<uint64_t>* words = bitmap_words(context);
  for_words(extent.pgno, extent.count,
            [&](uint64_t word, uint64_t mask) { words[word].fetch_and(~mask); });
}

uint64_t count_free(const Context& context) {
  const uint64_t file_pages = context.control().allocation.file_pages.load();
  const Shared<uint64_t>* words = bitmap_words(context);
  uint64_t count = 0;
  for_words(0, file_pages, [&](uint64_t word, uint64_t mask) {
    count +=
        static_cast<uint64_t>(std::popcount(words[word].load(std::memory_order_relaxed) & mask));
  });
  return count;
}

Status back_region(const Context& context, const Region& region, Shared<uint64_t>& backed,
                   uint64_t bytes) {
  CHECK(bytes <= region.size);
  if (bytes <= backed.load()) return Status::ok();
  const uint64_t size =
      std::min(region.size, (bytes + kRegionStep - 1) / kRegionStep * kRegionStep);
  if (context.control_file != nullptr) {
    HOLDFAST_TRY(context.control_file->allocate(region.offset, size));
  }
  backed.store(size);
  return Status::ok();
}

Status grow_file(const Context& context, uint64_t pages_min) {
  AllocationLine& line = context.control().allocation;
  const uint64_t before = line.file_pages.load();
  HOLDFAST_TRY(context.connected());  // a count of zeros would have the file cut off below
  const uint64_t pages_max = context.pages->page_count_max();
  if (before + pages_min > pages_max) {
    return Status(StatusCode::kNoSpace, "the data file has reached its largest size of " +
                                            std::to_string(pages_max) + " pages")
        .with_path(context.data_path());
  }
  // A sixteenth at a time keeps growing rare; when the disk cannot give that, what is needed.
  uint64_t count = std::max({pages_min, before / 16, kGrowthPagesMin});
  count = std::min(count, pages_max - before);
  const auto allocate = [&](uint64_t pages) {
    return context.data_file->allocate(before << context.page_shift, pages << context.page_shift);
  };
  Status status = allocate(count);
  if (!status && status.code() == StatusCode::kNoSpace) {
    if (count > pages_min) {
      count = pages_min;
      status = allocate(count);
    }
    // Some file systems leave with the file what they found before it was too little; others,
    // and the log, may need it.
    (void)context.data_file->truncate((before + (status ? count : 0)) << context.page_shift);
  }
  HOLDFAST_TRY(std::move(status));
  HOLDFAST_TRY(back_region(context, kBitmapRegion, line.bitmap_backed,
                           (before + count + kWordBits - 1) / kWordBits * 8));
  // Died before the next line: the bits lie beyond the file's end and are set again.
  mark_free(context, {static_cast<uint32_t>(before), static_cast<uint32_t>(count)});
  line.file_pages.store(before + count);
  line.free_pages.store(line.free_pages.load() + count);
  context.pages->set_page_count(static_cast<uint32_t>(before + count));
  return Status::ok();
}

PageAllocation::PageAllocation(const Context& context)
    : context_(context),
      file_pages_(context.control().allocation.file_pages.load()),
      cursor_(context.control().allocation.hint.load()) {}

uint64_t PageAllocation::free_bits(uint64_t word) const {
  uint64_t bits = bitmap_words(context_)[word].load(std::memory_order_relaxed);
  if (const auto taken = taken_.find(word); taken != taken_.end()) bits &= ~taken->second;
  const uint64_t first = word * kWordBits;
  if (first + kWordBits > file_pages_) bits &= run_mask(0, file_pages_ - first);
  return bits;
}

void PageAllocation::take(uint64_t pgno, uint64_t count) {
  for_words(pgno, count, [&](uint64_t word, uint64_t mask) { taken_[word] |= mask; });
  pages_taken_ += count;
}

uint64_t PageAllocation::find_single() {
  for (uint64_t word = cursor_ / kWordBits; word * kWordBits < file_pages_; ++word) {
    uint64_t bits = free_bits(word);
    if (word == cursor_ / kWordBits) bits &= ~0ull << cursor_ % kWordBits;
    if (bits == 0) continue;
    cursor_ = word * kWordBits + static_cast<uint64_t>(std::countr_zero(bits));
    return cursor_;
  }
  cursor_ = file_pages_;
  return kNoPage;
}

uint64_t PageAllocation::find_run(uint64_t count) const {
  uint64_t start = cursor_;
  uint64_t length = 0;
  for (uint64_t pgno = cursor_; pgno < file_pages_;) {
    const uint64_t bits = free_bits(pgno / kWordBits) >> pgno % kWordBits;
    const uint64_t left = kWordBits - pgno % kWordBits;
    const uint64_t ones = std::min<uint64_t>(static_cast<uint64_t>(std::countr_one(bits)), left);
    if (length == 0) start = pgno;
    length += ones;
    if (length >= count) return start;
    if (ones == left) {
      pgno += left;
      continue;
    }
    length = 0;
    const uint64_t rest = bits >> ones;
    pgno += ones + (rest == 0 ? left - ones : static_cast<uint64_t>(std::countr_zero(rest)));
  }
  return kNoPage;
}

Result<uint32_t> PageAllocation::allocate(uint32_t count) {
  CHECK(count > 0);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const uint64_t pgno = count == 1 ? find_single() : find_run(count);
    if (pgno != kNoPage) {
      take(pgno, count);
      return static_cast<uint32_t>(pgno);
    }
    HOLDFAST_TRY(grow_file(context_, count));
    file_pages_ = context_.control().allocation.file_pages.load();
  }
  HOLDFAST_TRY(context_.connected());
  CHECK(false);  // a file that has just grown by `count` pages holds a run of them
  return Status(StatusCode::kNoSpace, "no free pages");
}

Result<tree::PageRun> PageAllocation::allocate_some(uint32_t count_max) {
  HOLDFAST_ASSIGN(const uint32_t pgno, allocate(1));
  uint32_t count = 1;
  while (count < count_max && pgno + count < file_pages_ &&
         (free_bits((pgno + count) / kWordBits) >> (pgno + count) % kWordBits & 1) != 0) {
    take(pgno + count, 1);
    ++count;
  }
  return tree::PageRun{pgno, count};
}

void PageAllocation::release(uint32_t pgno, uint32_t count) {
  for_words(pgno, count, [&](uint64_t word, uint64_t mask) { taken_[word] &= ~mask; });
  pages_taken_ -= count;
  cursor_ = std::min<uint64_t>(cursor_, pgno);
}

std::vector<Extent> PageAllocation::extents() const {
  std::vector<uint64_t> words;
  words.reserve(taken_.size());
  for (const auto& [word, bits] : taken_) {
    if (bits != 0) words.push_back(word);
  }
  std::sort(words.begin(), words.end());
  std::vector<Extent> extents;
  for (const uint64_t word : words) {
    uint64_t bits = taken_.at(word);
    while (bits != 0) {
      const auto first = static_cast<uint64_t>(std::countr_zero(bits));
      const auto count = static_cast<uint64_t>(std::countr_one(bits >> first));
      bits &= ~run_mask(first, count);
      const auto pgno = static_cast<uint32_t>(word * kWordBits + first);
      if (!extents.empty() && extents.back().pgno + extents.back().count == pgno) {
        extents.back().count += static_cast<uint32_t>(count);
      } else {
        extents.push_back({pgno, static_cast<uint32_t>(count)});
      }
    }
  }
  return extents;
}

}  // namespace holdfast::store
