// Reader: goes through the records of accepted history, from a position to a limit.
//
// Who: store/ (apply, validation, recovery, check). One thread at a time.
// Invariants:
//   1. A record is returned only if it is whole: it fits the segment, names its own position,
//      continues the chain, belongs to the epoch, and both checksums match.
//   2. Where a segment's records end, reading goes on in the segment that declares that very
//      point as its predecessor's end.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "log/format.h"
#include "log/segment.h"
#include "os/reserve.h"

namespace holdfast::log {

// A point between two records, with what the next record must continue from.
struct Position {
  Lsn lsn = 0;
  uint32_t prev_crc = 0;
  uint32_t epoch = 0;
  uint64_t version = 0;
  uint64_t time_us = 0;
};

struct Record {
  RecordHeader header;
  std::string_view payload;  // into the Window; holds until it is used again
};

// Reads ahead in one segment. Bytes behind `end` may be in the middle of being written by others:
// nothing behind it is looked at.
class Window {
 public:
  static constexpr uint64_t kSizeFirst = 512;  // of a segment: often its end is all that is asked
  static constexpr uint64_t kSize = 64u << 10;
  static constexpr uint64_t kSizeKept = 8u << 20;

  // From now on what view() returns is kept in `kept`, and may be changed there, until that goes;
  // more is read at once. REQUIRES: `kept` stays where it is while the window is used.
  void keep_in(std::deque<os::LargeBytes>& kept) { kept_ = &kept; }

  void enter(std::shared_ptr<Segment> segment);
  const std::shared_ptr<Segment>& segment() const { return segment_; }

  // [offset, offset + size), or less where the segment or `end` comes first. Errors: Os's.
  Result<std::string_view> view(uint64_t offset, uint64_t size, uint64_t end);

  // The record at `offset`, checked against `position`, or without a position against itself
  // alone (for scans over damage). nullopt if it is not whole before `end`.
  Result<std::optional<Record>> record(uint64_t offset, uint64_t end, const Position* position);

 private:
  char* room(uint64_t size);

  std::shared_ptr<Segment> segment_;
  std::deque<os::LargeBytes>* kept_ = nullptr;
  os::LargeBytes own_;
  bool has_read_ = false;   // of segment_
  std::string_view bytes_;  // what was read, into kept_ or own_
  uint64_t begin_ = 0;
};

// Whether what lies before the limit is known to be history (the tail of a running store), or a
// later segment may have declared an earlier end (a cold start). Looking that up costs a listing.
enum class Trust : uint8_t { kAccepted, kUnproven };

class Reader {
 public:
  Reader(SegmentFiles& files, const std::array<char, 16>& store_id, const Position& start,
         Trust trust);

  // The next record before `limit`, or nullopt at the limit or where history ends (position()
  // tells which). Errors: those of opening a segment; a first segment that is missing is
  // Corruption.
  Result<std::optional<Record>> next(Lsn limit);

  // Payloads of records returned from now on stay in `kept`, see Window.
  void keep_in(std::deque<os::LargeBytes>& kept) { window_.keep_in(kept); }

  // Behind the last record returned.
  const Position& position() const { return position_; }

 private:
  Status enter(std::shared_ptr<Segment> segment);
  Result<bool> enter_successor();
  Status find_declared_end();

  SegmentFiles& files_;
  const std::array<char, 16> store_id_;
  const Trust trust_;
  Position position_;
  Window window_;
  Lsn end_declared_ = 0;  // 0: no successor declares an end
};

// The started segment that continues `number`: of those that name it as predecessor the one of
// the highest epoch, then number. nullptr if there is none.
Result<std::shared_ptr<Segment>> successor(SegmentFiles& files,
                                           const std::array<char, 16>& store_id, uint64_t number);

}  // namespace holdfast::log
