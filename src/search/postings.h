// Postings: which documents of a segment have a term, how often, how long they are, and what stands
// beside it; in blocks of up to kBlockPostings with a bound of what any of them can score.
//
// Who: search/ only. Thread-safety: pure functions; one thread at a time per object.
// Invariants:
//   1. The postings of a term ascend by ordinal.
//   2. A bound holds for every average length, k1 and b: it is that of the Pareto pairs (count,
//      length), which a block of a long list carries; a short list is looked through.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::search {

constexpr size_t kBlockPostings = 128;
constexpr size_t kBoundPairsMax = 4;
// A list of more postings than a block stands under keys of its own.
constexpr size_t kShortListMax = kBlockPostings;

struct Posting {
  uint32_t ordinal;
  uint8_t count;
  uint8_t length_code;
  uint8_t neighbours = 0;  // neighbours.h
};

// A document's length, exact below 32, then in eight steps for each doubling. BM25 takes the length
// that the code stands for, everywhere.
uint8_t length_code(uint64_t length);
uint64_t length_of_code(uint8_t code);

// How much one term adds to the score of a document, given all lengths' mean.
class TermScorer {
 public:
  TermScorer() = default;
  // `score` is weight times inverse document frequency; `norms` are length_norms().
  TermScorer(double score, const std::array<double, 256>& norms) : score_(score), norms_(&norms) {}
  double operator()(uint8_t count, uint8_t code) const {
    return score_ * count / (count + (*norms_)[code]);
  }

 private:
  double score_ = 0;
  const std::array<double, 256>* norms_ = nullptr;
};

// How soon more of the same term tells nothing new. Pairs and single characters of a run are pieces
// of words: having one twice tells more than having a word twice does.
constexpr double kBm25K1 = 0.9;
constexpr double kBm25K1OfPieces = 1.2;
constexpr double kBm25B = 0.75;
// k1 * (1 - b + b * length / mean) for each length code.
std::array<double, 256> length_norms(double k1, double length_mean);
double inverse_document_frequency(double documents, double frequency);

struct BoundPair {
  uint8_t count;
  uint8_t length_code;
};

// Some consecutive postings of a long list.
struct PostingRange {
  uint32_t last = 0;  // ordinal
  uint8_t pair_count = 0;
  std::array<BoundPair, kBoundPairsMax> pairs = {};

  // No document of the range scores more.
  double bound(const TermScorer& scorer) const;
};

// One block within PostingList::bytes: deltas, then counts, length codes, and neighbours if any of
// its postings has some.
struct PostingBlock {
  uint32_t base = 0;  // the first delta is from here
  uint32_t last = 0;  // ordinal
  uint32_t offset = 0;
  uint16_t deltas_size = 0;
  uint8_t postings = 0;
  bool has_neighbours = false;
  uint8_t pair_count = 0;  // 0: look through it
  std::array<BoundPair, kBoundPairsMax> pairs = {};
};

// The postings of a term in one segment, as they are stored.
struct PostingList {
  std::string own_bytes;
  std::string_view shown_bytes;  // of who showed the chunk, instead of own ones
  std::vector<PostingBlock> blocks;
  uint64_t count = 0;

  const uint8_t* bytes() const {
    const char* const at = shown_bytes.empty() ? own_bytes.data() : shown_bytes.data();
    return reinterpret_cast<const uint8_t*>(at);
  }
  const uint8_t* counts(const PostingBlock& block) const {
    return bytes() + block.offset + block.deltas_size;
  }
  const uint8_t* length_codes(const PostingBlock& block) const {
    return counts(block) + block.postings;
  }
  // Of the posting `at` of the block.
  uint8_t neighbours(const PostingBlock& block, size_t at) const {
    return block.has_neighbours ? length_codes(block)[block.postings + at] : uint8_t{0};
  }
  // No document of the block scores more.
  double bound(const PostingBlock& block, const TermScorer& scorer) const;
  // Fills as many ordinals as the block has. False: malformed.
  bool decode(const PostingBlock& block, uint32_t* ordinals) const;
};

// --- The stored forms. A short list is one block without bounds; a chunk is some blocks of a long
// --- one. Both can be read by themselves. Before the chunks of a very long one stand its ranges.

// varint postings, varint size of deltas * 2 + 1 if there are neighbours, deltas (the first from
// 0), counts, length codes, neighbours.
void append_short_list(std::string& out, std::span<const Posting> postings);
// Takes it from the front of `bytes`; false: malformed.
bool take_short_list(std::string_view& bytes, PostingList& list);
// Passes over it; how many postings it has, or nullopt: malformed.
std::optional<uint64_t> skip_short_list(std::string_view& bytes);

// varint blocks, then for each: varint postings, varint last ordinal since the block before, varint
// size of deltas and neighbours as above, u8 pairs, pairs; then for each deltas, counts, length
// codes, neighbours. Takes postings from the front until about `size_max` bytes are full.
std::string take_chunk(std::span<const Posting>& postings, size_t size_max);
// Appends the chunk's blocks to `list`. False: malformed.
bool append_chunk(std::string_view bytes, PostingList& list);
// Makes it the list, which holds as long as `bytes` do. False: malformed.
bool show_chunk(std::string_view bytes, PostingList& list);

// varint postings of the list, then for each range: varint last ordinal since the range before, u8
// pairs, pairs.
std::string encode_ranges(uint64_t count, std::span<const std::span<const Posting>> ranges);
// False: malformed.
bool decode_ranges(std::string_view bytes, uint64_t& count, std::vector<PostingRange>& ranges);

}  // namespace holdfast::search
