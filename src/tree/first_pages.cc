#include "tree/first_pages.h"

#include "tree/page_source.h"

namespace holdfast::tree {
namespace {

// Most processes need a few pages; those that need more get large pieces, which lie in large pages
// of the machine: their first touch costs a seventh.
constexpr size_t kFirstPieceBytes = 64u << 10;
constexpr size_t kPieceBytes = 2u << 20;
// By then finding pages here has cost as much as mapping them does.
constexpr uint32_t kLoadsMax = 16'384;

}  // namespace

FirstPages::FirstPages(os::File& file, uint32_t page_shift, size_t bytes_max)
    : file_(file),
      page_size_(size_t{1} << page_shift),
      pages_max_(bytes_max >> page_shift),
      table_(2 * pages_max_ + 1) {}

char* FirstPages::take_room() {
  if (kept_.size() == pages_max_) return nullptr;
  if (memory_.empty() || filled_ == memory_.back().size()) {
    memory_.emplace_back(memory_.empty() ? kFirstPieceBytes : kPieceBytes);
    filled_ = 0;
  }
  filled_ += page_size_;
  return memory_.back().data() + filled_ - page_size_;
}

size_t FirstPages::place_of(const PageRef& ref) const {
  constexpr uint32_t kSpread = 2'654'435'761;  // 2^32 divided by the golden ratio
  size_t at = ref.pgno * kSpread % table_.size();
  while (table_[at] != 0) {
    const Kept& kept = kept_[table_[at] - 1];
    if (kept.pgno == ref.pgno && kept.crc == ref.crc) break;
    at = (at + 1) % table_.size();
  }
  return at;
}

const char* FirstPages::load(const PageRef& ref, const Verify& verify) {
  const std::lock_guard lock(mutex_);
  if (is_over()) return nullptr;
  const size_t place = place_of(ref);
  const bool is_known = table_[place] != 0;
  char* const room = is_known ? nullptr : take_room();
  if (++loads_ == kLoadsMax || (!is_known && room == nullptr)) {
    is_over_.store(true, std::memory_order_relaxed);
    return nullptr;
  }
  if (is_known) return kept_[table_[place] - 1].bytes;
  const auto done = file_.read_at(uint64_t{ref.pgno} * page_size_, room, page_size_);
  if (!done || *done != page_size_ || !verify(room)) {
    filled_ -= page_size_;
    return nullptr;
  }
  kept_.push_back({ref.pgno, ref.crc, room});
  table_[place] = static_cast<uint32_t>(kept_.size());
  return room;
}

}  // namespace holdfast::tree
