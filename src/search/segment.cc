#include "search/segment.h"

#include <algorithm>
#include <bit>
#include <map>

#include "base/check.h"
#include "base/coding.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

constexpr char kShortLists = 0;
constexpr char kChunk = 1;
constexpr char kRanges = 2;
constexpr size_t kOrdinalSize = 5;  // of a key: 00 ordinal:u32

Status malformed_terms() {
  return malformed_index("a block of terms");
}

// The term of a key of postings, whose part behind the segment's prefix is given.
std::string_view term_of(std::string_view key_rest) {
  return key_rest.substr(0, key_rest.size() - std::min(key_rest.size(), kOrdinalSize));
}

// Takes the head of an entry of a block: the term that it is of, given that of the one before.
bool take_term(std::string_view& bytes, std::string& term) {
  if (bytes.size() < 2) return false;
  const size_t shared = static_cast<uint8_t>(bytes[0]);
  const size_t more = static_cast<uint8_t>(bytes[1]);
  if (shared > term.size() || bytes.size() < 2 + more) return false;
  term.resize(shared);
  term.append(bytes.substr(2, more));
  bytes.remove_prefix(2 + more);
  return true;
}

// Looks for the term in a block of short lists; false: malformed.
bool find_short(std::string_view bytes, std::string_view wanted, PostingList& list) {
  std::string term;
  while (!bytes.empty()) {
    if (!take_term(bytes, term)) return false;
    if (term == wanted) return take_short_list(bytes, list);
    if (term > wanted) return true;
    if (!skip_short_list(bytes)) return false;
  }
  return true;
}

uint32_t bucket_count(const SegmentInfo& segment) {
  return std::bit_ceil(std::clamp(segment.documents / 256, 1u, 256u));
}

constexpr size_t kDeadCountSize = 12;

}  // namespace

Status SegmentWriter::flush() {
  if (block_.empty()) return Status::ok();
  const std::string key = keys_.term(segment_, last_term_, UINT32_MAX);
  HOLDFAST_TRY(target_.put(key, std::string(1, kShortLists) + block_));
  block_.clear();
  return Status::ok();
}

Status SegmentWriter::add_long(std::string_view term, std::span<const Posting> postings) {
  const size_t count = postings.size();
  std::vector<std::span<const Posting>> chunks;
  while (!postings.empty()) {
    const std::span<const Posting> before = postings;
    const std::string chunk = take_chunk(postings, kTermBlockSize);
    chunks.push_back(before.first(before.size() - postings.size()));
    const uint32_t last = chunks.back().back().ordinal;
    HOLDFAST_TRY(target_.put(keys_.term(segment_, term, last), std::string(1, kChunk) + chunk));
  }
  if (chunks.size() < kRangedChunksMin) return Status::ok();
  const size_t per_range = (chunks.size() + kRangesMax - 1) / kRangesMax;
  std::vector<std::span<const Posting>> ranges;
  for (size_t i = 0; i < chunks.size(); i += per_range) {
    const auto& end = chunks[std::min(i + per_range, chunks.size()) - 1];
    ranges.emplace_back(chunks[i].data(), end.data() + end.size());
  }
  return target_.put(keys_.term(segment_, term, 0),
                     std::string(1, kRanges) + encode_ranges(count, ranges));
}

Status SegmentWriter::add(std::string_view term, std::span<const Posting> postings) {
  CHECK(!postings.empty());
  if (postings.size() > kShortListMax) {
    HOLDFAST_TRY(flush());
    return add_long(term, postings);
  }
  size_t shared = 0;
  if (!block_.empty()) {
    const size_t most = std::min(last_term_.size(), term.size());
    while (shared < most && last_term_[shared] == term[shared]) ++shared;
  }
  const size_t before = block_.size();
  block_.push_back(static_cast<char>(shared));
  block_.push_back(static_cast<char>(term.size() - shared));
  block_.append(term.substr(shared));
  append_short_list(block_, postings);
  if (before > 0 && block_.size() > kTermBlockSize) {
    block_.resize(before);
    HOLDFAST_TRY(flush());
    return add(term, postings);  // the first of a block shares nothing
  }
  last_term_.assign(term);
  return Status::ok();
}

