#include "tree/pending_pages.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/crc32c.h"

namespace holdfast::tree {

PendingPages::~PendingPages() {
  for (size_t i = allocated_.size(); i-- > 0;) {
    allocator_.release(allocated_[i].first, allocated_[i].second);
  }
}

uint32_t PendingPages::add(Image image, std::vector<Link> links) {
  nodes_.push_back({std::move(image), std::move(links)});
  ++live_count_;
  if (expected_count_ > 0) --expected_count_;
  return static_cast<uint32_t>(nodes_.size() - 1);
}

void PendingPages::drop(uint32_t node) {
  CHECK(live_count_ > 0);
  --live_count_;
  dropped_.push_back(node);
}

void PendingPages::forget_dropped() {
  for (const uint32_t node : dropped_) nodes_[node] = {};
  dropped_.clear();
}

Result<uint32_t> PendingPages::allocate(uint32_t count) {
  HOLDFAST_ASSIGN(const uint32_t first, allocator_.allocate(count));
  CHECK(first != 0);
  allocated_.emplace_back(first, count);
  return first;
}

Result<uint32_t> PendingPages::next_pgno() {
  if (run_left_ == 0) {
    CHECK(live_count_ > 0);
    const uint32_t count_max = std::min(live_count_ + expected_count_, kRunPagesMax);
    HOLDFAST_ASSIGN(const PageRun run, allocator_.allocate_some(count_max));
    CHECK(run.pgno != 0 && run.count > 0 && run.count <= count_max);
    allocated_.emplace_back(run.pgno, run.count);
    run_next_ = run.pgno;
    run_left_ = run.count;
  }
  --run_left_;
  --live_count_;
  return run_next_++;
}

Result<OverflowRef> PendingPages::add_overflow(std::string_view value, uint64_t version) {
  CHECK(!value.empty() && value.size() <= std::numeric_limits<uint32_t>::max() - page_size_);
  OverflowRef ref;
  ref.size_bytes = static_cast<uint32_t>(value.size());
  ref.page_count = (ref.size_bytes + page_size_ - 1) / page_size_;
  ref.crc = crc32c(value);
  ref.birth_version = version;
  HOLDFAST_ASSIGN(ref.pgno, allocate(ref.page_count));
  HOLDFAST_TRY(append(ref.pgno, ref.page_count, value));
  return ref;
}

// Fills the last of `count` pages up with zeros.
Status PendingPages::append(uint32_t pgno, uint32_t count, std::string_view bytes) {
  const size_t size = size_t{count} * page_size_;
  const bool full =
      sink_ != nullptr && !written_.empty() && written_.back().bytes.size() + size > kSinkBytesMax;
  if (pgno != append_pgno_ || full) {
    if (sink_ != nullptr) HOLDFAST_TRY(flush());
    if (sink_ == nullptr || written_.empty()) written_.emplace_back();
    written_.back().pgno = pgno;
    written_.back().bytes.reserve(std::max(size, (size_t{run_left_} + 1) * page_size_));
  }
  std::string& run = written_.back().bytes;
  run.append(bytes);
  run.resize((run.size() + page_size_ - 1) / page_size_ * page_size_);
  append_pgno_ = pgno + count;
  return Status::ok();
}

Status PendingPages::flush() {
  if (written_.empty()) return Status::ok();
  NewRun& run = written_.back();
  if (!run.bytes.empty()) HOLDFAST_TRY(sink_->write(run.pgno, run.bytes));
  run.bytes.clear();
  return Status::ok();
}

Result<PageRef> PendingPages::number(uint32_t node) {
  PageEditor editor(nodes_[node].image.get(), page_size_);
  bool has_overflow = editor.page().has_overflow();
  if (!nodes_[node].links.empty()) {
    for (const Link link : nodes_[node].links) {
      HOLDFAST_ASSIGN(const PageRef ref, number(link.node));
      editor.set_child(link.index, ref);
      has_overflow |= ref.has_overflow;
    }
    // Set before, or by one of the links: is it still true of some child?
    if (has_overflow) {
      has_overflow = false;
      const Page page = editor.page();
      for (uint32_t i = 0; i < page.cell_count() && !has_overflow; ++i) {
        has_overflow = page.child(i).has_overflow;
      }
    }
    editor.set_has_overflow(has_overflow);
  }
  HOLDFAST_ASSIGN(const uint32_t pgno, next_pgno());
  editor.set_pgno(pgno);
  const std::string_view bytes(nodes_[node].image.get(), page_size_);
  HOLDFAST_TRY(append(pgno, 1, bytes));
  const PageRef ref{pgno, crc32c(bytes), has_overflow};
  nodes_[node] = {};
  return ref;
}

Result<PageRef> PendingPages::publish(uint32_t root, std::deque<NewRun>& written) {
  HOLDFAST_ASSIGN(const PageRef ref, number(root));
  CHECK(live_count_ == 0);
  if (sink_ != nullptr) {
    HOLDFAST_TRY(flush());
    written_.clear();
  }
  if (run_left_ > 0) allocator_.release(run_next_, run_left_);  // for pages dropped since
  run_left_ = 0;
  allocated_.clear();
  written = std::move(written_);
  return ref;
}

void PendingPages::publish_nothing() {
  CHECK(live_count_ == 0 && allocated_.empty());
}

}  // namespace holdfast::tree
