#include "search/segment_terms.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

constexpr char kShortLists = 0;
constexpr char kChunk = 1;
constexpr char kRanges = 2;
constexpr size_t kOrdinalSize = 5;  // of a key: 00 ordinal:u32
constexpr size_t kPassedMax = 4;    // to look for a term costs as much as to pass so many blocks by

Status malformed_terms() {
  return malformed_index("a block of terms");
}

// The term of a key of postings, whose part behind the segment's prefix is given.
std::string_view term_of(std::string_view key_rest) {
  return key_rest.substr(0, key_rest.size() - std::min(key_rest.size(), kOrdinalSize));
}

// Calls visit(last term, value) for each block of the terms >= `from`, from a key on, until it
// returns false. Errors: those of the source; Corruption: keys are none of terms.
Status scan_blocks(KeySource& source, const IndexKeys& keys, uint32_t segment,
                   std::string_view from, std::string begin,
                   const std::function<bool(std::string_view, std::string_view)>& visit) {
  const std::string all = keys.terms(segment);
  std::string before(from);
  bool is_sound = true;
  const KeyRange range{std::move(begin), ordered_prefix_end(all)};
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
    const std::string_view term = term_of(key.substr(all.size()));
    is_sound = !value.empty() && term >= before;
    if (!is_sound) return false;
    before = term;
    return visit(term, value);
  }));
  return is_sound ? Status::ok() : malformed_terms();
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

// Fills the lists of terms from the blocks of a segment, in order.
class TermPostings::Opener {
 public:
  explicit Opener(std::vector<TermPostings>& all) : all_(all) {}

  bool ends() const { return next_ == all_.size(); }
  bool is_sound() const { return is_sound_; }
  const std::string& wanted() const { return all_[next_].term_; }

  // False: the wanted term is to be looked for anew, or nothing is wanted.
  bool take(std::string_view last_term, std::string_view value) {
    if (value[0] != kShortLists) pass_to(last_term);
    if (ends()) return false;
    if (last_term < wanted()) return ++passed_ < kPassedMax;
    passed_ = 0;
    return value[0] == kShortLists ? take_short(value.substr(1), last_term) : take_long(value);
  }

 private:
  // Of those before it nothing more comes.
  void pass_to(std::string_view term) {
    while (!ends() && wanted() < term) ++next_;
  }
  bool take_short(std::string_view bytes, std::string_view last_term) {
    std::string term;
    while (!bytes.empty() && !ends() && wanted() <= last_term) {
      is_sound_ = take_term(bytes, term);
      if (!is_sound_) return false;
      pass_to(term);
      const bool is_wanted = !ends() && wanted() == term;
      is_sound_ = is_wanted ? take_short_list(bytes, all_[next_].list_)
                            : skip_short_list(bytes).has_value();
      if (!is_sound_) return false;
      if (is_wanted) ++next_;
    }
    while (!ends() && wanted() <= last_term) ++next_;
    return !ends();
  }
  bool take_long(std::string_view value) {
    TermPostings& one = all_[next_];
    if (value[0] == kChunk) return is_sound_ = append_chunk(value.substr(1), one.list_);
    is_sound_ = value[0] == kRanges && decode_ranges(value.substr(1), one.count_, one.ranges_);
    ++next_;
    return false;  // the chunks behind it are not read
  }

  std::vector<TermPostings>& all_;
  size_t next_ = 0;
  size_t passed_ = 0;
  bool is_sound_ = true;
};

