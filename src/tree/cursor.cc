#include "tree/cursor.h"

namespace holdfast::tree {
namespace {

constexpr uint32_t kNever = ~0u;

}  // namespace

bool Cursor::start() {
  valid_ = false;
  key_page_ = nullptr;
  ahead_at_ = 0;
  status_ = Status();
  if (root_.height == 0) return false;
  if (root_.height > kHeightMax) {
    status_ = wrong_level(root_.page.pgno, root_.height - 1, kHeightMax - 1);
    return false;
  }
  return load(root_.page, root_.height - 1);
}

bool Cursor::load(const PageRef& ref, uint32_t level) {
  const char* bytes = load_at_level(*source_, ref, level, &status_);
  if (bytes == nullptr) {
    valid_ = false;
    return false;
  }
  const Page page(bytes, source_->page_size_bytes());
  path_[level] = {bytes, page.birth_version(), ref.pgno, 0, page.cell_count()};
  if (path_[level].count == 0) [[unlikely]] {
    status_ = no_cells(ref.pgno);
    valid_ = false;
    return false;
  }
  if (level > 0) return true;
  next_leaf_ = nullptr;
  cut_ = !end_.empty() && page.compare_key(page.cell_count() - 1, end_) >= 0;
  bool equal = false;
  if (cut_) path_[0].count = page.lower_bound(end_, &equal);
  return true;
}

bool Cursor::descend(uint32_t level, End end) {
  for (;; --level) {
    Step& step = path_[level];
    if (level == 0) return true;
    const Page page(step.page, source_->page_size_bytes());
    if (!load(page.child(step.index), level - 1)) return false;
    Step& below = path_[level - 1];
    below.index = end == End::kFirst ? 0 : below.count - 1;
  }
}

bool Cursor::descend_to(std::string_view key) {
  for (uint32_t level = root_.height - 1;; --level) {
    Step& step = path_[level];
    const Page page(step.page, source_->page_size_bytes());
    if (level == 0) {
      bool equal = false;
      step.index = page.lower_bound(key, &equal);
      return true;
    }
    step.index = page.child_index(key);
    if (!load(page.child(step.index), level - 1)) return false;
  }
}

void Cursor::seek_first() {
  if (start() && descend(root_.height - 1, End::kFirst)) settle_forward();
}

void Cursor::seek_last() {
  if (!start()) return;
  Step& top = path_[root_.height - 1];
  top.index = top.count - 1;
  if (descend(root_.height - 1, End::kLast)) settle();
}

void Cursor::seek(std::string_view key) {
  if (!start() || !descend_to(key)) return;
  ahead_at_ = leaf().index;
  if (leaf().index < leaf().count) {
    settle();
  } else {
    climb_next();
  }
}

void Cursor::seek_before(std::string_view key) {
  if (!start() || !descend_to(key)) return;
  if (leaf().index > 0) {
    --leaf().index;
    settle();
  } else {
    climb_prev();
  }
}

void Cursor::prev() {
  CHECK(valid_);
  if (has_changed(0)) return prev_anew();
  if (leaf().index > 0) {
    --leaf().index;
    settle();
  } else {
    climb_prev();
  }
}

void Cursor::climb_next() {
  valid_ = false;
  if (cut_) return;
  for (uint32_t level = 1; level < root_.height; ++level) {
    Step& step = path_[level];
    if (step.index + 1 == step.count) continue;
    if (refuse_changed(level)) return;
    ++step.index;
    if (!descend(level, End::kFirst)) return;
    look_ahead_to_leaf();
    settle_forward();
    return;
  }
}

void Cursor::climb_prev() {
  valid_ = false;
  for (uint32_t level = 1; level < root_.height; ++level) {
    Step& step = path_[level];
    if (step.index == 0) continue;
    if (refuse_changed(level)) return;
    --step.index;
    if (descend(level, End::kLast)) settle();
    return;
  }
}

bool Cursor::refuse_changed(uint32_t level) {
  if (!has_changed(level)) return false;
  status_ = source_->changed(path_[level].pgno);
  valid_ = false;
  return true;
}

// What has changed fails its checksum now, or is read from where it does not change: a page seldom
// does twice.
void Cursor::next_anew() {
  const std::string from(key_.data(), key_size_);
  seek(from);
  if (valid_ && key() == from) next();
}

void Cursor::prev_anew() {
  const std::string from(key_.data(), key_size_);
  seek_before(from);
}

void Cursor::settle_forward() {
  if (leaf().index < leaf().count) settle();
}

void Cursor::look_ahead() {
  if (next_leaf_ == nullptr) {
    prefetch_cells(leaf_page(), leaf().index + 1);
    return look_ahead_to_leaf();
  }
  prefetch_cells(Page(next_leaf_, source_->page_size_bytes()), 0);
  ahead_at_ = kNever;
}

void Cursor::look_ahead_to_leaf() {
  ahead_at_ = kNever;
  if (root_.height == 1 || cut_) return;
  const Step& above = path_[1];
  if (above.index + 1 == above.count) return;
  const uint32_t pgno = Page(above.page, source_->page_size_bytes()).child(above.index + 1).pgno;
  next_leaf_ = source_->ahead(pgno);
  if (next_leaf_ == nullptr) return;
  source_->prefetch(pgno);
  ahead_at_ = (leaf().index + leaf().count) / 2;
}

void Cursor::prefetch_cells(const Page& page, uint32_t begin) const {
  constexpr uint32_t kCellsMax = 24;  // as many as processors have in flight
  const uint32_t end = std::min(page.cell_count(), begin + kCellsMax);
  for (uint32_t i = begin; i < end; ++i) {
    prefetch(page.suffix(i).data());
    prefetch(page.after_key(i));
  }
}

}  // namespace holdfast::tree
