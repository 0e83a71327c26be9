#include "search/segment_scorer.h"

#include <algorithm>
#include <bit>

namespace holdfast::search {

PostingWalk::PostingWalk(const PostingList& list, const TermScorer& scorer, bool is_scored)
    : list_(&list), scorer_(scorer), is_scored_(is_scored) {
  if (!is_scored) return;
  bounds_.reserve(list.blocks.size());
  for (const PostingBlock& block : list.blocks) bounds_.push_back(list.bound(block, scorer));
}

void PostingWalk::to_window(uint32_t begin) {
  while (window_block_ < list_->blocks.size() && list_->blocks[window_block_].last < begin) {
    ++window_block_;
  }
}

double PostingWalk::bound(uint32_t begin, uint32_t end) {
  to_window(begin);
  double most = 0;
  for (size_t i = window_block_; i < list_->blocks.size(); ++i) {
    if (i > window_block_ && list_->blocks[i - 1].last >= end - 1) break;
    most = std::max(most, bounds_[i]);
  }
  return most;
}

std::optional<Posting> PostingWalk::find(uint32_t ordinal) {
  const std::vector<PostingBlock>& blocks = list_->blocks;
  while (found_block_ < blocks.size() && blocks[found_block_].last < ordinal) ++found_block_;
  if (found_block_ == blocks.size()) return std::nullopt;
  const PostingBlock& block = blocks[found_block_];
  if (decoded_block_ != found_block_) {
    decoded_block_ = found_block_;
    found_at_ = 0;
    if (!list_->decode(block, ordinals_)) is_malformed_ = true;
    if (is_malformed_) return std::nullopt;
  }
  while (found_at_ < block.postings && ordinals_[found_at_] < ordinal) ++found_at_;
  if (found_at_ == block.postings || ordinals_[found_at_] != ordinal) return std::nullopt;
  return Posting{ordinal, list_->counts(block)[found_at_], list_->length_codes(block)[found_at_]};
}

SegmentScorer::SegmentScorer(const TextQuery& query, std::span<const PostingList> lists,
                             std::span<const TermScorer> scorers, const std::vector<uint64_t>& dead)
    : query_(query), dead_(dead) {
  walks_.reserve(lists.size());
  for (size_t i = 0; i < lists.size(); ++i) {
    walks_.emplace_back(lists[i], scorers[i], query.terms[i].weight > 0);
  }
}

bool SegmentScorer::has_all_required() const {
  return std::all_of(query_.required.begin(), query_.required.end(), [&](const auto& group) {
    return std::any_of(group.begin(), group.end(),
                       [&](uint32_t term) { return !walks_[term].is_empty(); });
  });
}

// Whether few documents have what is required, so that going through those is the shorter way.
bool SegmentScorer::choose_by_required() const {
  uint64_t fewest = UINT64_MAX;
  for (const auto& group : query_.required) {
    uint64_t count = 0;
    for (const uint32_t term : group) count += walks_[term].count();
    fewest = std::min(fewest, count);
  }
  uint64_t scored = 0;
  for (const PostingWalk& walk : walks_) scored += walk.is_scored() ? walk.count() : 0;
  return fewest < UINT64_MAX && fewest <= scored;
}

// So that about two blocks of the longest list overlap a window.
uint32_t SegmentScorer::window_size(uint32_t documents) const {
  uint64_t longest = 1;
  for (const PostingWalk& walk : walks_) {
    if (walk.is_scored()) longest = std::max(longest, walk.count());
  }
  const uint64_t size = uint64_t{documents} * 2 * kBlockPostings / longest;
  const uint64_t most = std::min<uint64_t>(16'384, std::max<uint64_t>(documents, 64));
  return static_cast<uint32_t>(std::bit_ceil(std::clamp<uint64_t>(size, 64, most)));
}

bool SegmentScorer::passes(uint32_t ordinal) {
  if (is_dead(ordinal)) return false;
  for (const auto& group : query_.required) {
    if (std::none_of(group.begin(), group.end(),
                     [&](uint32_t term) { return walks_[term].find(ordinal).has_value(); })) {
      return false;
    }
  }
  return std::none_of(query_.excluded.begin(), query_.excluded.end(), [&](const auto& group) {
    return std::all_of(group.begin(), group.end(),
                       [&](uint32_t term) { return walks_[term].find(ordinal).has_value(); });
  });
}

void SegmentScorer::try_document(uint32_t ordinal) {
  double score = 0;
  for (PostingWalk& walk : walks_) {
    if (!walk.is_scored()) continue;
    const auto posting = walk.find(ordinal);
    if (posting) score += walk.scorer()(posting->count, posting->length_code);
  }
  if (score <= 0 || score < threshold_ || !passes(ordinal)) return;
  threshold_ = (*offer_)(ordinal, score);
}

// One window: documents with one of the terms without which the threshold is out of reach.
bool SegmentScorer::scan_by_terms(uint32_t begin, uint32_t end) {
  struct Bounded {
    double bound;
    PostingWalk* walk;
  };
  std::vector<Bounded> bounded;
  double total = 0;
  for (PostingWalk& walk : walks_) {
    const double bound = walk.is_scored() ? walk.bound(begin, end) : 0;
    if (bound > 0) bounded.push_back({bound, &walk});
    total += bound;
  }
  if (bounded.empty() || !reaches(total)) return true;
  std::sort(bounded.begin(), bounded.end(),
            [](const Bounded& a, const Bounded& b) { return a.bound < b.bound; });
  size_t first = 0;   // of those that are needed
  double others = 0;  // bound of the rest together
  while (first < bounded.size() && !reaches(others + bounded[first].bound)) {
    others += bounded[first++].bound;
  }
  for (size_t i = first; i < bounded.size(); ++i) {
    const TermScorer& scorer = bounded[i].walk->scorer();
    const bool is_sound =
        bounded[i].walk->for_each(begin, end, [&](uint32_t ordinal, uint8_t count, uint8_t code) {
          const uint32_t at = ordinal - begin;
          sums_[at] += scorer(count, code);
          bits_[at / 64] |= uint64_t{1} << at % 64;
        });
    if (!is_sound) return false;
  }
  for (size_t word = 0; word < bits_.size(); ++word) {
    for (uint64_t rest = bits_[word]; rest != 0; rest &= rest - 1) {
      const auto at = static_cast<uint32_t>(64 * word + std::countr_zero(rest));
      if (reaches(sums_[at] + others)) try_document(begin + at);
      sums_[at] = 0;
    }
    bits_[word] = 0;
  }
  return true;
}

// One window: documents that have all that is required.
bool SegmentScorer::scan_by_required(uint32_t begin, uint32_t end) {
  double total = 0;
  for (PostingWalk& walk : walks_) total += walk.is_scored() ? walk.bound(begin, end) : 0;
  if (total <= 0 || !reaches(total)) return true;
  std::fill(bits_.begin(), bits_.end(), ~uint64_t{0});
  std::vector<uint64_t> some(bits_.size());
  for (const auto& group : query_.required) {
    std::fill(some.begin(), some.end(), 0);
    for (const uint32_t term : group) {
      const bool is_sound =
          walks_[term].for_each(begin, end, [&](uint32_t ordinal, uint8_t, uint8_t) {
            some[(ordinal - begin) / 64] |= uint64_t{1} << (ordinal - begin) % 64;
          });
      if (!is_sound) return false;
    }
    uint64_t any = 0;
    for (size_t word = 0; word < bits_.size(); ++word) any |= bits_[word] &= some[word];
    if (any == 0) break;
  }
  for (size_t word = 0; word < bits_.size(); ++word) {
    for (uint64_t rest = bits_[word]; rest != 0; rest &= rest - 1) {
      try_document(begin + static_cast<uint32_t>(64 * word + std::countr_zero(rest)));
    }
    bits_[word] = 0;
  }
  return true;
}

bool SegmentScorer::run(uint32_t begin, uint32_t end, double threshold, const Offer& offer) {
  if (begin >= end || !has_all_required()) return true;
  offer_ = &offer;
  threshold_ = threshold;
  const bool by_required = choose_by_required();
  const uint32_t size = window_size(end - begin);
  sums_.assign(size, 0);
  bits_.assign(size / 64, 0);
  for (uint64_t at = begin; at < end; at += size) {
    const auto from = static_cast<uint32_t>(at);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(at + size, end));
    if (!(by_required ? scan_by_required(from, to) : scan_by_terms(from, to))) return false;
  }
  return std::none_of(walks_.begin(), walks_.end(),
                      [](const PostingWalk& walk) { return walk.is_malformed(); });
}

}  // namespace holdfast::search