Status write_ids(KeyTarget& target, const IndexKeys& keys, uint32_t segment, uint32_t first,
                 std::span<const DocumentId> ids) {
  CHECK(first % kIdsPerBlock == 0);
  for (uint32_t block = first / kIdsPerBlock; !ids.empty(); ++block) {
    const auto some = ids.first(std::min<size_t>(ids.size(), kIdsPerBlock));
    std::string bytes;
    for (const DocumentId& id : some) bytes.append(view_of(id));
    HOLDFAST_TRY(target.put(keys.ids(segment, block), bytes));
    ids = ids.subspan(some.size());
  }
  return Status::ok();
}

Result<TermPostings> TermPostings::open(KeySource& source, const IndexKeys& keys, uint32_t segment,
                                        std::string_view term) {
  TermPostings postings;
  postings.source_ = &source;
  postings.keys_ = &keys;
  postings.segment_ = segment;
  postings.term_ = term;
  bool is_sound = true;
  KeyRange range{keys.term(segment, term, 0), ordered_prefix_end(keys.terms(segment))};
  const size_t term_at = keys.terms(segment).size();
  PostingList& list = postings.list_;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
    if (value.empty()) {
      is_sound = false;
    } else if (value[0] == kShortLists) {
      if (list.blocks.empty()) is_sound = find_short(value.substr(1), term, list);
    } else if (term_of(key.substr(term_at)) == term) {
      if (value[0] == kChunk) return is_sound = append_chunk(value.substr(1), list);
      is_sound =
          value[0] == kRanges && decode_ranges(value.substr(1), postings.count_, postings.ranges_);
    }
    return false;
  }));
  if (!is_sound) return malformed_terms();
  if (postings.ranges_.empty()) postings.count_ = list.count;
  return postings;
}

Status TermPostings::visit_chunks(
    uint32_t begin, uint32_t end,
    const std::function<bool(const PostingList& chunk)>& visit) const {
  // Under ordinal 0 stand the ranges.
  KeyRange range{keys_->term(segment_, term_, std::max(begin, 1u)),
                 keys_->term(segment_, term_, UINT32_MAX)};
  bool is_sound = true;
  PostingList chunk;
  HOLDFAST_TRY(source_->peek_scan(range, [&](std::string_view, std::string_view value) {
    chunk.blocks.clear();
    chunk.bytes.clear();
    chunk.count = 0;
    is_sound = !value.empty() && value[0] == kChunk && append_chunk(value.substr(1), chunk);
    return is_sound && visit(chunk) && chunk.blocks.back().last < end - 1;
  }));
  return is_sound ? Status::ok() : malformed_terms();
}

TermStream::TermStream(KeySource& source, const IndexKeys& keys, uint32_t segment,
                       std::string_view after)
    : source_(source),
      range_{keys.term(segment, after, 0), ordered_prefix_end(keys.terms(segment))},
      term_at_(keys.terms(segment).size()),
      after_(after) {}

Status TermStream::refill() {
  constexpr size_t kBlocksMax = 32;
  blocks_.clear();
  block_ = 0;
  HOLDFAST_TRY(source_.peek_scan(range_, [&](std::string_view key, std::string_view value) {
    blocks_.push_back({std::string(key), std::string(value)});
    return blocks_.size() < kBlocksMax;
  }));
  at_end_ = blocks_.empty();
  if (!at_end_) range_.begin = blocks_.back().key + '\0';
  return Status::ok();
}

Result<bool> TermStream::next_short() {
  if (!take_term(rest_, term_) || !take_short_list(rest_, postings_)) return malformed_terms();
  return term_ > after_;
}

