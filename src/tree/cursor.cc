#include "tree/cursor.h"

#include "base/check.h"
#include "tree/page.h"

namespace holdfast::tree {

bool Cursor::start() {
  valid_ = false;
  key_page_ = nullptr;
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
  path_[level] = {bytes, 0, Page(bytes, source_->page_size_bytes()).cell_count()};
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
  if (start() && descend(root_.height - 1, End::kFirst)) settle();
}

void Cursor::seek_last() {
  if (!start()) return;
  Step& top = path_[root_.height - 1];
  top.index = top.count - 1;
  if (descend(root_.height - 1, End::kLast)) settle();
}

void Cursor::seek(std::string_view key) {
  if (!start() || !descend_to(key)) return;
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

void Cursor::next() {
  CHECK(valid_);
  if (leaf().index + 1 < leaf().count) {
    ++leaf().index;
    settle();
  } else {
    climb_next();
  }
}

void Cursor::prev() {
  CHECK(valid_);
  if (leaf().index > 0) {
    --leaf().index;
    settle();
  } else {
    climb_prev();
  }
}

void Cursor::climb_next() {
  valid_ = false;
  for (uint32_t level = 1; level < root_.height; ++level) {
    Step& step = path_[level];
    if (step.index + 1 == step.count) continue;
    ++step.index;
    if (descend(level, End::kFirst)) settle();
    return;
  }
}

void Cursor::climb_prev() {
  valid_ = false;
  for (uint32_t level = 1; level < root_.height; ++level) {
    Step& step = path_[level];
    if (step.index == 0) continue;
    --step.index;
    if (descend(level, End::kLast)) settle();
    return;
  }
}

void Cursor::settle() {
  valid_ = true;
  const Page page(leaf().page, source_->page_size_bytes());
  if (key_page_ != leaf().page) {
    key_.assign(page.prefix());
    key_page_ = leaf().page;
  } else {
    key_.resize(page.prefix_size());
  }
  key_.append(page.suffix(leaf().index));
}

std::string_view Cursor::key() const {
  CHECK(valid_);
  return key_;
}

FoundValue Cursor::found() const {
  CHECK(valid_);
  return Page(path_[0].page, source_->page_size_bytes()).value(path_[0].index);
}

Result<std::string_view> Cursor::value() const {
  return value_bytes(*source_, found());
}

}  // namespace holdfast::tree
