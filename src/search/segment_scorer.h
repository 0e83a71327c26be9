// SegmentScorer: offers the documents of one segment that can be among the best, with their scores.
//
// Ordinals are gone through in windows. Of each window the bounds of the blocks that overlap it say
// whether anything in it can reach the threshold (block-max MaxScore), which terms a document must
// have for that, and which of the others are worth a look.
//
// Who: search/ only. Thread-safety: none.
// Invariants:
//   1. A document that is not offered scores less than the threshold was at that time.
//   2. The score of a document is the sum over the terms in their order, so that it does not depend
//      on the path on which it was found.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "search/postings.h"
#include "search/text_query.h"

namespace holdfast::search {

// The postings of a term in a segment, walked upwards.
class PostingWalk {
 public:
  PostingWalk(const PostingList& list, const TermScorer& scorer, bool is_scored);

  bool is_scored() const { return is_scored_; }
  bool is_empty() const { return list_->blocks.empty(); }
  uint64_t count() const { return list_->count; }
  const TermScorer& scorer() const { return scorer_; }

  // The greatest bound of the blocks that overlap [begin, end). REQUIRES: begin does not fall.
  double bound(uint32_t begin, uint32_t end);
  // Calls visit(ordinal, count, length code) for the postings in [begin, end). REQUIRES: as of
  // bound. False: malformed.
  template <typename Visit>
  bool for_each(uint32_t begin, uint32_t end, const Visit& visit);

  // The posting of `ordinal`, or nullopt. REQUIRES: `ordinal` does not fall.
  std::optional<Posting> find(uint32_t ordinal);
  bool is_malformed() const { return is_malformed_; }

 private:
  void to_window(uint32_t begin);

  const PostingList* list_;
  TermScorer scorer_;
  bool is_scored_;
  bool is_malformed_ = false;
  std::vector<double> bounds_;  // by block
  size_t window_block_ = 0;     // the first that ends in the window or behind it
  size_t found_block_ = 0;      // that find() is in
  size_t decoded_block_ = SIZE_MAX;
  size_t found_at_ = 0;
  uint32_t ordinals_[kBlockPostings];
};

class SegmentScorer {
 public:
  // A document and its score, which is at least the threshold. Returns the threshold from now on;
  // negative while everything counts.
  using Offer = std::function<double(uint32_t ordinal, double score)>;

  // `lists` and `scorers` are by term of the query.
  SegmentScorer(const TextQuery& query, std::span<const PostingList> lists,
                std::span<const TermScorer> scorers, const std::vector<uint64_t>& dead);

  // Goes through the ordinals in [begin, end). False: malformed postings.
  bool run(uint32_t begin, uint32_t end, double threshold, const Offer& offer);

 private:
  bool has_all_required() const;
  bool choose_by_required() const;
  uint32_t window_size(uint32_t documents) const;
  bool scan_by_terms(uint32_t begin, uint32_t end);
  bool scan_by_required(uint32_t begin, uint32_t end);
  void try_document(uint32_t ordinal);
  bool passes(uint32_t ordinal);
  bool is_dead(uint32_t ordinal) const {
    return !dead_.empty() && (dead_[ordinal / 64] >> ordinal % 64 & 1) != 0;
  }
  bool reaches(double bound) const { return threshold_ < 0 || bound * kSlack >= threshold_; }

  // Bounds and scores add up in different orders; what rounding does to them is far less.
  static constexpr double kSlack = 1 + 1e-9;

  const TextQuery& query_;
  const std::vector<uint64_t>& dead_;
  std::vector<PostingWalk> walks_;  // by term
  const Offer* offer_ = nullptr;
  double threshold_ = -1;
  std::vector<double> sums_;    // of a window
  std::vector<uint64_t> bits_;  // of a window: documents to look at
};

template <typename Visit>
bool PostingWalk::for_each(uint32_t begin, uint32_t end, const Visit& visit) {
  to_window(begin);
  uint32_t ordinals[kBlockPostings];
  for (size_t i = window_block_; i < list_->blocks.size(); ++i) {
    const PostingBlock& block = list_->blocks[i];
    if (i > window_block_ && list_->blocks[i - 1].last >= end - 1) break;
    if (!list_->decode(block, ordinals)) return false;
    const uint8_t* const counts = list_->counts(block);
    const uint8_t* const codes = list_->length_codes(block);
    for (size_t at = 0; at < block.postings; ++at) {
      if (ordinals[at] >= end) break;
      if (ordinals[at] >= begin) visit(ordinals[at], counts[at], codes[at]);
    }
  }
  return true;
}

}  // namespace holdfast::search
