// Stretch: a part of the log as replay.h remembers it: not the operations, but where they stand, so
// that a million of them can be sorted by key in little memory.
//
// Who: recovery and replay.h. Single-threaded while it is filled; then any thread may read it.
// Invariants:
//   1. Whole records follow each other from begin() to end().
//   2. A place with a smaller head has a smaller key.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "log/reader.h"
#include "log/record.h"
#include "store/erasures.h"
#include "tree/arena.h"

namespace holdfast::store {

// Where one operation stands.
struct Place {
  uint64_t head;  // of its key, see key_sort.h
  uint64_t at;    // index of the segment << 32 | offset: in the order of the log
  uint32_t size;
  uint32_t crc;

  uint64_t segment_index() const { return at >> 32; }
  uint64_t offset() const { return at & 0xffffffffu; }
  bool operator<(const Place& other) const {
    return head != other.head ? head < other.head : at < other.at;
  }
};

// Version and time of a commit.
struct CommitStamp {
  uint64_t version;
  uint64_t time_us;
};

class Stretch {
 public:
  // What a stretch may take: bytes of memory, and bytes of log that it refers to.
  struct Limits {
    uint64_t memory_bytes;
    uint64_t log_bytes;
  };

  Stretch(const log::Position& begin, const Limits& limits);

  // Nothing more is to be added: a limit is reached.
  bool full() const {
    return memory_used_ >= limits_.memory_bytes || log_used_ >= limits_.log_bytes;
  }
  // An operation of `record`, whose payload holds it as `bytes`. Records come in order.
  void add(const log::Record& record, const log::Operation& operation, std::string_view bytes);
  // Behind the last operation of a record; `end`: where the reader stands.
  void end_record(const log::RecordHeader& header, const log::Position& end);
  // Behind the last record: history may go on in another segment, with a later version.
  void end_at(const log::Position& end) { end_ = end; }

  const log::Position& begin() const { return begin_; }
  const log::Position& end() const { return end_; }
  uint64_t pages_needed() const { return pages_needed_; }
  std::span<Place> places() { return places_; }
  // Segment numbers, by index.
  const std::vector<uint64_t>& segments() const { return segments_; }
  // Deleted ranges; their order is Place::at.
  const Erasures& erasures() const { return erasures_; }
  // Of the commit that a stamped put belongs to.
  CommitStamp stamp_of(const Place& place) const;

 private:
  struct StampedRecord {
    uint64_t at;  // as Place
    CommitStamp stamp;
  };

  uint64_t head_of(std::string_view key);
  std::string_view key_written(const log::Record& record, const log::Operation& operation);

  Limits limits_;
  log::Position begin_, end_;
  uint64_t memory_used_ = 0, log_used_ = 0;
  uint64_t pages_needed_ = 0;
  std::vector<Place> places_;
  std::vector<uint64_t> segments_;
  std::vector<StampedRecord> stamped_;
  Erasures erasures_;
  tree::Arena erased_keys_;
  std::string shared_;  // what all keys begin with; heads are of what follows
  std::string key_;
};

}  // namespace holdfast::store
