#include "tree/diff.h"

#include "base/check.h"
#include "tree/page.h"

namespace holdfast::tree {
namespace {

void assign_separator(const Page& page, uint32_t index, std::string* out) {
  out->assign(page.prefix());
  out->append(page.suffix(index));
}

}  // namespace

// --- DiffSide

DiffSide::DiffSide(const PageSource& source, const Root& root, std::string_view begin,
                   std::string_view end)
    : source_(source), root_(root), begin_(begin), end_(end), level_(root.height) {
  if (root.height == 0) done_ = true;
  if (root.height > kHeightMax) {
    fail(wrong_level(root.page.pgno, root.height - 1, kHeightMax - 1));
  }
}

void DiffSide::fail(Status status) {
  status_ = std::move(status);
  done_ = true;
}

PageRef DiffSide::subtree() const {
  if (level_ == root_.height) return root_.page;
  return Page(path_[level_].page, source_.page_size_bytes()).child(path_[level_].index);
}

void DiffSide::append_key(std::string& out) const {
  const Page page(path_[0].page, source_.page_size_bytes());
  out.append(page.prefix());
  out.append(page.suffix(path_[0].index));
}

int DiffSide::compare_entry(std::string_view key) const {
  return Page(path_[0].page, source_.page_size_bytes()).compare_key(path_[0].index, key);
}

FoundValue DiffSide::value() const {
  return Page(path_[0].page, source_.page_size_bytes()).value(path_[0].index);
}

// The first child of a page begins where the page does.
bool DiffSide::lower_fence(std::string* out) const {
  for (uint32_t level = level_; level < root_.height; ++level) {
    if (path_[level].index == 0) continue;
    assign_separator(Page(path_[level].page, source_.page_size_bytes()), path_[level].index, out);
    return true;
  }
  return false;
}

bool DiffSide::upper_fence(std::string* out) const {
  for (uint32_t level = level_; level < root_.height; ++level) {
    const Step& step = path_[level];
    if (step.index + 1 == step.count) continue;
    assign_separator(Page(step.page, source_.page_size_bytes()), step.index + 1, out);
    return true;
  }
  return false;
}

bool DiffSide::starts_above(std::string_view key) const {
  std::string fence;
  return lower_fence(&fence) && fence > key;
}

bool DiffSide::ends_before(const DiffSide& other) const {
  std::string end;
  std::string begin;
  return upper_fence(&end) && other.lower_fence(&begin) && end <= begin;
}

void DiffSide::descend() {
  CHECK(!done_ && level_ > 0);
  Status error;
  const PageRef ref = subtree();
  const char* bytes = load_at_level(source_, ref, level_ - 1, &error);
  if (bytes == nullptr) return fail(std::move(error));
  ++pages_read_;
  --level_;
  const Page page(bytes, source_.page_size_bytes());
  uint32_t index = 0;
  if (!begin_.empty()) {
    bool equal = false;
    index = level_ == 0 ? page.lower_bound(begin_, &equal) : page.child_index(begin_);
  }
  path_[level_] = {bytes, ref.pgno, page.birth_version(), index, page.cell_count()};
  if (index == page.cell_count()) return advance();  // a leaf that ends before `begin_`
  stop_at_end();
}

void DiffSide::advance() {
  CHECK(!done_);
  for (; level_ < root_.height; ++level_) {
    Step& step = path_[level_];
    if (step.index + 1 >= step.count) continue;
    ++step.index;
    return stop_at_end();
  }
  done_ = true;
}

void DiffSide::check_pages() {
  for (uint32_t level = level_; level < root_.height && !done_; ++level) {
    const Step& step = path_[level];
    const Page page(step.page, source_.page_size_bytes());
    if (page.birth_version() != step.birth) fail(source_.changed(step.pgno));
  }
}

void DiffSide::stop_at_end() {
  if (end_.empty()) return;
  if (level_ == 0) {
    done_ = compare_entry(end_) >= 0;
    return;
  }
  std::string fence;
  done_ = lower_fence(&fence) && fence >= end_;
}

// --- DiffCursor

DiffCursor::DiffCursor(const PageSource& source, const Root& before, const Root& after,
                       std::string_view begin, std::string_view end)
    : source_(source),
      begin_(begin),
      end_(end),
      old_(source, before, begin_, end_),
      new_(source, after, begin_, end_) {
  valid_ = compare();
}

void DiffCursor::next() {
  CHECK(valid_);
  old_.check_pages();
  new_.check_pages();
  if (before_ && !old_.done()) old_.advance();
  if (after_ && !new_.done()) new_.advance();
  valid_ = compare();
}

bool DiffCursor::compare() {
  while (true) {
    for (const DiffSide* side : {&old_, &new_}) {
      if (side->status()) continue;
      status_ = side->status();
      return false;
    }
    if (!status_ || (old_.done() && new_.done())) return false;
    if (old_.done() || new_.done()) {
      DiffSide& rest = old_.done() ? new_ : old_;
      if (rest.level() == 0) return report(new_.done(), old_.done());
      rest.descend();
    } else if (old_.level() == 0 && new_.level() == 0) {
      if (compare_entries()) return true;
    } else if (compare_subtrees()) {
      return true;
    }
  }
}

bool DiffCursor::compare_entries() {
  key_.clear();
  old_.append_key(key_);
  const int order = new_.compare_entry(key_);
  if (order != 0) return report(order > 0, order < 0);
  if (!same_value()) return status_ && report(true, true);
  old_.advance();
  new_.advance();
  return false;
}

// At least one side is at a subtree.
bool DiffCursor::compare_subtrees() {
  if (old_.level() == 0 || new_.level() == 0) {
    const bool entry_is_old = old_.level() == 0;
    const DiffSide& entry = entry_is_old ? old_ : new_;
    DiffSide& subtree = entry_is_old ? new_ : old_;
    key_.clear();
    entry.append_key(key_);
    if (subtree.starts_above(key_)) return report(entry_is_old, !entry_is_old);
    subtree.descend();
    return false;
  }
  const uint32_t old_level = old_.level();
  const uint32_t new_level = new_.level();
  const PageRef old_page = old_.subtree();
  const PageRef new_page = new_.subtree();
  if (old_page.pgno == new_page.pgno && old_page.crc == new_page.crc) {
    old_.advance();
    new_.advance();
  } else if (old_.ends_before(new_)) {
    old_.descend();
  } else if (new_.ends_before(old_)) {
    new_.descend();
  } else {
    if (old_level >= new_level) old_.descend();
    if (new_level >= old_level) new_.descend();
  }
  return false;
}

bool DiffCursor::report(bool in_old, bool in_new) {
  before_.reset();
  after_.reset();
  if (in_old) before_ = old_.value();
  if (in_new) after_ = new_.value();
  key_.clear();
  (in_old ? old_ : new_).append_key(key_);
  return true;
}

bool DiffCursor::same_value() {
  const FoundValue old_value = old_.value();
  const FoundValue new_value = new_.value();
  const OverflowRef& old_run = old_value.overflow;
  const OverflowRef& new_run = new_value.overflow;
  if (old_run.page_count == 0 && new_run.page_count == 0) {
    return old_value.inline_bytes == new_value.inline_bytes;
  }
  if (old_run.pgno == new_run.pgno) return old_run.crc == new_run.crc;
  if (old_run.size_bytes != new_run.size_bytes || old_run.crc != new_run.crc) return false;
  const auto old_bytes = value_bytes(source_, old_value);
  const auto new_bytes = value_bytes(source_, new_value);
  for (const auto* bytes : {&old_bytes, &new_bytes}) {
    if (!*bytes && status_) status_ = bytes->status();
  }
  return status_ && *old_bytes == *new_bytes;
}

}  // namespace holdfast::tree
