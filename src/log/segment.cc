#include "log/segment.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "log/record.h"

namespace holdfast::log {
namespace {

constexpr size_t kOpenSegmentsMax = 8;
constexpr uint64_t kFirstCapacity = 1u << 20;
constexpr uint64_t kZeroFillPiece = 1u << 20;
constexpr std::string_view kSuffix = ".wal";
constexpr size_t kDigits = 20;

}  // namespace

Result<std::shared_ptr<Segment>> Segment::open(os::Os& os, const std::string& path, uint64_t number,
                                               os::OpenMode mode) {
  std::shared_ptr<Segment> segment(new Segment());
  segment->number_ = number;
  segment->path_ = path;
  HOLDFAST_ASSIGN(segment->file_, os.open(path, mode));
  HOLDFAST_ASSIGN(const os::FileInfo info, segment->file_->info());
  if (info.size_bytes < kSegmentHeaderSize) {
    return Status(StatusCode::kCorruption,
                  "log segment is shorter than its header; restore it from a backup")
        .with_path(path)
        .with_offset(info.size_bytes);
  }
  segment->capacity_ = info.size_bytes;
  HOLDFAST_ASSIGN(const size_t read,
                  segment->file_->read_at(0, reinterpret_cast<char*>(&segment->header_),
                                          sizeof(segment->header_)));
  if (read < sizeof(segment->header_)) segment->header_ = {};
  return segment;
}

Status Segment::read(uint64_t offset, uint64_t size, std::string& out) const {
  out.resize(offset < capacity_ ? std::min(size, capacity_ - offset) : 0);
  HOLDFAST_ASSIGN(const size_t count, read(offset, out.size(), out.data()));
  out.resize(count);
  return Status::ok();
}

Result<size_t> Segment::read(uint64_t offset, uint64_t size, char* out) const {
  const uint64_t there = offset < capacity_ ? std::min(size, capacity_ - offset) : 0;
  return file_->read_at(offset, out, there);
}

bool Segment::started(const std::array<char, 16>& store_id) const {
  return segment_header_valid(header_) && header_.segment == number_ &&
         header_.store_id == store_id;
}

SegmentFiles::SegmentFiles(os::Os& os, std::string directory, uint64_t capacity_max)
    : os_(os), directory_(std::move(directory)), capacity_max_(capacity_max) {}

std::string SegmentFiles::path(uint64_t number) const {
  // Not printf, which nothing else needs to open a store: its pages of libc cost 10 us to map.
  std::string name(kDigits, '0');
  for (size_t i = kDigits; number > 0; number /= 10) name[--i] += static_cast<char>(number % 10);
  return directory_ + "/" + name + std::string(kSuffix);
}

uint64_t SegmentFiles::capacity(uint64_t number) const {
  const uint64_t doublings = std::min<uint64_t>(number > 0 ? number - 1 : 0, 10);
  return std::min(capacity_max_, kFirstCapacity << doublings);
}

Result<std::vector<uint64_t>> SegmentFiles::list() const {
  HOLDFAST_ASSIGN(const std::vector<std::string> names, os_.list(directory_));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) continue;
    uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + kDigits, number);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + kDigits) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::shared_ptr<Segment>> SegmentFiles::open(uint64_t number) {
  std::lock_guard lock(mutex_);
  for (const auto& segment : open_) {
    if (segment->number() == number) return segment;
  }
  HOLDFAST_ASSIGN(auto segment, Segment::open(os_, path(number), number));
  // A segment that is not started may still be replaced by a larger one: not remembered.
  const SegmentHeader& header = segment->header();
  if (!segment_header_valid(header) || header.segment != number) return segment;
  if (open_.size() >= kOpenSegmentsMax) open_.erase(open_.begin());
  open_.push_back(segment);
  return segment;
}

Result<std::shared_ptr<Segment>> SegmentFiles::open_to_read(uint64_t number) {
  auto segment = SegmentFiles::open(number);
  if (segment || segment.status().code() != StatusCode::kPermissionDenied) return segment;
  return Segment::open(os_, path(number), number, os::OpenMode::kRead);
}

void SegmentFiles::forget(uint64_t number) {
  std::lock_guard lock(mutex_);
  std::erase_if(open_, [&](const auto& segment) { return segment->number() == number; });
}

Status SegmentFiles::fill(const std::string& path, uint64_t capacity,
                          const std::function<bool()>& is_awaited) {
  HOLDFAST_ASSIGN(auto file, os_.open(path, os::OpenMode::kCreate));
  HOLDFAST_TRY(file->truncate(0));
  std::string zeros;
  for (uint64_t offset = 0; offset < capacity; offset += zeros.size()) {
    if (is_awaited()) {
      HOLDFAST_TRY(file->allocate(offset, capacity - offset));
      return file->sync_data();
    }
    zeros.resize(std::min(capacity - offset, kZeroFillPiece));
    HOLDFAST_TRY(file->write_at(offset, zeros));
    // Piece by piece: commits that are synced meanwhile wait behind one of them, not behind all.
    HOLDFAST_TRY(file->sync_data());
  }
  return Status::ok();
}

Status SegmentFiles::prepare(uint64_t number, uint64_t capacity,
                             const std::function<bool()>& is_awaited) {
  // Not over an existing name: that one may be longer than asked for, or still in use.
  const std::string temporary = directory_ + "/prepare.tmp";
  if (Status status = fill(temporary, capacity, is_awaited); !status) {
    (void)os_.remove(temporary);  // it may hold the last blocks of the disk
    return status;
  }
  HOLDFAST_TRY(os_.rename(temporary, path(number)));
  return os_.sync_directory(directory_);
}

Status SegmentFiles::recycle(uint64_t from, uint64_t to) {
  forget(from);
  HOLDFAST_TRY(os_.rename(path(from), path(to)));
  return os_.sync_directory(directory_);
}

Status SegmentFiles::remove(uint64_t number) {
  forget(number);
  return os_.remove(path(number));
}

}  // namespace holdfast::log