Result<bool> TermStream::next_long() {
  postings_ = {};
  term_ = term_of(std::string_view(blocks_[block_].key).substr(term_at_));
  while (!at_end_) {
    if (block_ == blocks_.size()) {
      HOLDFAST_TRY(refill());
      continue;
    }
    const Block& block = blocks_[block_];
    const bool is_more = !block.value.empty() && block.value[0] == kChunk &&
                         term_of(std::string_view(block.key).substr(term_at_)) == term_;
    if (!is_more) break;
    const bool is_sound = append_chunk(std::string_view(block.value).substr(1), postings_);
    if (!is_sound) return malformed_terms();
    ++block_;
  }
  return term_ > after_;
}

Result<bool> TermStream::next() {
  while (true) {
    bool is_wanted = false;
    if (!rest_.empty()) {
      HOLDFAST_ASSIGN(is_wanted, next_short());
      if (is_wanted) return true;
      continue;
    }
    if (block_ == blocks_.size()) HOLDFAST_TRY(refill());
    if (at_end_) return false;
    const std::string_view value = blocks_[block_].value;
    if (value.empty()) return malformed_terms();
    if (value[0] == kRanges) {
      ++block_;
      continue;
    }
    if (value[0] == kChunk) {
      HOLDFAST_ASSIGN(is_wanted, next_long());
      if (is_wanted) return true;
      continue;
    }
    term_.clear();
    rest_ = value.substr(1);
    ++block_;
  }
}

namespace {

// What skim_terms is at.
class Skimmer {
 public:
  explicit Skimmer(const TermSkimmer& visit) : visit_(visit) {}

  bool ends() const { return ends_; }
  bool is_sound() const { return is_sound_; }
  const std::string& wanted() const { return wanted_; }

  // False: the wanted term is to be looked for anew.
  bool take(std::string_view last_term, std::string_view value) {
    constexpr size_t kPassedMax = 4;  // to look for a term costs as much as to pass so many by
    if (last_term < wanted_) return ++passed_ < kPassedMax;
    passed_ = 0;
    is_sound_ = !value.empty();
    if (!is_sound_) return false;
    if (value[0] != kShortLists) {
      visit_term(last_term);
      return !ends_ && value[0] != kRanges;
    }
    take_short(value.substr(1), last_term);
    return !ends_ && is_sound_;
  }

 private:
  void visit_term(std::string_view term) {
    auto next = visit_(term);
    ends_ = !next;
    if (ends_) return;
    // No term lies between one and what it is with this byte behind it.
    wanted_ = next->empty() ? std::string(term) + kFacetByte : std::move(*next);
  }
  void take_short(std::string_view bytes, std::string_view last_term) {
    std::string term;
    while (!bytes.empty() && !ends_ && last_term >= wanted_) {
      is_sound_ = take_term(bytes, term) && skip_short_list(bytes);
      if (!is_sound_) return;
      if (term >= wanted_) visit_term(term);
    }
  }

  const TermSkimmer& visit_;
  std::string wanted_ = std::string(1, kFacetByte + 1);
  size_t passed_ = 0;
  bool ends_ = false;
  bool is_sound_ = true;
};

}  // namespace

Status skim_terms(KeySource& source, const IndexKeys& keys, uint32_t segment,
                  const TermSkimmer& visit) {
  Skimmer skimmer(visit);
  const size_t term_at = keys.terms(segment).size();
  const std::string end = ordered_prefix_end(keys.terms(segment));
  for (bool is_at_end = false; !is_at_end && !skimmer.ends();) {
    is_at_end = true;
    const KeyRange range{keys.term(segment, skimmer.wanted(), 0), end};
    HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
      is_at_end = skimmer.take(term_of(key.substr(term_at)), value);
      return is_at_end;
    }));
    if (!skimmer.is_sound()) return malformed_terms();
  }
  return Status::ok();
}

