// PageSource: read-only access to the pages of one data file, mapped or read, verified on first
// touch.
//
// Who: tree/ and store/. Thread-safety: any thread.
// Invariants:
//   1. A page handed out has matched the CRC its parent holds, in this process, since it was last
//      rewritten: `verified_` remembers CRC and birth, so a reused page is verified anew, and so is
//      one that the kernel could not write, dropped, and shows as it was before. Nothing tells when
//      the pages of a run were written: runs are verified at each use until they are on the disk.
//      Once set_doubt() says so the mapping is left: what is handed out is a copy that stays.
//   2. A page handed out has a sound structure: no offset or size in it leads outside of it.
//   3. Where the file is read instead of mapped, the bytes of a page change only when it is
//   verified
//      anew, that is, when it was free in between: who holds a version keeps its pages' bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/coding.h"
#include "base/prefetch.h"
#include "holdfast/status.h"
#include "os/os.h"
#include "os/shared.h"
#include "tree/first_pages.h"

namespace holdfast::tree {

// What a parent knows of a child.
struct PageRef {
  uint32_t pgno = 0;
  uint32_t crc = 0;
  bool has_overflow = false;  // some leaf at or below it references an overflow run
};

// What a leaf cell knows of a value that lies outside the page.
struct OverflowRef {
  uint32_t pgno = 0;
  uint32_t page_count = 0;
  uint32_t crc = 0;  // of the value's bytes
  uint32_t size_bytes = 0;
  uint64_t birth_version = 0;
};

inline constexpr size_t kPageBirthOffset = 8;  // of PageHeader::birth_version

class PageSource {
 public:
  // `base`: the mapping of the data file; `pages_max`: pages the mapping can ever hold.
  PageSource(const char* base, uint32_t page_shift, uint32_t pages_max);
  // Without a mapping, for file systems whose mappings cannot be trusted: pages are read when they
  // are first needed, and stay in this process's memory. `file` must outlive the source. nullptr
  // when there is no address space for `pages_max` pages.
  static std::unique_ptr<PageSource> reading(os::File& file, uint32_t page_shift,
                                             uint32_t pages_max);
  ~PageSource();
  PageSource(const PageSource&) = delete;
  PageSource& operator=(const PageSource&) = delete;

  uint32_t page_size_bytes() const { return 1u << page_shift_; }

  // The page, after its checksum was verified; nullptr (and `*error` set to Corruption with the
  // page number and offset) when it does not match or lies outside.
  const char* load(const PageRef& ref, Status* error) const {
    if (ref.pgno < shown_count_.load(std::memory_order_relaxed) && !in_doubt()) [[likely]] {
      const char* bytes = base_ + (static_cast<uint64_t>(ref.pgno) << page_shift_);
      const uint32_t mark = verified_[ref.pgno].load(std::memory_order_acquire);
      // Where there is none, there may be no page.
      if (mark != 0 && mark == mark_of(ref, bytes)) [[likely]]
        return bytes;
    }
    return load_first(ref, error);
  }

  // Begins to fetch from memory what a scan of the page reads first. A hint: any number does.
  void prefetch(uint32_t pgno) const {
    if (pgno >= shown_count_.load(std::memory_order_relaxed)) return;
    const char* page = base_ + (static_cast<uint64_t>(pgno) << page_shift_);
    holdfast::prefetch(&verified_[pgno]);
    holdfast::prefetch(page);
    holdfast::prefetch(page + 64);
    holdfast::prefetch(page + 128);
    holdfast::prefetch(page + page_size_bytes() - 1);  // the shared prefix
  }

  // Whether the bytes that load() gave are still the page, whatever is remembered; else `*error` is
  // set as there. For whoever makes new pages of them: what the kernel could not write and dropped
  // may be shown as it was before, which nobody is told until the next sync.
  bool is_unchanged(const PageRef& ref, const char* bytes, Status* error) const;

  // What to say of a page that was handed out, is still needed, and has become another.
  Status changed(uint32_t pgno) const;

  // The bytes of an overflow run, after their checksum was verified; nullptr (and `*error` set to
  // Corruption) when it does not match or lies outside.
  const char* load_run(const OverflowRef& ref, Status* error) const;

  // Pages pgno .. as raw bytes, unverified; for overflow runs. nullptr when outside.
  const char* raw(uint32_t pgno, uint32_t count) const;
  // The same of one page that may be needed soon; nullptr also while pages are read first.
  const char* ahead(uint32_t pgno) const {
    return first_ != nullptr && !first_->is_over() ? nullptr : raw(pgno, 1);
  }

  // Reads the first pages that are needed, up to so many bytes, instead of mapping them
  // (first_pages.h). REQUIRES: the pages are mapped, from `file`, which outlives the source;
  // nothing was loaded yet.
  void read_first(os::File& file, size_t bytes_max);

