#include "search/segment_scorer.h"

#include <algorithm>
#include <bit>

namespace holdfast::search {

PostingWalk::PostingWalk(const TermPostings& postings, const TermScorer& scorer, bool is_scored)
    : postings_(&postings), scorer_(scorer), is_scored_(is_scored) {
  const PostingList& list = postings.list();
  stretches_.reserve(list.blocks.size() + postings.ranges().size());
  for (const PostingBlock& block : list.blocks) {
    stretches_.push_back({block.last, is_scored ? list.bound(block, scorer) : 0});
  }
  for (const PostingRange& range : postings.ranges()) {
    stretches_.push_back({range.last, is_scored ? range.bound(scorer) : 0});
  }
}

void PostingWalk::to_window(uint32_t begin) {
  while (window_stretch_ < stretches_.size() && stretches_[window_stretch_].last < begin) {
    ++window_stretch_;
  }
}

double PostingWalk::bound(uint32_t begin, uint32_t end) {
  to_window(begin);
  double most = 0;
  for (size_t i = window_stretch_; i < stretches_.size(); ++i) {
    if (i > window_stretch_ && stretches_[i - 1].last >= end - 1) break;
    most = std::max(most, stretches_[i].bound);
  }
  return most;
}

const PostingList* PostingWalk::list_of(uint32_t ordinal) {
  if (!is_read_in_parts()) return &postings_->list();
  if (!found_chunks_) found_chunks_.emplace(*postings_);
  const PostingList* const chunk = found_chunks_->to(ordinal);
  if (chunk == nullptr) {
    status_ = found_chunks_->status();
  } else if (chunk->blocks.back().last != found_chunk_last_) {
    found_chunk_last_ = chunk->blocks.back().last;
    found_block_ = 0;
    decoded_block_ = SIZE_MAX;
  }
  return chunk;
}

std::optional<Posting> PostingWalk::find(uint32_t ordinal) {
  const PostingList* const in = list_of(ordinal);
  if (in == nullptr) return std::nullopt;
  const PostingList& list = *in;
  const std::vector<PostingBlock>& blocks = list.blocks;
  while (found_block_ < blocks.size() && blocks[found_block_].last < ordinal) ++found_block_;
  if (found_block_ == blocks.size()) return std::nullopt;
  const PostingBlock& block = blocks[found_block_];
  if (decoded_block_ != found_block_) {
    decoded_block_ = found_block_;
    found_at_ = 0;
    if (!list.decode(block, ordinals_)) {
      status_ = malformed_index("a list of postings");
      return std::nullopt;
    }
  }
  constexpr size_t kStride = 8;
  while (found_at_ + kStride <= block.postings && ordinals_[found_at_ + kStride - 1] < ordinal) {
    found_at_ += kStride;
  }
  while (found_at_ < block.postings && ordinals_[found_at_] < ordinal) ++found_at_;
  if (found_at_ == block.postings || ordinals_[found_at_] != ordinal) return std::nullopt;
  return Posting{ordinal, list.counts(block)[found_at_], list.length_codes(block)[found_at_]};
}

SegmentScorer::SegmentScorer(const TextQuery& query, std::span<const TermPostings> postings,
                             std::span<const TermScorer> scorers, const std::vector<uint64_t>& dead,
                             WindowBuffers& buffers)
    : query_(query), dead_(dead), buffers_(buffers) {
  walks_.reserve(postings.size());
  for (size_t i = 0; i < postings.size(); ++i) {
    walks_.emplace_back(postings[i], scorers[i], query.terms[i].weight > 0);
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

// So that about two blocks of the longest list overlap a window; of one that is read in parts
// several chunks.
uint32_t SegmentScorer::window_size(uint32_t documents) const {
  uint64_t longest = 1;
  uint64_t blocks = 2;
  for (const PostingWalk& walk : walks_) {
    if (walk.is_scored()) longest = std::max(longest, walk.count());
    if (walk.is_scored() && walk.is_read_in_parts()) blocks = 16;
  }
  const uint64_t size = uint64_t{documents} * blocks * kBlockPostings / longest;
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

// Whether a document that can score `most` still can once what it has of the others is known. The
// greatest bounds decide soonest.
bool SegmentScorer::can_reach(uint32_t ordinal, double most, std::span<const Bounded> others) {
  for (size_t i = others.size(); i-- > 0 && reaches(most);) {
    PostingWalk& walk = *others[i].walk;
    const auto posting = walk.find(ordinal);
    most -= others[i].bound;
    if (posting) most += walk.scorer()(posting->count, posting->length_code);
  }
  return reaches(most);
}

// One window: documents with one of the terms without which the threshold is out of reach.
bool SegmentScorer::scan_by_terms(uint32_t begin, uint32_t end) {
  bounded_.clear();
  double total = 0;
  for (PostingWalk& walk : walks_) {
    const double bound = walk.is_scored() ? walk.bound(begin, end) : 0;
    if (bound > 0) bounded_.push_back({bound, &walk});
    total += bound;
  }
  if (bounded_.empty() || !reaches(total)) return true;
  std::sort(bounded_.begin(), bounded_.end(),
            [](const Bounded& a, const Bounded& b) { return a.bound < b.bound; });
  size_t first = 0;  // of those that are needed
  double rest = 0;   // bound of the others together
  while (first < bounded_.size() && !reaches(rest + bounded_[first].bound)) {
    rest += bounded_[first++].bound;
  }
  const auto [others, needed] =
      std::pair(std::span(bounded_).first(first), std::span(bounded_).subspan(first));
  for (const Bounded& one : needed) {
    const TermScorer& scorer = one.walk->scorer();
    const bool is_sound =
        one.walk->for_each(begin, end, [&](uint32_t ordinal, uint8_t count, uint8_t code) {
          const uint32_t at = ordinal - begin;
          buffers_.sums[at] += scorer(count, code);
          buffers_.bits[at / 64] |= uint64_t{1} << at % 64;
        });
    if (!is_sound) return false;
  }
  for (size_t word = 0; word < words_; ++word) {
    for (uint64_t bits = buffers_.bits[word]; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<uint32_t>(64 * word + std::countr_zero(bits));
      if (can_reach(begin + at, buffers_.sums[at] + rest, others)) try_document(begin + at);
      buffers_.sums[at] = 0;
    }
    buffers_.bits[word] = 0;
  }
  return true;
}

// One window: documents that have all that is required.
bool SegmentScorer::scan_by_required(uint32_t begin, uint32_t end) {
  double total = 0;
  for (PostingWalk& walk : walks_) total += walk.is_scored() ? walk.bound(begin, end) : 0;
  if (total <= 0 || !reaches(total)) return true;
  const std::span bits = std::span(buffers_.bits).first(words_);
  const std::span some = std::span(buffers_.some).first(words_);
  std::fill(bits.begin(), bits.end(), ~uint64_t{0});
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
    for (size_t word = 0; word < words_; ++word) any |= bits[word] &= some[word];
    if (any == 0) break;
  }
  for (size_t word = 0; word < words_; ++word) {
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      try_document(begin + static_cast<uint32_t>(64 * word + std::countr_zero(rest)));
    }
    bits[word] = 0;
  }
  return true;
}

Status SegmentScorer::run(uint32_t begin, uint32_t end, double threshold, const Offer& offer) {
  if (begin >= end || !has_all_required()) return Status::ok();
  offer_ = &offer;
  threshold_ = threshold;
  const bool by_required = choose_by_required();
  const uint32_t size = window_size(end - begin);
  words_ = size / 64;
  if (buffers_.bits.size() < words_) {
    buffers_.sums.resize(size, 0);
    buffers_.bits.resize(words_, 0);
    buffers_.some.resize(words_, 0);
  }
  for (uint64_t at = begin; at < end; at += size) {
    const auto from = static_cast<uint32_t>(at);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(at + size, end));
    if (!(by_required ? scan_by_required(from, to) : scan_by_terms(from, to))) break;
  }
  for (const PostingWalk& walk : walks_) HOLDFAST_TRY(walk.status());
  return Status::ok();
}

}  // namespace holdfast::search
