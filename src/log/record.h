// Records: building and validating one record's header, and the payload of a commit.
//
// Who: log/ and store/. Stateless functions; thread-safe.
// Payload of a commit: the actor (varint size, bytes), then operations, each
// `u8 kind, varint key size, key [, varint value size, value]`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

enum class OperationKind : uint8_t { kPut = 1, kDelete = 2 };

// Builds a commit's payload, with room for the record's header in front: one write, no copy.
class PayloadBuilder {
 public:
  explicit PayloadBuilder(std::string_view actor);
  void put(std::string_view key, std::string_view value);
  void del(std::string_view key);
  uint32_t operation_count() const { return operation_count_; }
  std::string_view payload() const { return std::string_view(bytes_).substr(sizeof(RecordHeader)); }
  // Header and payload, once the header is known.
  std::string_view record(const RecordHeader& header);

 private:
  std::string bytes_;
  uint32_t operation_count_ = 0;
};

struct Operation {
  OperationKind kind;
  std::string_view key;
  std::string_view value;  // of a put
};

// Takes a payload apart; a note's empty one holds nothing. `next` returns nullopt at the end;
// malformed() tells whether that end came too early (a payload whose CRC matches is only malformed
// by a bug).
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload);
  std::string_view actor() const { return actor_; }
  std::optional<Operation> next();
  bool malformed() const { return malformed_; }

 private:
  std::string_view rest_;
  std::string_view actor_;
  bool malformed_ = false;
};

}  // namespace holdfast::log
