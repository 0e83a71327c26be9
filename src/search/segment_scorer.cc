#include "search/segment_scorer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "search/neighbours.h"

namespace holdfast::search {

PostingWalk::PostingWalk(uint32_t term, const TermPostings& postings, const TermScorer& scorer,
                         bool is_scored)
    : term_(term), postings_(&postings), scorer_(scorer), is_scored_(is_scored) {
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
    fail(found_chunks_->status());
  } else if (chunk->blocks.back().last != found_chunk_last_) {
    found_chunk_last_ = chunk->blocks.back().last;
    found_block_ = 0;
    decoded_block_ = SIZE_MAX;
  }
  return chunk;
}

const uint32_t* PostingWalk::decode(const PostingList& list, size_t block) {
  if (decoded_block_ != block) {
    decoded_block_ = block;
    if (!list.decode(list.blocks[block], ordinals_)) {
      fail(malformed_index("a list of postings"));
      return nullptr;
    }
  }
  return ordinals_;
}

std::optional<Posting> PostingWalk::find(uint32_t ordinal) {
  const PostingList* const in = list_of(ordinal);
  if (in == nullptr) return std::nullopt;
  const PostingList& list = *in;
  const std::vector<PostingBlock>& blocks = list.blocks;
  while (found_block_ < blocks.size() && blocks[found_block_].last < ordinal) ++found_block_;
  if (found_block_ == blocks.size()) return std::nullopt;
  const PostingBlock& block = blocks[found_block_];
  if (decoded_block_ != found_block_) found_at_ = 0;
  if (decode(list, found_block_) == nullptr) return std::nullopt;
  constexpr size_t kStride = 8;
  while (found_at_ + kStride <= block.postings && ordinals_[found_at_ + kStride - 1] < ordinal) {
    found_at_ += kStride;
  }
  while (found_at_ < block.postings && ordinals_[found_at_] < ordinal) ++found_at_;
  if (found_at_ == block.postings || ordinals_[found_at_] != ordinal) return std::nullopt;
  return Posting{ordinal, list.counts(block)[found_at_], list.length_codes(block)[found_at_],
                 list.neighbours(block, found_at_)};
}

SegmentScorer::SegmentScorer(const TextQuery& query, std::span<const TermPostings> postings,
                             std::span<const TermScorer> scorers, const std::vector<uint64_t>& dead,
                             WindowBuffers& buffers)
    : query_(query), dead_(dead), buffers_(buffers) {
  const auto occurs = [](const TermPostings& one) { return one.count() > 0; };
  walks_.reserve(static_cast<size_t>(std::ranges::count_if(postings, occurs)));
  walk_places_.resize(postings.size(), kNoWalk);
  for (uint32_t term = 0; term < postings.size(); ++term) {
    if (!occurs(postings[term])) continue;
    walk_places_[term] = static_cast<uint32_t>(walks_.size());
    walks_.emplace_back(term, postings[term], scorers[term], query.terms[term].weight > 0);
  }
  for (const auto& group : query_.required) {
    uint64_t count = 0;
    for (const uint32_t term : group) count += postings[term].count();
    required_.push_back({&group, count});
  }
  std::ranges::stable_sort(required_, {}, &Required::count);
  std::vector<bool> is_taken(postings.size());
  for (Required& one : required_) {
    for (const uint32_t term : *one.group) {
      one.is_apart = one.is_apart && !is_taken[term];
      is_taken[term] = true;
    }
  }
}

bool SegmentScorer::has(uint32_t term, uint32_t ordinal) {
  PostingWalk* const walk = walk_of(term);
  return walk != nullptr && walk->find(ordinal).has_value();
}

// Whether few documents have what is required, so that going through those is the shorter way.
bool SegmentScorer::choose_by_required() const {
  uint64_t scored = 0;
  for (const PostingWalk& walk : walks_) scored += walk.is_scored() ? walk.count() : 0;
  return !required_.empty() && required_.front().count <= scored;
}