Result<DocumentId> read_id(KeySource& source, const IndexKeys& keys, uint32_t segment,
                           uint32_t ordinal) {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.ids(segment, ordinal / kIdsPerBlock)));
  const size_t at = size_t{ordinal % kIdsPerBlock} * kDocumentIdSize;
  if (!bytes || bytes->size() < at + kDocumentIdSize) return malformed_index("ids are missing");
  return document_id(std::string_view(*bytes).substr(at, kDocumentIdSize));
}

Result<std::vector<DocumentId>> read_ids(KeySource& source, const IndexKeys& keys,
                                         const SegmentInfo& segment) {
  std::vector<DocumentId> ids;
  ids.reserve(segment.documents);
  const KeyRange range = prefix_range(keys.segment(segment.id) + 'i');
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view, std::string_view value) {
    for (size_t at = 0; at + kDocumentIdSize <= value.size(); at += kDocumentIdSize) {
      ids.push_back(document_id(value.substr(at, kDocumentIdSize)));
    }
    return true;
  }));
  if (ids.size() != segment.documents) return malformed_index("ids are missing");
  return ids;
}

Result<uint32_t> lower_ordinal(KeySource& source, const IndexKeys& keys, const SegmentInfo& segment,
                               std::string_view id) {
  if (id <= view_of(segment.first)) return 0u;
  if (id > view_of(segment.last)) return segment.documents;
  // Of ordinals below `low` the ids are smaller, of those from `high` on they are not.
  uint32_t low = 0;
  uint32_t high = segment.documents;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const uint32_t block = middle / kIdsPerBlock;
    HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.ids(segment.id, block)));
    if (!bytes || bytes->empty()) return malformed_index("ids are missing");
    uint32_t smaller = 0;
    const auto count = static_cast<uint32_t>(bytes->size() / kDocumentIdSize);
    while (smaller < count &&
           std::string_view(*bytes).substr(smaller * kDocumentIdSize, kDocumentIdSize) < id) {
      ++smaller;
    }
    const uint32_t first = block * kIdsPerBlock;
    if (smaller > 0 && smaller < count) return first + smaller;
    if (smaller == 0) high = first;
    if (smaller == count) low = first + count;
  }
  return low;
}

Result<std::vector<uint64_t>> read_dead(KeySource& source, const IndexKeys& keys,
                                        const SegmentInfo& segment) {
  std::vector<uint64_t> bits;
  if (segment.dead == 0) return bits;
  bits.resize((segment.documents + 63) / 64);
  bool is_sound = true;
  const std::string prefix = keys.segment(segment.id) + 'k';
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view number = key.substr(prefix.size());
        is_sound = number.size() == 4 && value.size() == kDocumentsPerDeadChunk / 8;
        if (!is_sound) return false;
        const uint32_t chunk = __builtin_bswap32(load_le<uint32_t>(number.data()));
        const size_t first = size_t{chunk} * (kDocumentsPerDeadChunk / 64);
        for (size_t i = 0; i < value.size() / 8 && first + i < bits.size(); ++i) {
          bits[first + i] = load_le<uint64_t>(value.data() + 8 * i);
        }
        return true;
      }));
  if (!is_sound) return malformed_index("the marks of the dead");
  return bits;
}

Result<std::optional<uint32_t>> find_live(KeySource& source, const IndexKeys& keys,
                                          const SegmentInfo& segment,
                                          const std::vector<uint64_t>& dead, const DocumentId& id) {
  std::optional<uint32_t> found;
  if (id < segment.first || id > segment.last) return found;
  HOLDFAST_ASSIGN(const uint32_t ordinal, lower_ordinal(source, keys, segment, view_of(id)));
  if (ordinal == segment.documents) return found;
  const bool is_dead = !dead.empty() && (dead[ordinal / 64] >> ordinal % 64 & 1) != 0;
  if (is_dead) return found;
  HOLDFAST_ASSIGN(const DocumentId there, read_id(source, keys, segment.id, ordinal));
  if (there == id) found = ordinal;
  return found;
}

