#include "tree/page_source.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "base/crc32c.h"
#include "os/reserve.h"
#include "tree/page.h"

namespace holdfast::tree {
namespace {

constexpr const char* kAdvice = "; restore the store from a backup";

std::string hexadecimal(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "%08x", value);
  return text;
}

std::string place(uint32_t pgno, uint64_t offset) {
  return "page " + std::to_string(pgno) + " at byte " + std::to_string(offset);
}

Status corruption(uint32_t pgno, uint64_t offset, const std::string& what) {
  return Status(StatusCode::kCorruption, place(pgno, offset) + " " + what + kAdvice)
      .with_offset(offset);
}

Status wrong_crc(uint32_t pgno, uint64_t offset, uint32_t expected, uint32_t found) {
  return corruption(pgno, offset,
                    "fails its checksum: expected crc32c " + hexadecimal(expected) + ", found " +
                        hexadecimal(found));
}

}  // namespace

PageSource::PageSource(const char* base, uint32_t page_shift, uint32_t pages_max)
    : base_(base), page_shift_(page_shift), pages_max_(pages_max), remembered_count_(pages_max) {
  CHECK(page_shift < 32 && page_size_bytes() >= kPageSizeMin && page_size_bytes() <= kPageSizeMax);
  CHECK(pages_max > 0);
  const size_t table_size = sizeof(std::atomic<uint32_t>) * static_cast<size_t>(pages_max);
  verified_ = static_cast<std::atomic<uint32_t>*>(os::reserve_zeroed(2 * table_size));
  // Without the tables every load verifies anew: slower, and as safe.
  if (verified_ == nullptr) remembered_count_ = 0;
  shown_count_.store(remembered_count_, std::memory_order_relaxed);
  verified_runs_ = verified_ + remembered_count_;
}

std::unique_ptr<PageSource> PageSource::reading(os::File& file, uint32_t page_shift,
                                                uint32_t pages_max) {
  char* const memory =
      static_cast<char*>(os::reserve_zeroed(static_cast<size_t>(pages_max) << page_shift));
  if (memory == nullptr) return nullptr;
  auto source = std::make_unique<PageSource>(memory, page_shift, pages_max);
  source->file_ = &file;
  source->memory_ = memory;
  // Without the tables every load would read a page again that somebody may be using.
  return source->remembered_count_ == 0 ? nullptr : std::move(source);
}

PageSource::~PageSource() {
  os::release_reserved(memory_, static_cast<size_t>(pages_max_) << page_shift_);
  os::release_reserved(verified_, 2 * sizeof(std::atomic<uint32_t>) * size_t{remembered_count_});
}

void PageSource::read_first(os::File& file, size_t bytes_max) {
  CHECK(file_ == nullptr);
  if (bytes_max < page_size_bytes()) return;
  first_ = std::make_unique<FirstPages>(file, page_shift_, bytes_max);
  if (!first_->is_over()) shown_count_.store(0, std::memory_order_relaxed);
}

void PageSource::set_page_count(uint32_t count) {
  // Only ever up: threads may bring older counts late.
  count = std::min(count, pages_max_);
  uint32_t known = page_count_.load(std::memory_order_relaxed);
  while (known < count &&
         !page_count_.compare_exchange_weak(known, count, std::memory_order_release)) {
  }
}

const char* PageSource::raw(uint32_t pgno, uint32_t count) const {
  if (pgno == 0 || uint64_t{pgno} + count > page_count()) return nullptr;
  return base_ + (static_cast<uint64_t>(pgno) << page_shift_);
}

bool PageSource::read_pages(uint32_t pgno, uint32_t count, Status* error) const {
  const uint64_t offset = static_cast<uint64_t>(pgno) << page_shift_;
  const size_t size = static_cast<size_t>(count) << page_shift_;
  const auto done = file_->read_at(offset, memory_ + offset, size);
  if (!done) {
    *error = done.status();
    return false;
  }
  // As a mapping shows the rest of the last page; behind it, whatever was there fails its checksum.
  std::memset(memory_ + offset + *done, 0, size - *done);
  return true;
}

const PageSource* PageSource::steady() const {
  std::call_once(steady_begun_, [this] {
    steady_ = reading(*doubt_file_, page_shift_, pages_max_);
    if (steady_ != nullptr) steady_->is_lost_ = is_lost_;
  });
  if (steady_ == nullptr) return nullptr;
  steady_->set_page_count(page_count());
  return steady_.get();
}