// So that about two blocks of the list that is gone through overlap a window; of one that is read
// in parts several chunks.
uint32_t SegmentScorer::window_size(uint32_t documents, bool by_required) const {
  uint64_t longest = by_required ? required_.front().count : 1;
  uint64_t blocks = 2;
  for (const PostingWalk& walk : walks_) {
    if (!walk.is_scored() || by_required) continue;
    longest = std::max(longest, walk.count());
    if (walk.is_read_in_parts()) blocks = 16;
  }
  const uint64_t size = uint64_t{documents} * blocks * kBlockPostings / longest;
  const uint64_t most = std::min<uint64_t>(16'384, std::max<uint64_t>(documents, 64));
  return static_cast<uint32_t>(std::bit_ceil(std::clamp<uint64_t>(size, 64, most)));
}

bool SegmentScorer::has_all(std::span<const Required> required, uint32_t ordinal) {
  return std::ranges::all_of(required, [&](const Required& one) {
    return std::ranges::any_of(*one.group, [&](uint32_t term) { return has(term, ordinal); });
  });
}

bool SegmentScorer::is_excluded(uint32_t ordinal) {
  return std::ranges::any_of(query_.excluded, [&](const auto& group) {
    return std::ranges::all_of(group, [&](uint32_t term) { return has(term, ordinal); });
  });
}

bool SegmentScorer::lacks_phrase(uint32_t ordinal) {
  const auto find = [&](uint32_t term) {
    PostingWalk* const walk = walk_of(term);
    return walk == nullptr ? std::nullopt : walk->find(ordinal);
  };
  const auto head = [&](uint32_t term) { return head_of(query_.terms[term].term); };
  const auto may_be = [&](const Adjacency& pair) {
    for (const uint32_t first : pair.first) {
      const auto before = find(first);
      for (const uint32_t second : pair.second) {
        const auto behind = before ? find(second) : std::nullopt;
        if (!behind) continue;
        const bool has_both = (before->neighbours & neighbour_behind(head(second))) != 0 &&
                              (behind->neighbours & neighbour_before(head(first))) != 0;
        if (has_both) return true;
      }
    }
    return false;
  };
  return !std::ranges::all_of(query_.adjacent, may_be);
}

// `required` is what the document may lack.
void SegmentScorer::try_document(uint32_t ordinal, std::span<const Required> required) {
  for (PostingWalk& walk : walks_) {
    if (!walk.is_scored()) continue;
    const auto posting = walk.find(ordinal);
    if (!posting) continue;
    buffers_.score.add(walk.term(), walk.scorer()(posting->count, posting->length_code));
  }
  const double score = buffers_.score.take();
  if (score <= 0 || score < threshold_ || is_dead(ordinal)) return;
  if (!has_all(required, ordinal) || is_excluded(ordinal) || lacks_phrase(ordinal)) return;
  threshold_ = (*offer_)(ordinal, score);
}

// Whether a document that can score `most` still can once what it has of the others is known. The
// greatest bounds decide soonest.
bool SegmentScorer::can_reach(uint32_t ordinal, double most, std::span<const Bounded> others) {
  for (size_t i = others.size(); i-- > 0 && reaches(most);) {
    PostingWalk& walk = *others[i].walk;
    const auto posting = walk.find(ordinal);
    most -= others[i].more;
    if (posting) most += walk.scorer()(posting->count, posting->length_code);
  }
  return reaches(most);
}

// What no document of the window scores more than. Fills bounded_, but for `more`.
double SegmentScorer::bound_all(uint32_t begin, uint32_t end) {
  bounded_.clear();
  for (PostingWalk& walk : walks_) {
    const double bound = walk.is_scored() ? walk.bound(begin, end) : 0;
    if (bound <= 0) continue;
    bounded_.push_back({bound, 0, &walk});
    buffers_.score.add(walk.term(), bound);
  }
  return buffers_.score.take();
}

// Of many others those with few postings in the window, for so many documents to look at, are gone
// through instead of being asked for each of these. `others` become those that are left, with what
// they have more.
bool SegmentScorer::add_rare(uint32_t begin, uint32_t end, std::span<Bounded>& others) {
  constexpr uint64_t kAskedCost = 8;  // in postings that are gone through
  uint64_t asking = 0;
  for (size_t word = 0; word < words_; ++word) {
    asking += kAskedCost * static_cast<uint64_t>(std::popcount(buffers_.bits[word]));
  }
  size_t left = 0;
  for (const Bounded& one : others) {
    PostingWalk& walk = *one.walk;
    const auto add = [&](uint32_t ordinal, uint8_t count, uint8_t code) {
      const uint32_t at = ordinal - begin;
      const bool is_marked = (buffers_.bits[at / 64] >> at % 64 & 1) != 0;
      if (is_marked) buffers_.sums[at] += walk.scorer()(count, code);
    };
    const uint64_t in_window = walk.count() * (end - begin) / documents_;
    if (walk.is_one_block()) {
      if (!walk.for_each_of_block(begin, end, add)) return false;
    } else if (in_window + kBlockPostings < asking) {
      if (!walk.for_each(begin, end, add)) return false;
    } else {
      others[left++] = one;
    }
  }
  others = others.first(left);
  for (Bounded& one : others) one.more = buffers_.score.add(one.walk->term(), one.bound);
  buffers_.score.take();
  return true;
}

// One window: documents with one of the terms without which the threshold is out of reach.
bool SegmentScorer::scan_by_terms(uint32_t begin, uint32_t end) {
  const double total = bound_all(begin, end);
  if (bounded_.empty() || !reaches(total)) return true;
  std::ranges::sort(bounded_, {}, &Bounded::bound);
  for (Bounded& one : bounded_) one.more = buffers_.score.add(one.walk->term(), one.bound);
  buffers_.score.take();
  size_t first = 0;  // of those that are needed
  double rest = 0;   // bound of the others together
  while (first < bounded_.size() && !reaches(rest + bounded_[first].more)) {
    rest += bounded_[first++].more;
  }
  std::span<Bounded> others = std::span(bounded_).first(first);
  const std::span<Bounded> needed = std::span(bounded_).subspan(first);
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
  constexpr size_t kAskedMax = 16;
  if (others.size() > kAskedMax) {
    if (!add_rare(begin, end, others)) return false;
    rest = 0;
    for (const Bounded& one : others) rest += one.more;
  }
  for (size_t word = 0; word < words_; ++word) {
    for (uint64_t bits = buffers_.bits[word]; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<uint32_t>(64 * word + std::countr_zero(bits));
      if (can_reach(begin + at, buffers_.sums[at] + rest, others)) {
        try_document(begin + at, required_);
      }
      buffers_.sums[at] = 0;
    }
    buffers_.bits[word] = 0;
  }
  return true;
}

bool SegmentScorer::mark(const std::vector<uint32_t>& group, uint32_t begin, uint32_t end,
                         std::span<uint64_t> bits) {
  return std::ranges::all_of(group, [&](uint32_t term) {
    PostingWalk* const walk = walk_of(term);
    if (walk == nullptr) return true;
    return walk->for_each(begin, end, [&](uint32_t ordinal, uint8_t, uint8_t) {
      bits[(ordinal - begin) / 64] |= uint64_t{1} << (ordinal - begin) % 64;
    });
  });
}

// One window: documents that have all that is required. Of a group that is not much more frequent
// than those before it all postings are looked at, once; the others are asked for what is left.
bool SegmentScorer::scan_by_required(uint32_t begin, uint32_t end) {
  const double total = bound_all(begin, end);
  if (total <= 0 || !reaches(total)) return true;
  const std::span bits = std::span(buffers_.bits).first(words_);
  const std::span some = std::span(buffers_.some).first(words_);
  if (!mark(*required_.front().group, begin, end, bits)) return false;
  size_t marked = 1;
  for (; marked < required_.size(); ++marked) {
    constexpr uint64_t kAskedCost = 16;  // in postings that are gone through
    uint64_t left = 0;
    for (const uint64_t word : bits) left += static_cast<uint64_t>(std::popcount(word));
    const uint64_t in_window = required_[marked].count * (end - begin) / documents_;
    if (left * kAskedCost < in_window || !required_[marked].is_apart) break;
    if (!mark(*required_[marked].group, begin, end, some)) return false;
    for (size_t word = 0; word < words_; ++word) bits[word] &= std::exchange(some[word], 0);
  }
  const std::span asked = std::span(required_).subspan(marked);
  for (size_t word = 0; word < words_; ++word) {
    for (uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
      const uint32_t ordinal = begin + static_cast<uint32_t>(64 * word + std::countr_zero(rest));
      if (has_all(asked, ordinal)) try_document(ordinal, {});
    }
    bits[word] = 0;
  }
  return true;
}

Status SegmentScorer::run(uint32_t begin, uint32_t end, double threshold, const Offer& offer) {
  const bool lacks_some = !required_.empty() && required_.front().count == 0;
  if (begin >= end || lacks_some) return Status::ok();
  offer_ = &offer;
  threshold_ = threshold;
  const bool by_required = choose_by_required();
  documents_ = end - begin;
  const uint32_t size = window_size(documents_, by_required);
  words_ = size / 64;
  if (buffers_.bits.size() < words_) {
    buffers_.bits.resize(words_, 0);
    buffers_.some.resize(words_, 0);
  }
  if (!by_required && buffers_.sums.size() < size) buffers_.sums.resize(size, 0);
  for (uint64_t at = begin; at < end; at += size) {
    const auto from = static_cast<uint32_t>(at);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(at + size, end));
    if (!(by_required ? scan_by_required(from, to) : scan_by_terms(from, to))) break;
  }
  for (const PostingWalk& walk : walks_) HOLDFAST_TRY(walk.status());
  return Status::ok();
}

}  // namespace holdfast::search
