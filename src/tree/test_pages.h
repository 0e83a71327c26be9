// For tests: a space of pages in memory with an allocator, and a tree in it.
//
// Who: tests and benchmarks. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "os/reserve.h"
#include "tree/page_source.h"
#include "tree/tree.h"

namespace holdfast::tree {

inline uint32_t shift_of(uint32_t page_size) {
  return static_cast<uint32_t>(__builtin_ctz(page_size));
}

// Pages 1 .. of memory. Frees and reuses numbers; knows of each page whether it is in use.
class TestPages final : public PageAllocator {
 public:
  explicit TestPages(uint32_t page_size, uint32_t pages_max = 1u << 16)
      : page_size_(page_size),
        pages_max_(pages_max),
        memory_(static_cast<char*>(os::reserve_zeroed(size_t{page_size} * pages_max))),
        used_(pages_max),
        source_(memory_, shift_of(page_size), pages_max) {
    CHECK(memory_ != nullptr);
    used_[0] = true;
    source_.set_page_count(1);
  }
  ~TestPages() override { os::release_reserved(memory_, size_t{page_size_} * pages_max_); }

  Result<uint32_t> allocate(uint32_t count) override {
    if (count > allocations_left_) return Status(StatusCode::kNoSpace, "no pages are left");
    const uint32_t first = find_free(count);
    if (first == 0) return Status(StatusCode::kNoSpace, "no run of pages is left");
    for (uint32_t i = 0; i < count; ++i) used_[first + i] = true;
    allocations_left_ -= count;
    in_use_count_ += count;
    if (first + count > source_.page_count()) source_.set_page_count(first + count);
    allocated_count_ += count;
    return first;
  }
  void release(uint32_t pgno, uint32_t count) override {
    for (uint32_t i = 0; i < count; ++i) {
      CHECK(used_[pgno + i]);
      used_[pgno + i] = false;
    }
    in_use_count_ -= count;
    if (pgno < hint_) hint_ = pgno;
  }

  void write(const ApplyResult& result) {
    for (const NewRun& run : result.written) {
      CHECK(!run.bytes.empty() && run.bytes.size() % page_size_ == 0);
      for (size_t i = 0; i < run.bytes.size() / page_size_; ++i) CHECK(used_[run.pgno + i]);
      run.bytes.copy(page(run.pgno), run.bytes.size());
    }
  }

  char* page(uint32_t pgno) { return memory_ + size_t{pgno} * page_size_; }
  const PageSource& source() const { return source_; }
  // A source that has verified nothing yet.
  std::unique_ptr<PageSource> fresh_source() const {
    auto source = std::make_unique<PageSource>(memory_, shift_of(page_size_), pages_max_);
    source->set_page_count(source_.page_count());
    return source;
  }
  uint32_t page_size() const { return page_size_; }
  uint64_t in_use_count() const { return in_use_count_; }
  // Pages handed out since the beginning.
  uint64_t allocated_count() const { return allocated_count_; }
  // The allocation that would exceed `count` more pages fails.
  void limit_allocations(uint64_t count) { allocations_left_ = count; }

 private:
  uint32_t find_free(uint32_t count) {
    while (hint_ < pages_max_ && used_[hint_]) ++hint_;
    uint32_t run = 0;
    for (uint32_t i = hint_; i < pages_max_; ++i) {
      run = used_[i] ? 0 : run + 1;
      if (run == count) return i + 1 - count;
    }
    return 0;
  }

  uint32_t page_size_;
  uint32_t pages_max_;
  char* memory_;
  std::vector<bool> used_;
  PageSource source_;
  uint32_t hint_ = 1;
  uint64_t in_use_count_ = 0;
  uint64_t allocated_count_ = 0;
  uint64_t allocations_left_ = ~uint64_t{0};
};

// Operations by key; nullopt deletes.
using TestBatch = std::map<std::string, std::optional<std::string>>;

inline std::vector<Operation> operations_of(const TestBatch& batch) {
  std::vector<Operation> operations;
  for (const auto& [key, value] : batch) {
    operations.push_back({key, value ? std::optional<std::string_view>(*value) : std::nullopt});
  }
  return operations;
}

// A tree whose versions count its batches. With `keep_old`, replaced pages stay readable.
class TestTree {
 public:
  explicit TestTree(uint32_t page_size, bool keep_old = false, uint32_t pages_max = 1u << 16)
      : pages_(page_size, pages_max), keep_old_(keep_old) {}

  // Applies and publishes; remembers the result in last().
  Status apply(const TestBatch& batch) { return apply(operations_of(batch)); }
  Status apply(const std::vector<Operation>& operations) {
    HOLDFAST_ASSIGN(last_, tree::apply(pages_.source(), root_, operations, version_ + 1, pages_));
    ++version_;
    pages_.write(last_);
    root_ = last_.root;
    if (keep_old_) return Status::ok();
    for (const RetiredRun& run : last_.retired) pages_.release(run.pgno, run.count);
    return Status::ok();
  }

  Result<std::optional<std::string>> get(std::string_view key) const { return get(root_, key); }
  Result<std::optional<std::string>> get(const Root& root, std::string_view key) const {
    HOLDFAST_ASSIGN(const auto found, find(pages_.source(), root, key));
    if (!found) return std::optional<std::string>();
    HOLDFAST_ASSIGN(const std::string_view value, value_bytes(pages_.source(), *found));
    return std::optional<std::string>(value);
  }

  const Root& root() const { return root_; }
  uint64_t version() const { return version_; }
  const ApplyResult& last() const { return last_; }
  TestPages& pages() { return pages_; }
  const PageSource& source() const { return pages_.source(); }

 private:
  TestPages pages_;
  bool keep_old_;
  Root root_;
  uint64_t version_ = 0;
  ApplyResult last_;
};

}  // namespace holdfast::tree