Result<std::vector<TermPostings>> TermPostings::open(KeySource& source, const IndexKeys& keys,
                                                     uint32_t segment,
                                                     std::span<const std::string_view> terms) {
  std::vector<TermPostings> all(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    CHECK(i == 0 || terms[i - 1] < terms[i]);
    all[i].source_ = &source;
    all[i].keys_ = &keys;
    all[i].segment_ = segment;
    all[i].term_ = terms[i];
  }
  Opener opener(all);
  for (bool is_at_end = false; !is_at_end && !opener.ends();) {
    is_at_end = true;
    const std::string wanted = opener.wanted();
    HOLDFAST_TRY(scan_blocks(source, keys, segment, wanted, keys.term(segment, wanted, 0),
                             [&](std::string_view last_term, std::string_view value) {
                               return is_at_end = opener.take(last_term, value);
                             }));
    if (!opener.is_sound()) return malformed_terms();
  }
  for (TermPostings& one : all) {
    if (one.ranges_.empty()) one.count_ = one.list_.count;
  }
  return all;
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
    if (last_term < wanted_) return ++passed_ < kPassedMax;
    passed_ = 0;
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
      is_sound_ = take_term(bytes, term) && skip_short_list(bytes).has_value();
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
  for (bool is_at_end = false; !is_at_end && !skimmer.ends();) {
    is_at_end = true;
    const std::string wanted = skimmer.wanted();
    HOLDFAST_TRY(scan_blocks(source, keys, segment, wanted, keys.term(segment, wanted, 0),
                             [&](std::string_view last_term, std::string_view value) {
                               return is_at_end = skimmer.take(last_term, value);
                             }));
    if (!skimmer.is_sound()) return malformed_terms();
  }
  return Status::ok();
}

namespace {

// What count_terms is at.
class PrefixCounter {
 public:
  PrefixCounter(std::string_view prefix, const TermCounter& visit)
      : prefix_(prefix), visit_(visit) {}

  bool is_sound() const { return is_sound_; }
  // The last term, if it has ranges, behind whose chunks counting goes on.
  std::optional<std::string> take_ranged() { return std::exchange(ranged_, std::nullopt); }

  bool take(std::string_view last_term, std::string_view value) {
    if (value[0] == kChunk && chunked_ == last_term) return add_chunk(value);
    if (!end_chunks()) return false;
    if (value[0] == kShortLists) return take_short(value.substr(1));
    if (!last_term.starts_with(prefix_)) return false;
    if (value[0] == kChunk) {
      chunked_ = last_term;
      return add_chunk(value);
    }
    std::vector<PostingRange> ranges;
    uint64_t count = 0;
    is_sound_ = value[0] == kRanges && decode_ranges(value.substr(1), count, ranges);
    if (is_sound_ && visit_(last_term, count)) ranged_ = last_term;
    return false;
  }
  // Of a list of chunks all were seen. False: nothing more is wanted.
  bool end_chunks() {
    if (chunked_.empty()) return true;
    return visit_(std::exchange(chunked_, {}), std::exchange(chunked_count_, 0));
  }

 private:
  bool add_chunk(std::string_view value) {
    PostingList list;
    is_sound_ = append_chunk(value.substr(1), list);
    chunked_count_ += list.count;
    return is_sound_;
  }
  bool take_short(std::string_view bytes) {
    std::string term;
    while (!bytes.empty()) {
      is_sound_ = take_term(bytes, term);
      const auto count = is_sound_ ? skip_short_list(bytes) : std::nullopt;
      is_sound_ = count.has_value();
      if (!is_sound_) return false;
      if (term < prefix_) continue;
      if (!term.starts_with(prefix_) || !visit_(term, *count)) return false;
    }
    return true;
  }

  const std::string_view prefix_;
  const TermCounter& visit_;
  std::string chunked_;  // the term whose chunks are added up
  uint64_t chunked_count_ = 0;
  std::optional<std::string> ranged_;
  bool is_sound_ = true;
};

}  // namespace

Status count_terms(KeySource& source, const IndexKeys& keys, uint32_t segment,
                   std::string_view prefix, const TermCounter& visit) {
  PrefixCounter counter(prefix, visit);
  std::string from(prefix);
  std::string begin = keys.term(segment, prefix, 0);
  while (true) {
    HOLDFAST_TRY(scan_blocks(source, keys, segment, from, begin,
                             [&](std::string_view last_term, std::string_view value) {
                               return counter.take(last_term, value);
                             }));
    if (!counter.is_sound()) return malformed_terms();
    const std::optional<std::string> ranged = counter.take_ranged();
    if (!ranged) break;
    from = *ranged;
    begin = keys.term(segment, from, UINT32_MAX) + '\0';
  }
  (void)counter.end_chunks();
  return Status::ok();
}

}  // namespace holdfast::search
