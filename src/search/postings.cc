#include "search/postings.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/coding.h"

namespace holdfast::search {
namespace {

constexpr uint32_t kExactLengths = 32;

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

// Deltas from `base`, counts, length codes; returns the size of the deltas.
size_t append_payload(std::string& out, std::span<const Posting> postings, uint32_t base) {
  const size_t before = out.size();
  for (const Posting& posting : postings) {
    append_varint(out, posting.ordinal - base);
    base = posting.ordinal;
  }
  const size_t deltas_size = out.size() - before;
  for (const Posting& posting : postings) out.push_back(static_cast<char>(posting.count));
  for (const Posting& posting : postings) out.push_back(static_cast<char>(posting.length_code));
  return deltas_size;
}

struct ShortHeader {
  uint64_t postings;
  uint64_t deltas_size;
};

std::optional<ShortHeader> take_short_header(std::string_view& bytes) {
  ShortHeader header{};
  if (bytes.size() >= 2 && static_cast<uint8_t>(bytes[0] | bytes[1]) < 0x80) {  // nearly all
    header = {static_cast<uint8_t>(bytes[0]), static_cast<uint8_t>(bytes[1])};
    bytes.remove_prefix(2);
  } else {
    const auto postings = take_varint(bytes);
    const auto deltas_size = take_varint(bytes);
    if (!postings || !deltas_size) return std::nullopt;
    header = {*postings, *deltas_size};
  }
  const auto& [postings, deltas_size] = header;
  if (postings == 0 || postings > kShortListMax) return std::nullopt;
  if (deltas_size < postings || deltas_size > 5 * postings) return std::nullopt;
  if (bytes.size() < deltas_size + 2 * postings) return std::nullopt;
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
  append_varint(out, deltas_size);
  append_payload(out, postings, 0);
}

bool take_short_list(std::string_view& bytes, PostingList& list) {
  const auto header = take_short_header(bytes);
  if (!header) return false;
  PostingBlock block;
  block.deltas_size = static_cast<uint16_t>(header->deltas_size);
  block.postings = static_cast<uint8_t>(header->postings);
  std::string_view deltas = bytes.substr(0, header->deltas_size);
  uint64_t last = 0;
  while (!deltas.empty()) {
    const auto delta = take_varint(deltas);
    if (!delta) return false;
    last += *delta;
  }
  if (last > UINT32_MAX) return false;
  block.last = static_cast<uint32_t>(last);
  const size_t size = header->deltas_size + 2 * header->postings;
  list.own_bytes.assign(bytes.substr(0, size));
  list.blocks.assign(1, block);
  list.count = header->postings;
  bytes.remove_prefix(size);
  return true;
}

std::optional<uint64_t> skip_short_list(std::string_view& bytes) {
  const auto header = take_short_header(bytes);
  if (!header) return std::nullopt;
  bytes.remove_prefix(header->deltas_size + 2 * header->postings);
  return header->postings;
}

std::string take_chunk(std::span<const Posting>& postings, size_t size_max) {
  std::string header;
  std::string payload;
  uint64_t blocks = 0;
  uint32_t base = 0;
  while (!postings.empty()) {
    const auto block = postings.first(std::min(postings.size(), kBlockPostings));
    std::string bytes;
    const size_t deltas_size = append_payload(bytes, block, base);
    if (blocks > 0 && header.size() + payload.size() + bytes.size() + 16 > size_max) break;
    append_varint(header, block.size());
    append_varint(header, block.back().ordinal - base);
    append_varint(header, deltas_size);
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
    const auto deltas_size = take_varint(bytes);
    if (!postings || !last || !deltas_size) return false;
    PostingBlock block;
    const bool is_sound = *postings > 0 && *postings <= kBlockPostings &&
                          *deltas_size <= 5 * *postings && *last <= UINT32_MAX - base &&
                          take_pairs(bytes, block.pair_count, block.pairs);
    if (!is_sound) return false;
    block.base = base;
    block.last = base = base + static_cast<uint32_t>(*last);
    block.deltas_size = static_cast<uint16_t>(*deltas_size);
    block.postings = static_cast<uint8_t>(*postings);
    list.blocks.push_back(block);
    list.count += *postings;
  }
  const size_t begin = offset;
  for (size_t i = first; i < list.blocks.size(); ++i) {
    list.blocks[i].offset = static_cast<uint32_t>(offset);
    offset += list.blocks[i].deltas_size + 2u * list.blocks[i].postings;
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