  // What tells of mapped pages that were lost, and read as zeros since; nullptr: nothing, such an
  // access ends the process.
  const os::Losses* losses() const { return losses_; }
  void set_losses(const os::Losses* losses) { losses_ = losses; }

  // Once `word` is `value`, for good, pages are read from `file` into memory of this process: after
  // an error of the disk a mapping may at any moment show old bytes of a page that was verified.
  // Both outlive the source. Nothing where pages are read anyway: those stay as they were read.
  void set_doubt(const os::Shared<uint32_t>& word, uint32_t value, os::File& file) {
    if (file_ != nullptr) return;
    doubt_word_ = &word;
    doubt_value_ = value;
    doubt_file_ = &file;
  }

  // Pages that were born below `version`, which outlives the source, are on the disk.
  void set_durable(const os::Shared<uint64_t>& version) { durable_below_ = &version; }

  // Asked, by any thread, about a page or value that does not match: whether the disk lost it, and
  // the log has it. The error then says so, instead of what to do about rot.
  void set_loss_inquiry(std::function<bool()> is_lost) { is_lost_ = std::move(is_lost); }

  // Pages that exist; load() refuses others. Raised by the store as the file grows;
  // a smaller count is ignored.
  // Clamped to `pages_max`.
  void set_page_count(uint32_t count);
  uint32_t page_count() const { return page_count_.load(std::memory_order_acquire); }
  uint32_t page_count_max() const { return pages_max_; }

 private:
  const char* load_first(const PageRef& ref, Status* error) const;
  const char* verify_page(const PageRef& ref, const char* bytes, Status* error) const;
  // What to say of a page that does not match, as `damage` says.
  Status lost_or(uint32_t pgno, Status damage) const;
  // What reads once the mapping is in doubt; nullptr: there is no address space for it.
  const PageSource* steady() const;
  // Whether the bytes of the run need not be compared again.
  bool is_verified(const OverflowRef& ref) const;
  // Whether the bytes have the page's checksum; else `*error` says so.
  bool matches(const PageRef& ref, const char* bytes, Status* error) const;
  // Whether the bytes are the page; else `*error` says why not.
  bool is_sound(const PageRef& ref, const char* bytes, Status* error) const;
  // Reads pages into this process's memory. REQUIRES: file_ is set; reading_ is held.
  bool read_pages(uint32_t pgno, uint32_t count, Status* error) const;

  // What is remembered of a page that was verified; never 0. The birth is that of the bytes: a slot
  // is never written twice with the same one, but by who repeats what a dead process began. Bytes
  // that were read are this process's, and another thread may be reading the next there.
  uint32_t mark_of(const PageRef& ref, const char* bytes) const {
    constexpr uint64_t kFactor = 0x9fb21c651e98df25;  // odd, its bits look random
    const uint64_t birth = file_ == nullptr ? load_le<uint64_t>(bytes + kPageBirthOffset) : 0;
    return (ref.crc ^ static_cast<uint32_t>(birth * kFactor >> 32)) | 1;
  }

  bool in_doubt() const {
    return doubt_word_ != nullptr && doubt_word_->load(std::memory_order_relaxed) == doubt_value_;
  }

  const os::Losses* losses_ = nullptr;
  const os::Shared<uint32_t>* doubt_word_ = nullptr;
  uint32_t doubt_value_ = 0;
  os::File* doubt_file_ = nullptr;
  mutable std::once_flag steady_begun_;
  mutable std::unique_ptr<PageSource> steady_;
  const os::Shared<uint64_t>* durable_below_ = nullptr;
  std::function<bool()> is_lost_;
  os::File* file_ = nullptr;    // null: the pages are mapped at base_
  char* memory_ = nullptr;      // base_, writable, where they are read to
  mutable std::mutex reading_;  // two threads must not read one page while a third uses it
  const char* base_;
  uint32_t page_shift_;
  uint32_t pages_max_;
  std::atomic<uint32_t> page_count_{0};
  // A mark per page, 0: not yet verified; of runs the CRC. Reserved address space, touched lazily.
  // Written last and with release: who finds a mark here finds the bytes that another thread read.
  // Runs have a table of their own: a run's checksum says nothing about the structure of a page.
  uint32_t remembered_count_;  // entries of each table; 0 when there was no address space
  // As many, or 0 while pages are read first: then nothing is looked up in `verified_`.
  mutable std::atomic<uint32_t> shown_count_{0};
  std::unique_ptr<FirstPages> first_;
  std::atomic<uint32_t>* verified_;
  std::atomic<uint32_t>* verified_runs_;
};

}  // namespace holdfast::tree
