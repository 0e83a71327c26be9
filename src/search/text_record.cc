#include "search/text_record.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "search/neighbours.h"
#include "search/phrase.h"

namespace holdfast::search {
namespace {

constexpr size_t kEntrySizeMin = 4;
constexpr uint32_t kCountMax = 255;  // BM25 saturates long before

// FNV-1a, then the finalizer of MurmurHash3, so that every bit depends on every byte.
uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char c : bytes) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  return hash;
}

constexpr uint64_t kFacetSeed = 0x9e3779b97f4a7c15;

struct WeightedTerm {
  uint64_t head;    // by which most comparisons are decided
  uint32_t offset;  // in the arena
  uint32_t size;
  uint32_t weight;
  uint8_t neighbours;
};

class WeightedTerms {
 public:
  void begin_field() { before_ = kNone; }
  // A token of the field, or of none.
  void add(std::string_view term, uint32_t weight, bool has_neighbours) {
    const uint64_t head = head_of(term);
    uint8_t neighbours = 0;
    if (has_neighbours && before_ != kNone) {
      all_[before_].neighbours |= neighbour_behind(head);
      neighbours = neighbour_before(all_[before_].head);
    }
    if (has_neighbours) before_ = all_.size();
    all_.push_back({head, static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(term.size()),
                    weight, neighbours});
    arena_.append(term);
  }
  std::string_view term(const WeightedTerm& one) const {
    return std::string_view(arena_).substr(one.offset, one.size);
  }
  // Distinct terms, ascending, with the sum of their weights and all neighbours.
  const std::vector<WeightedTerm>& fold() {
    std::sort(all_.begin(), all_.end(), [this](const WeightedTerm& a, const WeightedTerm& b) {
      return a.head != b.head ? a.head < b.head : term(a) < term(b);
    });
    size_t kept = 0;
    for (const WeightedTerm& one : all_) {
      if (kept > 0 && all_[kept - 1].head == one.head && term(all_[kept - 1]) == term(one)) {
        all_[kept - 1].weight = std::min(all_[kept - 1].weight + one.weight, kCountMax);
        all_[kept - 1].neighbours |= one.neighbours;
      } else {
        all_[kept] = one;
        all_[kept].weight = std::min(one.weight, kCountMax);
        ++kept;
      }
    }
    all_.resize(kept);
    return all_;
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  std::string arena_;
  std::vector<WeightedTerm> all_;
  size_t before_ = kNone;  // the last one that has neighbours
};

}  // namespace

size_t shared_size(std::string_view a, std::string_view b) {
  const size_t size_max = std::min({a.size(), b.size(), size_t{255}});
  size_t size = 0;
  while (size < size_max && a[size] == b[size]) ++size;
  return size;
}

uint32_t hash_term(std::string_view term) {
  return static_cast<uint32_t>(hash_bytes(term, 0));
}
uint32_t hash_facet(std::string_view facet) {
  return static_cast<uint32_t>(hash_bytes(facet, kFacetSeed));
}
uint64_t hash_term_64(std::string_view term) {
  return hash_bytes(term, 0);
}

std::string facet_term(std::string_view facet) {
  // 63 bits of the hash, seven a byte, none of which is zero.
  uint64_t hash = hash_bytes(facet, kFacetSeed);
  std::string term(1, kFacetByte);
  for (int i = 0; i < 9; ++i, hash >>= 7) term.push_back(static_cast<char>(0x80 | (hash & 0x7f)));
  return term;
}

std::string encode_text_record(Analyzer& analyzer, std::span<const TextField> fields,
                               std::span<const std::string> facets) {
  WeightedTerms found;
  uint64_t length = 0;
  for (const TextField& field : fields) {
    found.begin_field();
    analyzer.analyze(field.text, [&](const Token& token) {
      found.add(token.term, field.weight, is_primary(token.kind));
      length += field.weight;
      return true;
    });
  }
  for (const std::string& facet : facets) found.add(facet_term(facet), 1, false);

  std::string body;
  uint64_t count = 0;
  std::string_view before;
  for (const WeightedTerm& one : found.fold()) {
    const std::string_view term = found.term(one);
    const size_t shared = shared_size(before, term);
    if (body.size() + term.size() + kEntrySizeMin > kTextRecordSizeMax) break;
    body.push_back(static_cast<char>(shared));
    body.push_back(static_cast<char>(term.size() - shared));
    body.append(term.substr(shared));
    body.push_back(static_cast<char>(one.weight));
    body.push_back(static_cast<char>(one.neighbours));
    before = term;
    ++count;
  }
  std::string out(1, static_cast<char>(kTextFormat));
  append_varint(out, length);
  append_varint(out, count);
  return out.append(body);
}

TextRecord::TextRecord(std::string_view bytes) : rest_(bytes) {
  is_malformed_ = true;
  if (rest_.empty() || static_cast<uint8_t>(rest_[0]) != kTextFormat) return;
  rest_.remove_prefix(1);
  const auto length = take_varint(rest_);
  const auto count = take_varint(rest_);
  if (!length || !count) return;
  is_malformed_ = *count == 0 && !rest_.empty();
  length_ = *length;
  term_count_ = terms_left_ = *count;
}

// Takes an entry: how much its term shares with the one before, and the rest of it. False: there is
// none, or it is malformed.
inline bool TextRecord::take_entry(size_t& shared, std::string_view& rest) {
  if (terms_left_ == 0 || rest_.size() < kEntrySizeMin) return false;
  shared = static_cast<uint8_t>(rest_[0]);
  const size_t more = static_cast<uint8_t>(rest_[1]);
  const size_t size = shared + more;
  if (shared > term_size_ || size == 0 || size > kTermSizeMax) return false;
  if (rest_.size() < more + kEntrySizeMin) return false;
  rest = rest_.substr(2, more);
  count_ = static_cast<uint8_t>(rest_[2 + more]);
  neighbours_ = static_cast<uint8_t>(rest_[3 + more]);
  term_size_ = size;
  rest_.remove_prefix(more + kEntrySizeMin);
  --terms_left_;
  return true;
}

// The entry that was taken is the one to be seen.
void TextRecord::set_term(std::string_view shared, std::string_view rest) {
  std::memmove(term_, shared.data(), shared.size());
  std::memcpy(term_ + shared.size(), rest.data(), rest.size());
  has_term_ = true;
}

bool TextRecord::end() {
  is_malformed_ = is_malformed_ || terms_left_ > 0 || !rest_.empty();
  return has_term_ = false;
}

bool TextRecord::next() {
  size_t shared = 0;
  std::string_view rest;
  if (is_malformed_ || !take_entry(shared, rest)) return end();
  set_term({term_, shared}, rest);
  return true;
}

bool TextRecord::seek(std::string_view wanted) {
  if (has_term_ && term() >= wanted) return term() == wanted;
  // Of a term that is less, so many bytes are the wanted one's. The next shares more with it, and
  // is as much less; or shares fewer, and is greater; or what follows tells.
  size_t equal = has_term_ ? shared_size(term(), wanted) : 0;
  size_t shared = 0;
  std::string_view rest;
  while (!is_malformed_ && take_entry(shared, rest)) {
    if (shared > equal) continue;
    const std::string_view left = wanted.substr(shared);
    if (shared == equal && rest < left) {
      equal += shared_size(rest, left);
      continue;
    }
    set_term(wanted.substr(0, shared), rest);
    return rest == left;
  }
  return end();
}

}  // namespace holdfast::search