Result<uint64_t> read_dead_count(KeySource& source, const IndexKeys& keys,
                                 const SegmentInfo& segment, std::string_view term) {
  if (segment.dead == 0) return uint64_t{0};
  const uint64_t hash = hash_term_64(term);
  const auto bucket = static_cast<uint32_t>(hash & (bucket_count(segment) - 1));
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.dead_counts(segment.id, bucket)));
  if (!bytes) return uint64_t{0};
  size_t low = 0;
  size_t high = bytes->size() / kDeadCountSize;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const char* const at = bytes->data() + middle * kDeadCountSize;
    if (load_le<uint64_t>(at) == hash) return uint64_t{load_le<uint32_t>(at + 8)};
    if (load_le<uint64_t>(at) < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return uint64_t{0};
}

namespace {

Status mark_dead(KeyTarget& target, const IndexKeys& keys, const SegmentInfo& segment,
                 std::span<const Death> deaths) {
  for (size_t i = 0; i < deaths.size();) {
    const uint32_t chunk = deaths[i].ordinal / kDocumentsPerDeadChunk;
    const std::string key = keys.dead_bits(segment.id, chunk);
    HOLDFAST_ASSIGN(auto bytes, target.peek(key));
    std::string bits = bytes.value_or(std::string(kDocumentsPerDeadChunk / 8, '\0'));
    if (bits.size() != kDocumentsPerDeadChunk / 8) return malformed_index("the marks of the dead");
    for (; i < deaths.size() && deaths[i].ordinal / kDocumentsPerDeadChunk == chunk; ++i) {
      const uint32_t bit = deaths[i].ordinal % kDocumentsPerDeadChunk;
      char& byte = bits[bit / 8];
      if (byte & 1 << bit % 8) return malformed_index("a document died twice");
      byte = static_cast<char>(byte | 1 << bit % 8);
    }
    HOLDFAST_TRY(target.put(key, bits));
  }
  return Status::ok();
}

Status add_dead_counts(KeyTarget& target, const std::string& key,
                       std::map<uint64_t, uint32_t> counts) {
  HOLDFAST_ASSIGN(const auto bytes, target.peek(key));
  const std::string before = bytes.value_or("");
  for (size_t at = 0; at + kDeadCountSize <= before.size(); at += kDeadCountSize) {
    counts[load_le<uint64_t>(before.data() + at)] += load_le<uint32_t>(before.data() + at + 8);
  }
  std::string out;
  for (const auto& [hash, count] : counts) {
    char entry[kDeadCountSize];
    store_le(entry, hash);
    store_le(entry + 8, count);
    out.append(entry, kDeadCountSize);
  }
  return target.put(key, out);
}

}  // namespace

Status write_deaths(KeyTarget& target, const IndexKeys& keys, SegmentInfo& segment,
                    std::span<const Death> deaths) {
  HOLDFAST_TRY(mark_dead(target, keys, segment, deaths));
  std::map<uint32_t, std::map<uint64_t, uint32_t>> buckets;
  for (const Death& death : deaths) {
    TextRecord record(death.record);
    while (record.next()) {
      const uint64_t hash = hash_term_64(record.term());
      ++buckets[static_cast<uint32_t>(hash & (bucket_count(segment) - 1))][hash];
    }
    if (record.is_malformed()) return malformed_index("a text record");
    segment.length -= length_of_code(length_code(record.length()));
  }
  for (auto& [bucket, counts] : buckets) {
    HOLDFAST_TRY(add_dead_counts(target, keys.dead_counts(segment.id, bucket), std::move(counts)));
  }
  segment.dead += static_cast<uint32_t>(deaths.size());
  return Status::ok();
}

}  // namespace holdfast::search
