#include "log/reader.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "log/record.h"

namespace holdfast::log {

void Window::enter(std::shared_ptr<Segment> segment) {
  segment_ = std::move(segment);
  has_read_ = false;
  bytes_ = {};
}

char* Window::room(uint64_t size) {
  if (kept_ != nullptr) return kept_->emplace_back(size).data();
  if (own_.size() < size) own_ = os::LargeBytes(size);
  return own_.data();
}

Result<std::string_view> Window::view(uint64_t offset, uint64_t size, uint64_t end) {
  const uint64_t last = std::min({offset + size, end, segment_->capacity()});
  if (offset >= last) return std::string_view();
  if (offset < begin_ || last > begin_ + bytes_.size()) {
    const uint64_t least = kept_ != nullptr ? kSizeKept : has_read_ ? kSize : kSizeFirst;
    const uint64_t wanted = std::max(size, least);
    has_read_ = true;
    const uint64_t ahead = std::min({wanted, end - offset, segment_->capacity() - offset});
    bytes_ = {};
    char* const room_for_them = room(ahead);
    HOLDFAST_ASSIGN(const size_t count, segment_->read(offset, ahead, room_for_them));
    bytes_ = {room_for_them, count};
    begin_ = offset;
  }
  return bytes_.substr(offset - begin_, last - offset);
}

Result<std::optional<Record>> Window::record(uint64_t offset, uint64_t end,
                                             const Position* position) {
  constexpr std::optional<Record> kNotWhole;
  HOLDFAST_ASSIGN(const std::string_view head, view(offset, sizeof(RecordHeader), end));
  if (head.size() < sizeof(RecordHeader)) return kNotWhole;
  Record record;
  std::memcpy(&record.header, head.data(), sizeof(RecordHeader));
  const RecordHeader& header = record.header;
  if (header.type != static_cast<uint16_t>(RecordType::kCommit) &&
      header.type != static_cast<uint16_t>(RecordType::kNote)) {
    return kNotWhole;
  }
  if (header.lsn != make_lsn(segment_->number(), offset)) return kNotWhole;
  if (position != nullptr) {
    if (header.prev_header_crc != position->prev_crc) return kNotWhole;
    if (header.epoch != position->epoch) return kNotWhole;
  }
  if (!sealed(header, segment_->header().salt)) return kNotWhole;
  const uint64_t size = sizeof(RecordHeader) + header.payload_size;
  HOLDFAST_ASSIGN(const std::string_view whole, view(offset, size, end));
  if (whole.size() < size) return kNotWhole;
  record.payload = whole.substr(sizeof(RecordHeader));
  if (crc32c(record.payload) != header.payload_crc) return kNotWhole;
  return std::optional<Record>(record);
}

Result<std::shared_ptr<Segment>> successor(SegmentFiles& files,
                                           const std::array<char, 16>& store_id, uint64_t number) {
  HOLDFAST_ASSIGN(const std::vector<uint64_t> numbers, files.list());
  std::shared_ptr<Segment> best;
  uint32_t best_epoch = 0;
  for (const uint64_t candidate : numbers) {
    if (candidate <= number) continue;
    auto segment = files.open_to_read(candidate);
    if (!segment) {
      if (segment.status().code() == StatusCode::kNotFound) continue;
      if (segment.status().code() == StatusCode::kCorruption) continue;  // not started
      return segment.status();
    }
    if (!(*segment)->started(store_id)) continue;
    const SegmentHeader& header = (*segment)->header();
    if (header.prev_segment != number) continue;
    if (best == nullptr || header.epoch >= best_epoch) {
      best = *segment;
      best_epoch = header.epoch;
    }
  }
  return best;
}

Reader::Reader(SegmentFiles& files, const std::array<char, 16>& store_id, const Position& start,
               Trust trust)
    : files_(files), store_id_(store_id), trust_(trust), position_(start) {}

// A void or a recovery may have declared an end before the last whole record of a segment.
Status Reader::find_declared_end() {
  end_declared_ = 0;
  if (trust_ == Trust::kAccepted) return Status::ok();
  HOLDFAST_ASSIGN(auto next, successor(files_, store_id_, window_.segment()->number()));
  if (next != nullptr) end_declared_ = next->header().prev_end_lsn;
  return Status::ok();
}

Status Reader::enter(std::shared_ptr<Segment> segment) {
  if (!segment->started(store_id_)) {
    return Status(StatusCode::kCorruption,
                  "the header of a log segment that history needs is damaged; restore the "
                  "segment from a backup")
        .with_path(segment->path());
  }
  window_.enter(std::move(segment));
  return Status::ok();
}

Result<bool> Reader::enter_successor() {
  HOLDFAST_ASSIGN(auto next, successor(files_, store_id_, lsn_segment(position_.lsn)));
  if (next == nullptr) return false;
  const SegmentHeader header = next->header();
  if (header.prev_end_lsn != position_.lsn || header.prev_crc != position_.prev_crc) return false;
  if (header.start_version < position_.version) return false;
  HOLDFAST_TRY(enter(next));
  position_.lsn = make_lsn(header.segment, kSegmentHeaderSize);
  position_.epoch = header.epoch;
  position_.version = header.start_version;
  return true;
}

Result<std::optional<Record>> Reader::next(Lsn limit) {
  while (position_.lsn < limit) {
    const uint64_t number = lsn_segment(position_.lsn);
    if (window_.segment() == nullptr || window_.segment()->number() != number) {
      auto segment = files_.open_to_read(number);
      if (!segment) {
        if (segment.status().code() != StatusCode::kNotFound) return segment.status();
        return Status(StatusCode::kCorruption, "log segment " + std::to_string(number) +
                                                   " is missing; restore it from a backup")
            .with_path(files_.path(number));
      }
      HOLDFAST_TRY(enter(*segment));
      HOLDFAST_TRY(find_declared_end());
    }
    if (end_declared_ != position_.lsn) {
      const uint64_t end = lsn_segment(limit) == number ? lsn_offset(limit) : ~0ull;
      HOLDFAST_ASSIGN(auto record, window_.record(lsn_offset(position_.lsn), end, &position_));
      if (record && record->header.version >= position_.version) {
        position_.lsn += record_size(record->header.payload_size);
        position_.prev_crc = record->header.header_crc;
        position_.version = record->header.version;
        position_.time_us = record->header.commit_time_us;
        return record;
      }
    }
    HOLDFAST_ASSIGN(const bool entered, enter_successor());
    if (!entered) return std::optional<Record>();
    HOLDFAST_TRY(find_declared_end());
  }
  return std::optional<Record>();
}

}  // namespace holdfast::log
