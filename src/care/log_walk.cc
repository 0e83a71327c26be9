#include "care/log_walk.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "log/record.h"

namespace holdfast::care {
namespace {

constexpr uint64_t kStride = 512;

// A record whose header cannot be verified: it names its place, its kind is known, and its
// payload matches. Of a note nothing could be verified, so it is not taken for one.
Result<std::optional<log::Record>> record_by_payload(log::Window& window, uint64_t offset) {
  constexpr std::optional<log::Record> kNone;
  HOLDFAST_ASSIGN(const std::string_view head,
                  window.view(offset, sizeof(log::RecordHeader), ~0ull));
  if (head.size() < sizeof(log::RecordHeader)) return kNone;
  log::Record record;
  std::memcpy(&record.header, head.data(), sizeof(record.header));
  if (record.header.lsn != log::make_lsn(window.segment()->number(), offset)) return kNone;
  if (record.header.type != static_cast<uint16_t>(log::RecordType::kCommit)) return kNone;
  const uint64_t size = sizeof(log::RecordHeader) + record.header.payload_size;
  HOLDFAST_ASSIGN(const std::string_view whole, window.view(offset, size, ~0ull));
  if (whole.size() < size) return kNone;
  record.payload = whole.substr(sizeof(log::RecordHeader));
  if (crc32c(record.payload) != record.header.payload_crc) return kNone;
  return std::optional<log::Record>(record);
}

// Collects what lies between records.
class Gap {
 public:
  Gap(const SegmentView& segment, LogVisitor& visitor) : segment_(segment), visitor_(visitor) {}

  void skip(uint64_t offset, std::string_view bytes, bool begun) {
    if (all_zero(bytes)) return;
    if (end_ == 0) {
      begin_ = offset;
      begun_ = begun;
    }
    end_ = offset + bytes.size();
  }
  Status close(bool last) {
    if (end_ == 0) return Status::ok();
    GapView view;
    view.segment = segment_.number;
    view.is_void =
        segment_.declared_end && log::make_lsn(segment_.number, begin_) >= *segment_.declared_end;
    view.offset = begin_;
    view.bytes = end_ - begin_;
    view.begun = begun_;
    view.last = last;
    end_ = 0;
    return visitor_.gap(view);
  }

 private:
  const SegmentView& segment_;
  LogVisitor& visitor_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;  // 0: no gap is open
  bool begun_ = false;
};

// Whether `bytes` begin with the header of a record of this very place.
bool begins_record(std::string_view bytes, log::Lsn lsn) {
  if (bytes.size() < sizeof(log::RecordHeader)) return false;
  log::RecordHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return header.lsn == lsn && header.type != 0;
}

}  // namespace

LogWalk::LogWalk(StoreFiles& files)
    : files_(files), store_id_(files.store_id().value_or(std::array<char, 16>{})) {
  find_declared_ends();
}

// Follows history back from the newest segment: each one declares where the one before it ends.
// What was started in between belongs to no history. Where one is missing or damaged, the highest
// before it counts.
void LogWalk::find_declared_ends() {
  std::map<uint64_t, log::SegmentHeader> started;
  uint64_t current = 0;
  for (const uint64_t number : files_.segment_numbers()) {
    const auto segment = files_.segments().open(number);
    if (!segment || !(*segment)->started(store_id_)) continue;
    started.emplace(number, (*segment)->header());
    if (current == 0 || (*segment)->header().epoch >= started.at(current).epoch) current = number;
  }
  for (const auto& [number, header] : started) {
    if (number > current) declared_ends_[number] = log::make_lsn(number, 0);
  }
  while (current != 0) {
    const log::SegmentHeader& header = started.at(current);
    const uint64_t before = std::min(header.prev_segment, current - 1);
    for (auto it = started.upper_bound(before); it != started.end() && it->first < current; ++it) {
      declared_ends_[it->first] = log::make_lsn(it->first, 0);
    }
    declared_ends_[before] = header.prev_end_lsn;
    auto next = started.upper_bound(before);
    current = next == started.begin() ? 0 : std::prev(next)->first;
  }
}

SegmentView LogWalk::view_of(uint64_t number, std::shared_ptr<log::Segment>& segment) {
  SegmentView view;
  view.number = number;
  view.path = files_.segments().path(number);
  auto opened = files_.segments().open(number);
  view.status = opened.status();
  const auto end = declared_ends_.find(number);
  if (end != declared_ends_.end()) view.declared_end = end->second;
  if (!opened) return view;
  segment = *opened;
  view.bytes = segment->capacity();
  view.started = segment->started(store_id_);
  if (view.started) {
    view.header = segment->header();
    view.cut = !segment->whole();
  }
  const log::SegmentHeader& header = segment->header();
  view.blank = all_zero({reinterpret_cast<const char*>(&header), sizeof(header)});
  view.leftover = log::segment_header_valid(header) && header.segment != number;
  return view;
}

Status LogWalk::walk(uint64_t first, LogVisitor& visitor) {
  for (const uint64_t number : files_.segment_numbers()) {
    if (number < first) continue;
    std::shared_ptr<log::Segment> segment;
    const SegmentView view = view_of(number, segment);
    HOLDFAST_TRY(visitor.segment(view));
    if (segment != nullptr && !view.leftover)
      HOLDFAST_TRY(walk_segment(view, std::move(segment), visitor));
  }
  return Status::ok();
}

Status LogWalk::walk_segment(const SegmentView& view, std::shared_ptr<log::Segment> segment,
                             LogVisitor& visitor) {
  log::Window window;
  window.enter(segment);
  Gap gap(view, visitor);
  uint32_t chain = view.header.prev_crc;
  bool chain_known = view.started;
  for (uint64_t offset = log::kSegmentHeaderSize; offset < view.bytes;) {
    HOLDFAST_ASSIGN(const std::string_view stride,
                    window.view(offset, kStride - offset % kStride, ~0ull));
    if (all_zero(stride)) {
      offset += std::max<uint64_t>(stride.size(), log::kRecordAlignment);
      continue;
    }
    const log::Lsn lsn = log::make_lsn(view.number, offset);
    HOLDFAST_ASSIGN(const auto record, view.started ? window.record(offset, ~0ull, nullptr)
                                                    : record_by_payload(window, offset));
    if (!record) {
      HOLDFAST_ASSIGN(const std::string_view head,
                      window.view(offset, sizeof(log::RecordHeader), ~0ull));
      gap.skip(offset, head.substr(0, log::kRecordAlignment), begins_record(head, lsn));
      offset += log::kRecordAlignment;
      chain_known = false;
      continue;
    }
    HOLDFAST_TRY(gap.close(false));
    const log::RecordHeader& header = record->header;
    RecordView found{header, record->payload};
    found.size = log::record_size(header.payload_size);
    found.chained = chain_known && header.prev_header_crc == chain;
    found.is_void = view.declared_end && lsn >= *view.declared_end;
    found.payload_only = !view.started;
    const uint32_t crc = header.header_crc;
    const uint64_t size = found.size;
    HOLDFAST_TRY(visitor.record(found));
    chain = crc;
    chain_known = true;
    offset += size;
  }
  return gap.close(true);
}

}  // namespace holdfast::care
