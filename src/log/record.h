// Records: building and validating one record's header, and the payload of a commit.
//
// Who: log/ and store/. Stateless functions; thread-safe.
// Payload of a commit: the actor (varint size, bytes), then operations, each a kind and what the
// kind needs (docs/format.md). Operations are logical: applied to the same state in the order of
// the log they give the same state, whatever the pages look like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/status.h"
#include "log/format.h"

namespace holdfast::log {

uint32_t salt_seed(uint64_t salt);

// Seals `header`: computes header_crc over the other fields.
void seal(RecordHeader& header, uint64_t salt);
// Whether header_crc matches the other fields under `salt`.
bool sealed(const RecordHeader& header, uint64_t salt);

// Seals and checks a segment header; `segment_header_valid` also checks magic and version.
void seal(SegmentHeader& header);
bool segment_header_valid(const SegmentHeader& header);

enum class OperationKind : uint8_t {
  kPut = 1,
  kDelete = 2,
  kPutStamped = 3,   // a put whose key gets the commit's version put into it, or its value
  kAdd = 4,          // adds to a number (number.h) without reading it
  kMax = 5,          // raises a number
  kDeleteRange = 6,  // deletes every key in [key, value); an empty value: to the last key
};

// Where a stamped put gets the commit's version.
enum class StampPlace : uint8_t { kKey, kValue, kNowhere };

// Of a stamped put: where the commit puts its version, and whether it puts its time, too.
struct Stamp {
  static constexpr size_t kSize = 8;  // bytes of a version or a time

  uint32_t key_offset = 0;  // of 8 bytes in the key: the version, big-endian
  bool descending = false;  // the version's complement instead: newest first
  bool has_time = false;    // the value's first 8 bytes: commit time in us, little-endian
  StampPlace place = StampPlace::kKey;  // in the value: behind the time, little-endian

  bool in_key() const { return place == StampPlace::kKey; }
  bool in_value() const { return place == StampPlace::kValue; }
  // Bytes of the value that are not the user's.
  size_t value_room() const { return (has_time ? kSize : 0) + (in_value() ? kSize : 0); }
};

// Writes the stamp of a commit into a key and a value. REQUIRES: there is room for it.
void write_stamp(const Stamp& stamp, uint64_t version, uint64_t time_us, char* key, char* value);

struct Operation {
  OperationKind kind;
  std::string_view key;    // of a deleted range: its begin
  std::string_view value;  // of a put; of a deleted range: its end
  Stamp stamp = {};        // of a stamped put, whose key and value hold room for it
  int64_t operand = 0;     // of kAdd and kMax
};

// The key that the operation writes in the commit of `version`; of a deleted range its begin.
std::string written_key(const Operation& operation, uint64_t version);
// Whether it writes a key of [begin, end); an empty end: to the last key.
bool writes_into(const Operation& operation, uint64_t version, std::string_view begin,
                 std::string_view end);

// Builds a commit's payload, with room for the record's header in front: one write, no copy.
class PayloadBuilder {
 public:
  explicit PayloadBuilder(std::string_view actor);
  // Makes room for so many operations with so many bytes of keys and values.
  void reserve(size_t operations, size_t bytes);
  void put(std::string_view key, std::string_view value);
  void del(std::string_view key);
  // `key` and `value` hold room for the stamp.
  void put_stamped(std::string_view key, std::string_view value, const Stamp& stamp);
  // kAdd or kMax.
  void change_number(OperationKind kind, std::string_view key, int64_t operand);
  void delete_range(std::string_view begin, std::string_view end);
  uint32_t operation_count() const { return operation_count_; }
  uint32_t range_count() const { return range_count_; }
  std::string_view payload() const { return std::string_view(bytes_).substr(sizeof(RecordHeader)); }
  // Header and payload, once the header is known.
  std::string_view record(const RecordHeader& header);

 private:
  void begin(OperationKind kind);

  std::string bytes_;
  uint32_t operation_count_ = 0;
  uint32_t range_count_ = 0;
};

// Takes a payload apart; a note's empty one holds nothing. `next` returns nullopt at the end;
// malformed() tells whether that end came too early (a payload whose CRC matches is only malformed
// by a bug), unknown() whether it came at an operation that only a newer Holdfast understands.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload);
  // Of some operations alone, out of a payload.
  static PayloadReader of_operations(std::string_view bytes);
  std::string_view actor() const { return actor_; }
  std::optional<Operation> next();
  // What was not read yet: an operation's bytes are those that next() takes off its front.
  std::string_view rest() const { return rest_; }
  bool malformed() const { return end_ == End::kMalformed; }
  bool unknown() const { return end_ == End::kUnknown; }
  // ok, or why not everything was read: Unsupported or Corruption.
  Status status() const;

 private:
  enum class End : uint8_t { kWhole, kMalformed, kUnknown };

  std::optional<Operation> stop(End end);
  End take_stamp(Stamp& stamp);
  bool take_operand(int64_t& operand);

  std::string_view rest_;
  std::string_view actor_;
  End end_ = End::kWhole;
};

}  // namespace holdfast::log
