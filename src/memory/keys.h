// Keys of the memory layers: the one table of what begins with which byte.
//
// | key                                     | value                                            |
// |-----------------------------------------|--------------------------------------------------|
// | 01 'c' parent:u32 segment               | varint space id, u8 flags (catalog.h)            |
// | 01 'n'                                  | varint: the id that the next space gets          |
// | 01 'e'                                  | number: the epoch of the catalog                 |
// | 01 't' id:u64                           | a space in the trash (spaces.cc)                 |
// | 02 space:u32 key                        | Kv: its row (kv_rows.h)                          |
// | 03 space:u32 ~id:16                     | observation: its row (observation_row.h)         |
// | 04 space:u32 id:16                      | observation: empty; a live one                   |
// | 05 space:u32 id:16                      | observation: content over kInlineContentSizeMax, |
// |                                         | in parts of a MiB (content_parts.h)              |
// | 07 space:u32 key                        | observation: id:16 of the one added with the key |
// | 08 01 space:u32 resource                | claim: who holds the resource (claims.cc)        |
// | 08 02 to 08 08 space:u32 queue ...      | queue: queue_rows.h has the table                |
// | 08 10 to 08 14 space:u32 stream ...     | events: event_rows.h has the table               |
// | 08 20, 08 21 space:u32 end ...          | links: link_rows.h has the table                 |
// | 08 28 to 08 2f space:u32 cache ...      | cache: cache_rows.h has the table                |
// | 08 30 space:u32 inbox key               | inbox: the mark (inbox.cc)                       |
// | 08 31 to 08 35 space:u32 outbox ...     | outbox: outbox_rows.h has the table              |
// | 08 36, 08 37 space:u32 mailbox ...      | messages, and how many (messages.cc)             |
// | 08 38 space:u32 id:16                   | presence: who is there (presence.cc)             |
// | 08 39 space:u32 inbox                   | inbox: number of its marks                       |
// | 08 40 to 08 4a space:u32 ...            | runs, steps and gates: run_rows.h has the table  |
// | 08 4b to 08 4f space:u32 ...            | observations: observation_store.h has the table  |
// | 08 50 space:u32 counter                 | Kv: a counter's number                           |
// | 08 51 space:u32 expires:u64 key         | Kv: index of expiries, empty                     |
// | 08 52 space:u32 prefix, ordered ...     | Kv: history of the keys that begin so            |
// | 08 58 space:u32 ...                     | the text index: search/manifest.h has the table  |
// | 08 59 space:u32 ...                     | vectors: vector_spaces.h has the table           |
// | 08 60 to 08 68 space:u32 ...            | artifacts: artifact_rows.h has the table         |
// | 08 70 to 08 73 space:u32 ...            | registry: registry_rows.h has the table          |
// | 08 80 space:u32 id:16 what:u8           | how observations fare: observation_strength.h    |
// | 08 81, 08 82 space:u32 ...              | limits and figures of the space: meter.h         |
// | 08 83 to 08 86 space:u32 ...            | tiers of observations: observation_tiers.h       |
// | 0d 'k' space:u32 key                    | Kv: hash:32 and varint size of a value's blob    |
//
// Integers in keys are big-endian. Everything of a space is in a few key ranges of its own: names
// that users choose are only ever the last part of a key, so none can reach into another's range.
// Rows stand under the complement of the id: a forward scan gives the newest first; kId stands
// under the id: a forward scan gives the oldest first.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace holdfast::memory {

