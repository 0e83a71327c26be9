#include "search/postings.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/coding.h"

namespace holdfast::search {
namespace {

constexpr uint32_t kExactLengths = 32;
constexpr size_t kBlockPostingsMin = 32;  // of one that is to fill a chunk

// The pairs of which no other has both a higher count and a smaller length.
std::vector<BoundPair> pareto_pairs(std::span<const Posting> postings) {
  std::array<uint16_t, 256> shortest;  // by count
  shortest.fill(256);
  for (const Posting& posting : postings) {
    shortest[posting.count] = std::min<uint16_t>(shortest[posting.count], posting.length_code);
  }
  std::vector<BoundPair> pairs;
  uint16_t least = 256;
  for (int count = 255; count >= 0; --count) {
    if (shortest[static_cast<size_t>(count)] >= least) continue;
    least = shortest[static_cast<size_t>(count)];
    pairs.push_back({static_cast<uint8_t>(count), static_cast<uint8_t>(least)});
  }
  // What is too much becomes one pair that bounds them all.
  if (pairs.size() > kBoundPairsMax) {
    pairs[kBoundPairsMax - 1].length_code = pairs.back().length_code;
    pairs.resize(kBoundPairsMax);
  }
  return pairs;
}

void append_pairs(std::string& out, const std::vector<BoundPair>& pairs) {
  out.push_back(static_cast<char>(pairs.size()));
  for (const BoundPair& pair : pairs) {
    out.push_back(static_cast<char>(pair.count));
    out.push_back(static_cast<char>(pair.length_code));
  }
}

// Takes them from the front of `bytes`; false: malformed.
bool take_pairs(std::string_view& bytes, uint8_t& count,
                std::array<BoundPair, kBoundPairsMax>& pairs) {
  if (bytes.empty()) return false;
  count = static_cast<uint8_t>(bytes[0]);
  if (count == 0 || count > kBoundPairsMax || bytes.size() <= 2u * count) return false;
  for (size_t pair = 0; pair < count; ++pair) {
    pairs[pair] = {static_cast<uint8_t>(bytes[1 + 2 * pair]),
                   static_cast<uint8_t>(bytes[2 + 2 * pair])};
  }
  bytes.remove_prefix(1 + 2u * count);
  return true;
}

double pairs_bound(std::span<const BoundPair> pairs, const TermScorer& scorer) {
  double most = 0;
  for (const BoundPair& pair : pairs) most = std::max(most, scorer(pair.count, pair.length_code));
  return most;
}

bool have_neighbours(std::span<const Posting> postings) {
  return std::ranges::any_of(postings, [](const Posting& one) { return one.neighbours != 0; });
}

// The size of deltas, and whether there are neighbours, in one number.
uint64_t shape_of(size_t deltas_size, std::span<const Posting> postings) {
  return uint64_t{deltas_size} * 2 + (have_neighbours(postings) ? 1 : 0);
}

size_t payload_size(size_t deltas_size, size_t postings, bool has_neighbours) {
  return deltas_size + (has_neighbours ? 3 : 2) * postings;
}

// Deltas from `base`, counts, length codes, neighbours; returns the size of the deltas.
size_t append_payload(std::string& out, std::span<const Posting> postings, uint32_t base) {
  const size_t before = out.size();
  for (const Posting& posting : postings) {
    append_varint(out, posting.ordinal - base);
    base = posting.ordinal;
  }
  const size_t deltas_size = out.size() - before;
  for (const Posting& posting : postings) out.push_back(static_cast<char>(posting.count));
  for (const Posting& posting : postings) out.push_back(static_cast<char>(posting.length_code));
  if (!have_neighbours(postings)) return deltas_size;
  for (const Posting& posting : postings) out.push_back(static_cast<char>(posting.neighbours));
  return deltas_size;
}

struct ShortHeader {
  uint64_t postings;
  uint64_t deltas_size;
  bool has_neighbours;
  size_t size() const { return payload_size(deltas_size, postings, has_neighbours); }
};

std::optional<ShortHeader> take_short_header(std::string_view& bytes) {
  uint64_t postings = 0;
  uint64_t shape = 0;
  if (bytes.size() >= 2 && static_cast<uint8_t>(bytes[0] | bytes[1]) < 0x80) {  // nearly all
    postings = static_cast<uint8_t>(bytes[0]);
    shape = static_cast<uint8_t>(bytes[1]);
    bytes.remove_prefix(2);
  } else {
    const auto first = take_varint(bytes);
    const auto second = take_varint(bytes);
    if (!first || !second) return std::nullopt;
    postings = *first;
    shape = *second;
  }
  const ShortHeader header{postings, shape / 2, shape % 2 != 0};
  if (postings == 0 || postings > kShortListMax) return std::nullopt;
  if (header.deltas_size < postings || header.deltas_size > 5 * postings) return std::nullopt;
  if (bytes.size() < header.size()) return std::nullopt;
  return header;
}

}  // namespace

uint8_t length_code(uint64_t length) {
  if (length < kExactLengths) return static_cast<uint8_t>(length);
  length = std::min<uint64_t>(length, UINT32_MAX);
  const auto exponent = static_cast<uint32_t>(std::bit_width(length)) - 1;  // 5 and more
  const auto step = static_cast<uint32_t>(length >> (exponent - 3)) & 7;
  return static_cast<uint8_t>(std::min(kExactLengths + (exponent - 5) * 8 + step, 255u));
}

uint64_t length_of_code(uint8_t code) {
  if (code < kExactLengths) return code;
  const uint32_t exponent = (code - kExactLengths) / 8 + 5;
  const uint32_t step = (code - kExactLengths) % 8;
  return uint64_t{8 + step} << (exponent - 3);
}

std::array<double, 256> length_norms(double k1, double length_mean) {
  std::array<double, 256> norms;
  for (size_t code = 0; code < norms.size(); ++code) {
    const auto length = static_cast<double>(length_of_code(static_cast<uint8_t>(code)));
    norms[code] = k1 * (1 - kBm25B + kBm25B * length / length_mean);
  }
  return norms;
}

double inverse_document_frequency(double documents, double frequency) {
  return std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
}

double PostingRange::bound(const TermScorer& scorer) const {
  return pairs_bound(std::span(pairs).first(pair_count), scorer);
}

double PostingList::bound(const PostingBlock& block, const TermScorer& scorer) const {
  if (block.pair_count > 0) {
    return pairs_bound(std::span(block.pairs).first(block.pair_count), scorer);
  }
  double most = 0;
  const uint8_t* const often = counts(block);
  const uint8_t* const code = length_codes(block);
  for (size_t i = 0; i < block.postings; ++i) most = std::max(most, scorer(often[i], code[i]));
  return most;
}

bool PostingList::decode(const PostingBlock& block, uint32_t* ordinals) const {
  const uint8_t* at = bytes() + block.offset;
  const uint8_t* const end = at + block.deltas_size;
  uint32_t ordinal = block.base;
  if (block.deltas_size == block.postings) {  // a byte each
    uint8_t all = 0;
    for (size_t i = 0; i < block.postings; ++i) {
      all |= at[i];
      ordinals[i] = ordinal += at[i];
    }
    return all < 0x80 && ordinal == block.last;
  }
  for (size_t i = 0; i < block.postings; ++i) {
    uint32_t delta = 0;
    for (uint32_t shift = 0;; shift += 7) {
      if (at == end || shift > 28) return false;
      delta |= uint32_t{*at & 0x7fu} << shift;
      if (*at++ < 0x80) break;
    }
    ordinal += delta;
    ordinals[i] = ordinal;
  }
  return at == end && ordinal == block.last;
}

void append_short_list(std::string& out, std::span<const Posting> postings) {
  append_varint(out, postings.size());
  size_t deltas_size = 0;
  uint32_t base = 0;
  for (const Posting& posting : postings) {
    deltas_size += varint_size(posting.ordinal - base);
    base = posting.ordinal;
  }
  append_varint(out, shape_of(deltas_size, postings));
  append_payload(out, postings, 0);
}

bool take_short_list(std::string_view& bytes, PostingList& list) {
  const auto header = take_short_header(bytes);
  if (!header) return false;
  PostingBlock block;
  block.deltas_size = static_cast<uint16_t>(header->deltas_size);
  block.postings = static_cast<uint8_t>(header->postings);
  block.has_neighbours = header->has_neighbours;
  std::string_view deltas = bytes.substr(0, header->deltas_size);
  uint64_t last = 0;
  while (!deltas.empty()) {
    const auto delta = take_varint(deltas);
    if (!delta) return false;
    last += *delta;
  }
  if (last > UINT32_MAX) return false;
  block.last = static_cast<uint32_t>(last);
  list.own_bytes.assign(bytes.substr(0, header->size()));
  list.blocks.assign(1, block);
  list.count = header->postings;
  bytes.remove_prefix(header->size());
  return true;
}

std::optional<uint64_t> skip_short_list(std::string_view& bytes) {
  const auto header = take_short_header(bytes);
  if (!header) return std::nullopt;
  bytes.remove_prefix(header->size());
  return header->postings;
}

std::string take_chunk(std::span<const Posting>& postings, size_t size_max) {
  std::string header;
  std::string payload;
  uint64_t blocks = 0;
  uint32_t base = 0;
  constexpr size_t kHeaderMax = 16;
  while (!postings.empty()) {
    auto block = postings.first(std::min(postings.size(), kBlockPostings));
    std::string bytes;
    size_t deltas_size = append_payload(bytes, block, base);
    const size_t full = header.size() + payload.size() + kHeaderMax;
    if (blocks > 0 && full + bytes.size() > size_max) {
      // As many as fit, if they are worth a block.
      const size_t room = size_max - std::min(size_max, full);
      const size_t fitting = block.size() * room / bytes.size();
      if (fitting < kBlockPostingsMin) break;
      block = block.first(fitting);
      bytes.clear();
      deltas_size = append_payload(bytes, block, base);
      if (full + bytes.size() > size_max) break;
    }
    append_varint(header, block.size());
    append_varint(header, block.back().ordinal - base);
    append_varint(header, shape_of(deltas_size, block));
    append_pairs(header, pareto_pairs(block));
    payload.append(bytes);
    base = block.back().ordinal;
    postings = postings.subspan(block.size());
    ++blocks;
  }
  std::string out;
  append_varint(out, blocks);
  return out.append(header).append(payload);
}

namespace {

// Appends what the chunk says of its blocks, whose bytes are to stand from `offset` on, and takes
// it from the front. False: malformed.
bool take_blocks(std::string_view& bytes, size_t offset, PostingList& list) {
  const auto blocks = take_varint(bytes);
  if (!blocks || *blocks == 0 || *blocks > bytes.size()) return false;
  const size_t first = list.blocks.size();
  uint32_t base = 0;
  for (uint64_t i = 0; i < *blocks; ++i) {
    const auto postings = take_varint(bytes);
    const auto last = take_varint(bytes);
    const auto shape = take_varint(bytes);
    if (!postings || !last || !shape) return false;
    PostingBlock block;
    const bool is_sound = *postings > 0 && *postings <= kBlockPostings &&
                          *shape / 2 <= 5 * *postings && *last <= UINT32_MAX - base &&
                          take_pairs(bytes, block.pair_count, block.pairs);
    if (!is_sound) return false;
    block.base = base;
    block.last = base = base + static_cast<uint32_t>(*last);
    block.deltas_size = static_cast<uint16_t>(*shape / 2);
    block.has_neighbours = *shape % 2 != 0;
    block.postings = static_cast<uint8_t>(*postings);
    list.blocks.push_back(block);
    list.count += *postings;
  }
  const size_t begin = offset;
  for (size_t i = first; i < list.blocks.size(); ++i) {
    PostingBlock& block = list.blocks[i];
    block.offset = static_cast<uint32_t>(offset);
    offset += payload_size(block.deltas_size, block.postings, block.has_neighbours);
  }
  return offset - begin == bytes.size();
}

}  // namespace

bool append_chunk(std::string_view bytes, PostingList& list) {
  if (!take_blocks(bytes, list.own_bytes.size(), list)) return false;
  list.own_bytes.append(bytes);
  return true;
}

bool show_chunk(std::string_view bytes, PostingList& list) {
  list.blocks.clear();
  list.count = 0;
  const bool is_sound = take_blocks(bytes, 0, list);
  list.shown_bytes = bytes;
  return is_sound;
}

std::string encode_ranges(uint64_t count, std::span<const std::span<const Posting>> ranges) {
  std::string out;
  append_varint(out, count);
  uint32_t base = 0;
  for (const auto& range : ranges) {
    append_varint(out, range.back().ordinal - base);
    base = range.back().ordinal;
    append_pairs(out, pareto_pairs(range));
  }
  return out;
}

bool decode_ranges(std::string_view bytes, uint64_t& count, std::vector<PostingRange>& ranges) {
  const auto postings = take_varint(bytes);
  if (!postings || bytes.empty()) return false;
  count = *postings;
  uint32_t base = 0;
  while (!bytes.empty()) {
    const auto last = take_varint(bytes);
    if (!last || *last > UINT32_MAX - base) return false;
    PostingRange& range = ranges.emplace_back();
    range.last = base = base + static_cast<uint32_t>(*last);
    if (!take_pairs(bytes, range.pair_count, range.pairs)) return false;
  }
  return true;
}

}  // namespace holdfast::search
