// SegmentScorer: offers the documents of one segment that can be among the best, with their scores.
//
// Ordinals are gone through in windows. Of each window the bounds of the blocks that overlap it say
// whether anything in it can reach the threshold (block-max MaxScore), which terms a document must
// have for that, and which of the others are worth a look.
//
// Who: search/ only. Thread-safety: none.
// Invariants:
//   1. A document that is not offered scores less than the threshold was at that time.
//   2. The score of a document is its ScoreSum, so that it does not depend on the path on which it
//      was found.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "search/postings.h"
#include "search/score_sum.h"
#include "search/segment_terms.h"
#include "search/text_query.h"

namespace holdfast::search {

// The postings of a term in a segment, walked upwards. What fails says so in status().
class PostingWalk {
 public:
  PostingWalk(uint32_t term, const TermPostings& postings, const TermScorer& scorer,
              bool is_scored);

  uint32_t term() const { return term_; }  // of the query
  bool is_scored() const { return is_scored_; }
  uint64_t count() const { return postings_->count(); }
  bool is_read_in_parts() const { return !postings_->ranges().empty(); }
  const TermScorer& scorer() const { return scorer_; }

  // The greatest bound of what overlaps [begin, end). REQUIRES: begin does not fall.
  double bound(uint32_t begin, uint32_t end);
  // Calls visit(ordinal, count, length code) for the postings in [begin, end). REQUIRES: `begin`
  // rises. False: it failed.
  template <typename Visit>
  bool for_each(uint32_t begin, uint32_t end, const Visit& visit);
  // The same of a list of one block, which is decoded once. REQUIRES: it is one.
  template <typename Visit>
  bool for_each_of_block(uint32_t begin, uint32_t end, const Visit& visit);
  bool is_one_block() const { return !is_read_in_parts() && postings_->list().blocks.size() == 1; }

  // The posting of `ordinal`, or nullopt. REQUIRES: `ordinal` does not fall.
  std::optional<Posting> find(uint32_t ordinal);
  const Status& status() const { return status_; }

 private:
  // Blocks, or ranges of a list that is read in parts.
  struct Stretch {
    uint32_t last;
    double bound;
  };
  // The first failure stays.
  void fail(Status status) {
    if (status_) status_ = std::move(status);
  }
  void to_window(uint32_t begin);
  // The list that has the posting of `ordinal`, if there is one; nullptr: there is none.
  const PostingList* list_of(uint32_t ordinal);
  // The ordinals of the block, from ordinals_. nullptr: it failed.
  const uint32_t* decode(const PostingList& list, size_t block);
  template <typename Visit>
  bool visit_blocks(const PostingList& list, size_t first, uint32_t begin, uint32_t end,
                    const Visit& visit);
  template <typename Visit>
  bool visit_block(const PostingList& list, const PostingBlock& block, uint32_t begin, uint32_t end,
                   const Visit& visit);

  uint32_t term_;
  const TermPostings* postings_;
  TermScorer scorer_;
  bool is_scored_;
  Status status_;
  std::vector<Stretch> stretches_;
  size_t window_stretch_ = 0;  // the first that ends in the window or behind it
  // Of a list that is read in parts, where for_each() and find() are.
  std::optional<PostingChunks> window_chunks_;
  std::optional<PostingChunks> found_chunks_;
  uint32_t found_chunk_last_ = 0;  // ordinal of the chunk that find() is in
  size_t found_block_ = 0;         // that find() is in
  size_t decoded_block_ = SIZE_MAX;
  size_t found_at_ = 0;
  size_t window_at_ = 0;  // of a list of one block, where for_each_of_block() is
  uint32_t ordinals_[kBlockPostings];
};

// What a query needs in one segment after the other: all zero between windows.
struct WindowBuffers {
  ScoreSum score;
  std::vector<double> sums;    // scores by the terms that are needed
  std::vector<uint64_t> bits;  // documents to look at
  std::vector<uint64_t> some;  // those of one group of what is required
};

class SegmentScorer {
 public:
  // A document and its score, which is at least the threshold. Returns the threshold from now on;
  // negative while everything counts.
  using Offer = std::function<double(uint32_t ordinal, double score)>;

  // `postings` and `scorers` are by term of the query.
  SegmentScorer(const TextQuery& query, std::span<const TermPostings> postings,
                std::span<const TermScorer> scorers, const std::vector<uint64_t>& dead,
                WindowBuffers& buffers);

  // Goes through the ordinals in [begin, end). Errors: Corruption, those of the source.
  Status run(uint32_t begin, uint32_t end, double threshold, const Offer& offer);