// Up to 0xff one byte of a key, above two, big end first.
enum class KeyKind : uint16_t {
  kCatalog = 0x01,
  kKv = 0x02,
  kRow = 0x03,
  kId = 0x04,
  kContent = 0x05,
  kIdempotency = 0x07,
  kClaim = 0x0801,
  kJob = 0x0802,
  kJobIndex = 0x0803,
  kJobPayload = 0x0804,
  kJobName = 0x0805,
  kQueueCounter = 0x0806,
  kQueueOptions = 0x0807,
  kJobResult = 0x0808,
  kEvent = 0x0810,
  kEventSeal = 0x0811,
  kEventFloor = 0x0812,
  kEventConsumer = 0x0813,
  kEventRetention = 0x0814,
  kLinkOut = 0x0820,
  kLinkIn = 0x0821,
  kCacheEntry = 0x0828,
  kCacheValue = 0x0829,
  kCacheRecency = 0x082a,
  kCacheExpiry = 0x082b,
  kCacheTag = 0x082c,
  kCacheCounter = 0x082d,
  kCacheOptions = 0x082e,
  kCacheComputer = 0x082f,
  kInboxMark = 0x0830,
  kOutboxEntry = 0x0831,
  kOutboxRelay = 0x0832,
  kOutboxFailed = 0x0833,
  kOutboxDead = 0x0834,
  kOutboxCounter = 0x0835,
  kMessage = 0x0836,
  kMessageCount = 0x0837,
  kPresence = 0x0838,
  kInboxCount = 0x0839,
  kRun = 0x0840,
  kRunIndex = 0x0841,
  kRunName = 0x0842,
  kRunData = 0x0843,
  kStep = 0x0844,
  kStepIndex = 0x0845,
  kStepAwaits = 0x0846,
  kStepData = 0x0847,
  kGate = 0x0848,
  kRunEvent = 0x0849,
  kStepCounter = 0x084a,
  kObservationIndex = 0x084b,
  kForgotten = 0x084c,
  kObservationHistory = 0x084d,
  kDerived = 0x084e,
  kObservationSettings = 0x084f,
  kKvCounter = 0x0850,
  kKvExpiry = 0x0851,
  kKvHistory = 0x0852,
  kTextIndex = 0x0858,
  kVectors = 0x0859,
  kArtifact = 0x0860,
  kArtifactVersion = 0x0861,
  kArtifactBlob = 0x0862,
  kArtifactContent = 0x0863,
  kArtifactReference = 0x0864,
  kArtifactAlias = 0x0865,
  kArtifactSignature = 0x0866,
  kArtifactIndex = 0x0867,
  kArtifactId = 0x0868,
  kRegistryEntry = 0x0870,
  kDefinition = 0x0871,
  kPublication = 0x0872,
  kDefinitionUses = 0x0873,
  kStrength = 0x0880,
  kSpaceLimits = 0x0881,
  kSpaceFigure = 0x0882,
  kTierCounter = 0x0883,
  kColdContent = 0x0884,
  kColdDictionary = 0x0885,
  kTierCursor = 0x0886,
  kKvBlob = 0x0d6b,  // 0d otherwise belongs to blob/
};

inline void append_big_endian(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// All keys of one kind in one space.
inline std::string space_prefix(KeyKind kind, uint32_t space_id) {
  std::string key;
  const auto number = static_cast<uint16_t>(kind);
  if (number > 0xff) key.push_back(static_cast<char>(number >> 8));
  key.push_back(static_cast<char>(number));
  append_big_endian(key, space_id);
  return key;
}

// The key ranges that a space may have: every kind that has its id behind it, known to this build
// or not.
template <typename Visit>
void for_each_space_prefix(uint32_t space_id, const Visit& visit) {
  const auto prefix_of = [&](uint16_t kind) {
    return space_prefix(static_cast<KeyKind>(kind), space_id);
  };
  for (uint16_t kind = 0x02; kind <= 0x07; ++kind) visit(kind, prefix_of(kind));
  for (uint16_t kind = 0x0800; kind <= 0x08ff; ++kind) visit(kind, prefix_of(kind));
  visit(static_cast<uint16_t>(KeyKind::kKvBlob),
        prefix_of(static_cast<uint16_t>(KeyKind::kKvBlob)));
}

inline std::string space_key(KeyKind kind, uint32_t space_id, std::string_view rest) {
  return space_prefix(kind, space_id).append(rest);
}

// The complement of a string of bytes: reverses the order of ids.
inline std::string complement(std::string_view bytes) {
  std::string out(bytes);
  for (char& c : out) c = static_cast<char>(~c);
  return out;
}

inline std::string row_key(uint32_t space_id, const Uuid& id) {
  return space_key(KeyKind::kRow, space_id, complement(id.view()));
}

}  // namespace holdfast::memory
