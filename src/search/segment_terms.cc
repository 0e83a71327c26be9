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

TermReader::TermReader(KeySource& source, const IndexKeys& keys)
    : source_(source), keys_(keys), cursor_(source.peek_cursor(prefix_range(keys.segments()))) {}

// Calls visit(last term, value) for each block of the terms >= `from`, from a key on, until it
// returns false. Corruption: keys that are none of terms, too.
template <typename Visit>
Status TermReader::scan_blocks(uint32_t segment, std::string_view from, std::string_view begin,
                               const Visit& visit) {
  const std::string all = keys_.terms(segment);
  std::string before(from);
  for (cursor_->seek(begin); cursor_->valid(); cursor_->next()) {
    const std::string_view key = cursor_->key();
    if (!key.starts_with(all)) return Status::ok();
    const std::string_view term = term_of(key.substr(all.size()));
    const std::string_view value = cursor_->value();
    if (value.empty() || term < before) return malformed_terms();
    before = term;
    if (!visit(term, value)) return Status::ok();
  }
  return cursor_->status();
}

// Has `looker` take the blocks from the term that it wants on, and again wherever it leaves off,
// until it ends or they do.
template <typename Looker>
Status TermReader::look_through(uint32_t segment, Looker& looker) {
  for (bool is_at_end = false; !is_at_end && !looker.ends();) {
    is_at_end = true;
    const std::string wanted(looker.wanted());
    HOLDFAST_TRY(scan_blocks(segment, wanted, keys_.term(segment, wanted, 0),
                             [&](std::string_view last_term, std::string_view value) {
                               return is_at_end = looker.take(last_term, value);
                             }));
    if (!looker.is_sound()) return malformed_terms();
  }
  return Status::ok();
}

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
  const size_t shared = block_.empty() ? 0 : shared_size(last_term_, term);
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

namespace {

// The entries of a block of short lists.
class ShortLists {
 public:
  explicit ShortLists(std::string_view bytes) : rest_(bytes) {}

  // Goes on to the first term that is not below `wanted`, if it is not there yet. Returns whether
  // it is that one; false also at the end, and where the block is malformed.
  bool seek(std::string_view wanted) {
    if (is_behind_) return false;
    if (has_term_ && term_ >= wanted) return term_ == wanted;
    // Of a term that is less, so many bytes are the wanted one's. The next shares more with it, and
    // is as much less; or shares fewer, and is greater; or what follows tells.
    size_t equal = has_term_ ? shared_size(term_, wanted) : 0;
    while (take_entry()) {
      if (shared_ > equal) continue;
      const std::string_view left = wanted.substr(shared_);
      if (shared_ == equal && suffix_ < left) {
        equal += shared_size(suffix_, left);
        continue;
      }
      term_.assign(wanted.substr(0, shared_)).append(suffix_);
      has_term_ = true;
      return suffix_ == left;
    }
    is_behind_ = true;
    return false;
  }
  // Of the term that it is at. False: malformed.
  bool read(PostingList& list) const {
    std::string_view bytes = list_;
    return take_short_list(bytes, list);
  }
  bool is_sound() const { return is_sound_; }

 private:
  // False at the end, and where the block is malformed.
  bool take_entry() {
    if (rest_.empty()) return false;
    is_sound_ = rest_.size() >= 2;
    if (!is_sound_) return false;
    shared_ = static_cast<uint8_t>(rest_[0]);
    const size_t more = static_cast<uint8_t>(rest_[1]);
    is_sound_ = shared_ <= size_ && rest_.size() - 2 >= more;
    if (!is_sound_) return false;
    suffix_ = rest_.substr(2, more);
    size_ = shared_ + more;
    rest_.remove_prefix(2 + more);
    list_ = rest_;
    return is_sound_ = skip_short_list(rest_).has_value();
  }

  std::string_view rest_;
  std::string term_;         // that it is at
  size_t shared_ = 0;        // of the entry that was taken, with the one before
  std::string_view suffix_;  // behind that
  size_t size_ = 0;          // of its term
  std::string_view list_;    // and what stands behind
  bool has_term_ = false;
  bool is_behind_ = false;
  bool is_sound_ = true;
};

}  // namespace

// Fills the lists of terms from the blocks of a segment, in order.
class TermReader::Opener {
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
    ShortLists lists(bytes);
    for (; !ends() && wanted() <= last_term; ++next_) {
      const bool is_there = lists.seek(wanted());
      is_sound_ = lists.is_sound() && (!is_there || lists.read(all_[next_].list_));
      if (!is_sound_) return false;
    }
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

Result<std::vector<TermPostings>> TermReader::open(uint32_t segment,
                                                   std::span<const std::string_view> terms) {
  std::vector<TermPostings> all(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    CHECK(i == 0 || terms[i - 1] < terms[i]);
    all[i].source_ = &source_;
    all[i].keys_ = &keys_;
    all[i].segment_ = segment;
    all[i].term_ = terms[i];
  }
  Opener opener(all);
  HOLDFAST_TRY(look_through(segment, opener));
  for (TermPostings& one : all) {
    if (one.ranges_.empty()) one.count_ = one.list_.count;
  }
  return all;
}

uint32_t PostingChunks::cursor_last() const {
  const std::string_view key = cursor_->key();
  return __builtin_bswap32(load_le<uint32_t>(key.data() + key.size() - sizeof(uint32_t)));
}

const PostingList* PostingChunks::to(uint32_t ordinal) {
  const bool is_there = !chunk_.blocks.empty() && chunk_.blocks.back().last >= ordinal;
  if (is_there) return &chunk_;
  if (!status_) return nullptr;
  const TermPostings& all = postings_;
  const auto key_of = [&](uint32_t last) { return all.keys_->term(all.segment_, all.term_, last); };
  if (cursor_ == nullptr) {
    // Under ordinal 0 stand the ranges.
    cursor_ = all.source_->peek_cursor({key_of(std::max(ordinal, 1u)), key_of(UINT32_MAX)});
  } else {
    if (cursor_->valid()) cursor_->next();  // mostly that is it
    if (cursor_->valid() && cursor_last() < ordinal) cursor_->seek(key_of(ordinal));
  }
  chunk_.blocks.clear();
  status_ = cursor_->status();
  if (!cursor_->valid()) return nullptr;
  const std::string_view value = cursor_->value();
  const bool is_sound = !value.empty() && value[0] == kChunk &&
                        show_chunk(value.substr(1), chunk_) && chunk_.blocks.back().last >= ordinal;
  if (is_sound) return &chunk_;
  chunk_.blocks.clear();
  status_ = malformed_terms();
  return nullptr;
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

// What TermReader::skim is at.
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

Status TermReader::skim(uint32_t segment, const TermSkimmer& visit) {
  Skimmer skimmer(visit);
  return look_through(segment, skimmer);
}

namespace {

// What TermReader::count is at.
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

Status TermReader::count(uint32_t segment, std::string_view prefix, const TermCounter& visit) {
  PrefixCounter counter(prefix, visit);
  std::string from(prefix);
  std::string begin = keys_.term(segment, prefix, 0);
  while (true) {
    HOLDFAST_TRY(
        scan_blocks(segment, from, begin, [&](std::string_view last_term, std::string_view value) {
          return counter.take(last_term, value);
        }));
    if (!counter.is_sound()) return malformed_terms();
    const std::optional<std::string> ranged = counter.take_ranged();
    if (!ranged) break;
    from = *ranged;
    begin = keys_.term(segment, from, UINT32_MAX) + '\0';
  }
  (void)counter.end_chunks();
  return Status::ok();
}

}  // namespace holdfast::search