 private:
  PostingWalk* walk_of(uint32_t term) {
    return walk_places_[term] == kNoWalk ? nullptr : &walks_[walk_places_[term]];
  }
  bool has(uint32_t term, uint32_t ordinal);
  bool choose_by_required() const;
  uint32_t window_size(uint32_t documents, bool by_required) const;
  // A group of terms, of which a document must have one.
  struct Required {
    const std::vector<uint32_t>* group;
    uint64_t count;        // postings
    bool is_apart = true;  // from those before it: none has a term of this one
  };
  struct Bounded {
    double bound;  // in a window
    double more;   // how much of it those of smaller bounds do not have
    PostingWalk* walk;
  };
  bool can_reach(uint32_t ordinal, double most, std::span<const Bounded> others);
  bool add_rare(uint32_t begin, uint32_t end, std::span<Bounded>& others);
  bool scan_by_terms(uint32_t begin, uint32_t end);
  bool scan_by_required(uint32_t begin, uint32_t end);
  double bound_all(uint32_t begin, uint32_t end);
  bool mark(const std::vector<uint32_t>& group, uint32_t begin, uint32_t end,
            std::span<uint64_t> bits);
  void try_document(uint32_t ordinal, std::span<const Required> required);
  bool has_all(std::span<const Required> required, uint32_t ordinal);
  bool is_excluded(uint32_t ordinal);
  // Certainly; a document that does not may lack it, too.
  bool lacks_phrase(uint32_t ordinal);
  bool is_dead(uint32_t ordinal) const {
    return !dead_.empty() && (dead_[ordinal / 64] >> ordinal % 64 & 1) != 0;
  }
  bool reaches(double bound) const { return threshold_ < 0 || bound * kSlack >= threshold_; }

  // Bounds and scores add up in different orders; what rounding does to them is far less.
  static constexpr double kSlack = 1 + 1e-9;

  const TextQuery& query_;
  const std::vector<uint64_t>& dead_;
  static constexpr uint32_t kNoWalk = UINT32_MAX;
  std::vector<PostingWalk> walks_;     // of the terms that occur, in their order
  std::vector<uint32_t> walk_places_;  // by term
  const Offer* offer_ = nullptr;
  double threshold_ = -1;
  std::vector<Required> required_;  // the rarest first
  uint32_t documents_ = 0;          // that are gone through
  std::vector<Bounded> bounded_;    // of a window: the terms that occur, the least bound first
  WindowBuffers& buffers_;
  size_t words_ = 0;  // of the bits of a window
};

template <typename Visit>
bool PostingWalk::visit_block(const PostingList& list, const PostingBlock& block, uint32_t begin,
                              uint32_t end, const Visit& visit) {
  uint32_t ordinals[kBlockPostings];
  if (!list.decode(block, ordinals)) {
    fail(malformed_index("a list of postings"));
    return false;
  }
  const uint8_t* const counts = list.counts(block);
  const uint8_t* const codes = list.length_codes(block);
  for (size_t at = 0; at < block.postings; ++at) {
    if (ordinals[at] >= end) break;
    if (ordinals[at] >= begin) visit(ordinals[at], counts[at], codes[at]);
  }
  return true;
}

template <typename Visit>
bool PostingWalk::visit_blocks(const PostingList& list, size_t first, uint32_t begin, uint32_t end,
                               const Visit& visit) {
  for (size_t i = first; i < list.blocks.size(); ++i) {
    const PostingBlock& block = list.blocks[i];
    if (block.last < begin) continue;
    if (i > first && list.blocks[i - 1].last >= end - 1) break;
    if (!visit_block(list, block, begin, end, visit)) return false;
  }
  return true;
}

template <typename Visit>
bool PostingWalk::for_each_of_block(uint32_t begin, uint32_t end, const Visit& visit) {
  const PostingList& list = postings_->list();
  const PostingBlock& block = list.blocks[0];
  const uint32_t* const ordinals = decode(list, 0);
  if (ordinals == nullptr) return false;
  while (window_at_ < block.postings && ordinals[window_at_] < begin) ++window_at_;
  for (; window_at_ < block.postings && ordinals[window_at_] < end; ++window_at_) {
    visit(ordinals[window_at_], list.counts(block)[window_at_],
          list.length_codes(block)[window_at_]);
  }
  return true;
}

template <typename Visit>
bool PostingWalk::for_each(uint32_t begin, uint32_t end, const Visit& visit) {
  if (!is_read_in_parts()) {
    to_window(begin);
    return visit_blocks(postings_->list(), window_stretch_, begin, end, visit);
  }
  if (!window_chunks_) window_chunks_.emplace(*postings_);
  uint32_t from = begin;
  while (const PostingList* const chunk = window_chunks_->to(from)) {
    if (!visit_blocks(*chunk, 0, begin, end, visit)) return false;
    if (chunk->blocks.back().last >= end - 1) break;
    from = chunk->blocks.back().last + 1;
  }
  fail(window_chunks_->status());
  return status_.is_ok();
}

}  // namespace holdfast::search
