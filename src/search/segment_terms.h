// The terms of a segment with their postings, as many small values of the tree, which thereby is
// their dictionary and their skip list.
//
// Postings stand in blocks of about kTermBlockSize bytes under the last term and ordinal in them:
//   u8 0, then terms: u8 bytes shared with the term before, u8 bytes that follow, those bytes, a
//     short list (postings.h); stands under ordinal UINT32_MAX;
//   u8 1, then a chunk (postings.h) of the one term it stands under;
//   u8 2, then the ranges (postings.h) of a term of many chunks; stands under ordinal 0, so that
//     how many documents have the term, and what they can score, is known from one value.
//
// Who: search/ only. Thread-safety: that of the given source.
// Invariants:
//   1. The terms ascend, without zero bytes, so that keys sort as terms and ordinals do.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/keyspace.h"
#include "search/manifest.h"
#include "search/postings.h"

namespace holdfast::search {

// Small enough to stay inside of a leaf page of 4 KiB.
constexpr size_t kTermBlockSize = 960;
// Of a list of fewer chunks all are read at once.
constexpr size_t kRangedChunksMin = 8;
constexpr size_t kRangesMax = 80;  // so that they are about a block

class SegmentWriter {
 public:
  SegmentWriter(KeyTarget& target, const IndexKeys& keys, uint32_t segment)
      : target_(target), keys_(keys), segment_(segment) {}

  // REQUIRES: terms ascend; postings are not empty and ascend.
  Status add(std::string_view term, std::span<const Posting> postings);
  // Writes what is not written yet. Adding may go on after it.
  Status flush();

 private:
  Status add_long(std::string_view term, std::span<const Posting> postings);

  KeyTarget& target_;
  const IndexKeys& keys_;
  const uint32_t segment_;
  std::string block_;  // of short lists
  std::string last_term_;
};

// The postings of a term in a segment; a very long list is read where it is needed (PostingChunks).
class TermPostings {
 public:
  uint64_t count() const { return count_; }
  // Of a list that is read where it is needed; else empty,
  const std::vector<PostingRange>& ranges() const { return ranges_; }
  // and this is the whole.
  const PostingList& list() const { return list_; }

 private:
  friend class PostingChunks;
  friend class TermReader;

  uint64_t count_ = 0;
  PostingList list_;
  std::vector<PostingRange> ranges_;
  KeySource* source_ = nullptr;
  const IndexKeys* keys_ = nullptr;
  uint32_t segment_ = 0;
  std::string term_;
};

// The chunks of a list that has ranges, upwards.
class PostingChunks {
 public:
  // The postings must outlive it, as must what they were read from.
  explicit PostingChunks(const TermPostings& postings) : postings_(postings) {}

  // The chunk with the first posting that is not below `ordinal`, which holds until the next call;
  // nullptr: there is none, or status() says why not. REQUIRES: `ordinal` does not fall.
  const PostingList* to(uint32_t ordinal);
  // Corruption, those of the source.
  const Status& status() const { return status_; }

 private:
  // The last ordinal of the chunk that the cursor is at.
  uint32_t cursor_last() const;

  const TermPostings& postings_;
  std::unique_ptr<KeyCursor> cursor_;
  PostingList chunk_;
  Status status_;
};

// The terms of a segment in order, with their postings; a few blocks are read at a time.
class TermStream {
 public:
  // From the first term > `after`; an empty one: from the first.
  TermStream(KeySource& source, const IndexKeys& keys, uint32_t segment, std::string_view after);

  // False at the end. Errors: those of the source, Corruption.
  Result<bool> next();
  const std::string& term() const { return term_; }
  const PostingList& postings() const { return postings_; }

 private:
  struct Block {
    std::string key;
    std::string value;
  };
  Status refill();
  Result<bool> next_short();
  Result<bool> next_long();

  KeySource& source_;
  KeyRange range_;
  const size_t term_at_;  // in a key
  std::string after_;
  std::vector<Block> blocks_;
  size_t block_ = 0;
  std::string_view rest_;  // of a block of short lists
  std::string term_;
  PostingList postings_;
  bool at_end_ = false;
};

using TermSkimmer = std::function<std::optional<std::string>(std::string_view term)>;
using TermCounter = std::function<bool(std::string_view term, uint64_t documents)>;

// Finds terms in one segment after the other. The errors of all are Corruption and those of the
// source.
class TermReader {
 public:
  // Both must outlive it, and the postings that it opens.
  TermReader(KeySource& source, const IndexKeys& keys);

  // Of each term, without postings where no document has it. Terms that are near each other are
  // read at once. REQUIRES: they ascend.
  Result<std::vector<TermPostings>> open(uint32_t segment, std::span<const std::string_view> terms);

  // Calls visit(term) for terms, ascending, facets apart, until it returns nullopt. It returns the
  // least term that is wanted next; empty: whichever follows. What is passed over is not read, but
  // for a few blocks. Dead documents may be the only ones that have a term.
  Status skim(uint32_t segment, const TermSkimmer& visit);

  // Calls visit(term, documents) for each term that begins with `prefix`, ascending, until it
  // returns false. The dead are among the documents.
  Status count(uint32_t segment, std::string_view prefix, const TermCounter& visit);

 private:
  class Opener;
  template <typename Looker>
  Status look_through(uint32_t segment, Looker& looker);
  template <typename Visit>
  Status scan_blocks(uint32_t segment, std::string_view from, std::string_view begin,
                     const Visit& visit);

  KeySource& source_;
  const IndexKeys& keys_;
  std::unique_ptr<KeyCursor> cursor_;
};

}  // namespace holdfast::search
