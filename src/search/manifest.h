// The manifest of a text index: which segments there are, and how far a merge has got; and the keys
// of everything that the index writes.
//
// | key, behind the index's prefix          | value                                             |
// |-----------------------------------------|---------------------------------------------------|
// | 'a' id:16                               | a document that no segment has: its text record   |
// | 'd' id:16                               | one that was dropped, and that its segment still  |
// |                                         | counts: the text record that was indexed          |
// | 'l' code                                | there are, or were, documents in that language:   |
// |                                         | u8 kLanguagesFormat (analysis.h)                  |
// | 'm'                                     | the manifest                                      |
// | 's' segment:u32 'i' block:u32           | ids of 64 documents, by ordinal, ascending        |
// | 's' segment:u32 'k' chunk:u32           | which of 4,096 documents are dead: bits           |
// | 's' segment:u32 'n' bucket:u32          | how many of the dead had a term: u64 hash, u32    |
// | 's' segment:u32 't' term 00 ordinal:u32 | postings (segment_terms.h)                        |
//
// Who: search/ only. Thread-safety: pure functions.
// Invariants:
//   1. A segment that the manifest lists is whole, and of it only 'k' and 'n' ever change. What it
//      does not list is the output of the merge that it names.
//   2. A document is live in at most one place: under 'a', or in one segment where it is not dead
//      and has no 'd'. Ordinals of a segment ascend by id.
//   3. The statistics are those of the live documents alone: what the segments have, less their
//      dead, plus 'a', less 'd'.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::search {

constexpr size_t kDocumentIdSize = 16;
using DocumentId = std::array<uint8_t, kDocumentIdSize>;  // they compare as their bytes do

inline std::string_view view_of(const DocumentId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}
// REQUIRES: kDocumentIdSize bytes.
DocumentId document_id(std::string_view bytes);

// Of the index; that of a text record is kTextFormat (text_record.h). Before 4 postings had no
// neighbours.
constexpr uint8_t kIndexFormat = 4;

constexpr uint32_t kIdsPerBlock = 64;
constexpr uint32_t kDocumentsPerDeadChunk = 4096;

struct SegmentInfo {
  uint32_t id = 0;
  uint32_t documents = 0;  // dead ones too
  uint32_t dead = 0;
  uint64_t length = 0;  // of the live ones together, as their codes say
  DocumentId first = {};
  DocumentId last = {};
};

// A merge in progress: its inputs stay as they are, so that every step numbers documents alike.
struct MergeInfo {
  std::vector<uint32_t> inputs;
  SegmentInfo output;
  uint32_t ids_written = 0;
  std::string after_term;  // postings are written up to this term
};

// The index is being made anew: it has no segments, and not yet the documents behind `done_up_to`.
struct RebuildInfo {
  DocumentId done_up_to = {};
};

struct Manifest {
  uint32_t next_segment = 1;
  std::vector<SegmentInfo> segments;
  std::optional<MergeInfo> merge;
  std::optional<RebuildInfo> rebuild;
};

std::string encode_manifest(const Manifest& manifest);
// Errors: Corruption; Unsupported (another format of the index, or another text analysis).
Result<Manifest> decode_manifest(std::string_view bytes);

// What is wrong with the index and what to do.
Status malformed_index(std::string_view what);
// Unsupported, where it is of another format; else Corruption.
Status malformed_record(std::string_view record);

class IndexKeys {
 public:
  explicit IndexKeys(std::string_view prefix) : prefix_(prefix) {}

  const std::string& all() const { return prefix_; }
  std::string fresh(std::string_view id = {}) const { return under('a', id); }
  std::string dropped(std::string_view id = {}) const { return under('d', id); }
  std::string language(std::string_view code = {}) const { return under('l', code); }
  std::string manifest() const { return under('m', {}); }
  std::string segments() const { return under('s', {}); }
  std::string segment(uint32_t id) const;
  std::string ids(uint32_t segment, uint32_t block) const;
  std::string dead_bits(uint32_t segment, uint32_t chunk) const;
  std::string dead_counts(uint32_t segment, uint32_t bucket) const;
  std::string terms(uint32_t segment) const { return this->segment(segment) + 't'; }
  // Where the postings of `term` up to `ordinal` stand, or the first behind them.
  std::string term(uint32_t segment, std::string_view term, uint32_t ordinal) const;

 private:
  std::string under(char kind, std::string_view rest) const;
  std::string numbered(uint32_t segment, char kind, uint32_t number) const;

  std::string prefix_;
};

}  // namespace holdfast::search