const char* PageSource::load_first(const PageRef& ref, Status* error) const {
  if (in_doubt()) {
    if (const PageSource* const source = steady()) return source->load(ref, error);
  }
  const char* bytes = raw(ref.pgno, 1);
  if (bytes == nullptr) {
    *error = corruption(ref.pgno, static_cast<uint64_t>(ref.pgno) << page_shift_,
                        "lies outside of the " + std::to_string(page_count()) + " pages");
    return nullptr;
  }
  if (first_ != nullptr && !first_->is_over()) {
    // What it does not give, for whatever reason, the mapping gives or says what is wrong with.
    const auto verify = [this, &ref](const char* read) {
      Status ignored;
      return is_sound(ref, read, &ignored);
    };
    if (const char* const read = first_->load(ref, verify)) return read;
    if (first_->is_over()) shown_count_.store(remembered_count_, std::memory_order_relaxed);
  }
  if (file_ == nullptr) return verify_page(ref, bytes, error);
  const std::lock_guard lock(reading_);
  // Another thread may have read it meanwhile, and hand it out.
  if (verified_[ref.pgno].load(std::memory_order_relaxed) == mark_of(ref, bytes)) return bytes;
  return read_pages(ref.pgno, 1, error) ? verify_page(ref, bytes, error) : nullptr;
}

bool PageSource::is_sound(const PageRef& ref, const char* bytes, Status* error) const {
  if (!matches(ref, bytes, error)) return false;
  const std::string problem = validate_page(bytes, page_size_bytes(), ref.pgno);
  if (problem.empty()) return true;
  *error = corruption(ref.pgno, static_cast<uint64_t>(ref.pgno) << page_shift_,
                      "is malformed: " + problem);
  return false;
}

bool PageSource::matches(const PageRef& ref, const char* bytes, Status* error) const {
  const uint32_t found = crc32c({bytes, page_size_bytes()});
  if (found == ref.crc) [[likely]]
    return true;
  *error = wrong_crc(ref.pgno, static_cast<uint64_t>(ref.pgno) << page_shift_, ref.crc, found);
  return false;
}

bool PageSource::is_unchanged(const PageRef& ref, const char* bytes, Status* error) const {
  if (matches(ref, bytes, error)) return true;
  *error = lost_or(ref.pgno, std::move(*error));
  return false;
}

Status PageSource::changed(uint32_t pgno) const {
  return lost_or(pgno, corruption(pgno, static_cast<uint64_t>(pgno) << page_shift_,
                                  "has become another while it was read"));
}

Status PageSource::lost_or(uint32_t pgno, Status damage) const {
  if (!is_lost_ || !is_lost_()) return damage;
  const uint64_t offset = static_cast<uint64_t>(pgno) << page_shift_;
  return Status(StatusCode::kCorruption,
                place(pgno, offset) +
                    " was lost by the disk; close all handles and open the store again, which "
                    "brings it back from the log")
      .with_offset(offset);
}

const char* PageSource::verify_page(const PageRef& ref, const char* bytes, Status* error) const {
  if (!is_sound(ref, bytes, error)) {
    *error = lost_or(ref.pgno, std::move(*error));
    return nullptr;
  }
  if (ref.pgno < remembered_count_) {
    verified_[ref.pgno].store(mark_of(ref, bytes), std::memory_order_release);
  }
  return bytes;
}

bool PageSource::is_verified(const OverflowRef& ref) const {
  if (ref.pgno >= remembered_count_ || ref.crc == 0) return false;
  if (verified_runs_[ref.pgno].load(std::memory_order_acquire) != ref.crc) return false;
  // What is not on the disk may fall back to what was there, if it cannot be written.
  return file_ != nullptr || durable_below_ == nullptr ||
         (!in_doubt() && ref.birth_version < durable_below_->load(std::memory_order_relaxed));
}

const char* PageSource::load_run(const OverflowRef& ref, Status* error) const {
  if (in_doubt()) {
    if (const PageSource* const source = steady()) return source->load_run(ref, error);
  }
  const uint64_t offset = static_cast<uint64_t>(ref.pgno) << page_shift_;
  const char* bytes = raw(ref.pgno, ref.page_count);
  const uint64_t room = static_cast<uint64_t>(ref.page_count) << page_shift_;
  if (bytes == nullptr || ref.size_bytes > room) {
    *error = corruption(ref.pgno, offset,
                        "cannot hold a value of " + std::to_string(ref.size_bytes) +
                            " bytes: it lies outside of the file or is too short");
    return nullptr;
  }
  if (is_verified(ref)) return bytes;
  std::unique_lock<std::mutex> lock;
  if (file_ != nullptr) {
    lock = std::unique_lock(reading_);
    if (is_verified(ref)) return bytes;
    if (!read_pages(ref.pgno, ref.page_count, error)) return nullptr;
  }
  const uint32_t found = crc32c({bytes, ref.size_bytes});
  if (found != ref.crc) {
    *error = lost_or(ref.pgno, wrong_crc(ref.pgno, offset, ref.crc, found));
    return nullptr;
  }
  if (ref.pgno < remembered_count_) {
    verified_runs_[ref.pgno].store(ref.crc, std::memory_order_release);
  }
  return bytes;
}

}  // namespace holdfast::tree
