#include "search/text_index.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "search/characters.h"
#include "search/segment.h"
#include "search/segment_scorer.h"
#include "search/segment_terms.h"
#include "search/text_record.h"
#include "search/text_spelling.h"

namespace holdfast::search {
namespace {

constexpr double kPrefixWeight = 0.5;
constexpr uint32_t kNotFolded = UINT32_MAX;  // instead of a segment

// A document and what it has of the query's terms; of those that are not folded, only such as have
// any.
struct FoundDocument {
  DocumentId id = {};
  uint8_t length_code = 0;
  std::vector<std::pair<uint32_t, uint8_t>> counts;  // by term of the query
};

struct Candidate {
  double score = 0;
  uint32_t segment = kNotFolded;  // index in the manifest
  uint32_t ordinal = 0;           // or index of the fresh document
  mutable DocumentId id = {};
  mutable bool has_id = false;
};

// Query terms in order, to be found in records and segments, which are in that order too. The terms
// must outlive it.
class Wanted {
 public:
  explicit Wanted(const std::vector<QueryTerm>& terms) {
    for (uint32_t i = 0; i < terms.size(); ++i) places_.push_back(i);
    std::ranges::sort(places_, {}, [&](uint32_t i) { return std::string_view(terms[i].term); });
    for (const uint32_t place : places_) sorted_.emplace_back(terms[place].term);
  }
  const std::vector<std::string_view>& sorted() const { return sorted_; }
  // In the query, of one of those.
  uint32_t place(size_t i) const { return places_[i]; }
  // Calls visit(term, count) for those that the record has. False: malformed.
  template <typename Visit>
  bool find(TextRecord& record, const Visit& visit) const {
    for (size_t i = 0; i < sorted_.size();) {
      if (record.seek(sorted_[i])) visit(places_[i], record.count());
      if (!record.has_term()) break;
      if (++i == sorted_.size() || sorted_[i] >= record.term()) continue;
      const auto at = std::lower_bound(sorted_.begin() + i, sorted_.end(), record.term());
      i = static_cast<size_t>(at - sorted_.begin());
    }
    return !record.is_malformed();
  }

 private:
  std::vector<std::string_view> sorted_;
  std::vector<uint32_t> places_;
};

// An empty one where there is none.
Result<Manifest> peek_manifest(KeySource& source, const IndexKeys& keys) {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.manifest()));
  return bytes ? decode_manifest(*bytes) : Manifest();
}

Status check_built(const Manifest& manifest) {
  if (!manifest.rebuild) return Status::ok();
  return Status(StatusCode::kBusy,
                "the search index is being made anew; wait for `holdfast reindex`, or run it "
                "again if it was stopped");
}

}  // namespace

Status put_document(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                    std::string_view record) {
  return target.put(IndexKeys(prefix).fresh(view_of(id)), record);
}

Status drop_document(KeyTarget& target, std::string_view prefix, const DocumentId& id,
                     const std::function<Result<std::string>()>& record) {
  const IndexKeys keys(prefix);
  const std::string fresh = keys.fresh(view_of(id));
  HOLDFAST_ASSIGN(const auto unfolded, target.get(fresh));
  if (unfolded) return target.del(fresh);
  HOLDFAST_ASSIGN(const auto bytes, target.get(keys.manifest()));
  if (!bytes) return Status::ok();  // by an index of another form, which this one is to replace
  HOLDFAST_ASSIGN(const Manifest manifest, decode_manifest(*bytes));
  if (manifest.rebuild) return Status::ok();  // it has not come to this document
  HOLDFAST_ASSIGN(const std::string indexed, record());
  return target.put(keys.dropped(view_of(id)), indexed);
}

Status begin_rebuild(KeyTarget& target, std::string_view prefix) {
  const IndexKeys keys(prefix);
  HOLDFAST_TRY(target.del_range(prefix_range(keys.all())));
  Manifest manifest;
  manifest.rebuild.emplace();
  return target.put(keys.manifest(), encode_manifest(manifest));
}

Result<bool> rebuild_step(KeyTarget& target, std::string_view prefix, const RebuildSource& more) {
  const IndexKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto bytes, target.get(keys.manifest()));
  if (!bytes) return false;
  HOLDFAST_ASSIGN(Manifest manifest, decode_manifest(*bytes));
  if (!manifest.rebuild) return false;  // somebody else was faster
  HOLDFAST_ASSIGN(const std::vector<RebuildDocument> documents, more(manifest.rebuild->done_up_to));
  for (const RebuildDocument& document : documents) {
    HOLDFAST_TRY(put_document(target, prefix, document.id, document.record));
    manifest.rebuild->done_up_to = document.id;
  }
  if (documents.empty()) manifest.rebuild.reset();
  HOLDFAST_TRY(target.put(keys.manifest(), encode_manifest(manifest)));
  return !documents.empty();
}

Status check_built(KeySource& source, std::string_view prefix) {
  HOLDFAST_ASSIGN(const Manifest manifest, peek_manifest(source, IndexKeys(prefix)));
  return check_built(manifest);
}

Result<bool> has_manifest(KeySource& source, std::string_view prefix) {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(IndexKeys(prefix).manifest()));
  return bytes.has_value();
}

Result<std::optional<std::string>> peek_record(KeySource& source, std::string_view prefix,
                                               const DocumentId& id) {
  return source.peek(IndexKeys(prefix).fresh(view_of(id)));
}

class Ranking::Impl {
 public:
  Impl(KeySource& source, std::string_view prefix, TextQuery query, size_t count)
      : source_(source),
        keys_(prefix),
        query_(std::move(query)),
        typed_(query_.terms.size()),
        count_(count) {}

  Status load();
  Result<bool> take(TextMatch& match);
  Result<std::vector<TermScore>> explain(const DocumentId& id);
  Result<std::optional<double>> score(const DocumentId& id);

  const std::vector<QueryTerm>& terms() const { return query_.terms; }
  uint64_t documents() const { return documents_; }
  double length_mean() const { return length_mean_; }
  double score_max() const;

 private:
  void add_facets();
  Status expand_prefixes();
  uint32_t stand_for(QueryTerm term);
  Status collect_prefix(const std::string& prefix, std::map<std::string, uint64_t>& terms);
  Status load_terms();
  Status load_fresh(const Wanted& wanted);
  Status load_dropped(const Wanted& wanted);
  Status load_segments(const Wanted& wanted);
  void join_words();
  Result<bool> read_unknown();
  void simplify_required();
  void keep_rarest();
  void weigh();
  Status rank(size_t count);
  void rank_fresh();
  Status rank_segment(uint32_t segment);
  Result<FoundDocument> find(const DocumentId& id);
  double score_of(const FoundDocument& document);
  bool passes(const FoundDocument& document) const;
  double offer(const Candidate& candidate);
  Status resolve(const Candidate& candidate);
  bool is_better(const Candidate& a, const Candidate& b);

  KeySource& source_;
  const IndexKeys keys_;
  TextQuery query_;
  const size_t typed_;  // terms of the text itself; those behind stand for some of it
  size_t count_;        // of candidates that are kept
  Manifest manifest_;
  std::vector<FoundDocument> fresh_;
  std::set<DocumentId> dropped_;
  std::vector<std::vector<TermPostings>> lists_;  // by segment and term
  uint64_t documents_ = 0;
  uint64_t length_ = 0;
  double length_mean_ = 1;
  std::array<double, 256> norms_ = {};
  std::array<double, 256> norms_of_pieces_ = {};
  std::vector<TermScorer> scorers_;
  WindowBuffers buffers_;
  std::vector<Candidate> best_;  // a heap, the worst first; sorted once all are there
  size_t taken_ = 0;
  Status failure_;  // of what compares and offers
};

void Ranking::Impl::add_facets() {
  for (const std::string& facet : query_.facets) {
    query_.required.push_back({stand_for({.term = facet_term(facet), .weight = 0})});
  }
}

Status Ranking::Impl::collect_prefix(const std::string& prefix,
                                     std::map<std::string, uint64_t>& terms) {
  HOLDFAST_TRY(
      source_.scan(prefix_range(keys_.fresh()), [&](std::string_view, std::string_view value) {
        TextRecord record(value);
        record.seek(prefix);
        for (; record.has_term() && record.term().starts_with(prefix); record.next()) {
          ++terms[std::string(record.term())];
        }
        return true;
      }));
  constexpr size_t kTermsLookedAtMax = 10'000;
  TermReader reader(source_, keys_);
  for (const SegmentInfo& segment : manifest_.segments) {
    size_t seen = 0;
    HOLDFAST_TRY(reader.count(segment.id, prefix, [&](std::string_view term, uint64_t documents) {
      terms[std::string(term)] += documents;
      return ++seen < kTermsLookedAtMax;
    }));
  }
  return Status::ok();
}

// Has a term of what was asked for stand for that: the place of it in the query.
uint32_t Ranking::Impl::stand_for(QueryTerm term) {
  const auto known = std::find_if(query_.terms.begin(), query_.terms.end(),
                                  [&](const QueryTerm& one) { return one.term == term.term; });
  const auto place = static_cast<uint32_t>(known - query_.terms.begin());
  if (known == query_.terms.end()) {
    query_.terms.push_back(std::move(term));
  } else {
    known->weight = std::max(known->weight, term.weight);
  }
  return place;
}

Status Ranking::Impl::expand_prefixes() {
  for (const Prefix& prefix : query_.prefixes) {
    std::map<std::string, uint64_t> terms;
    HOLDFAST_TRY(collect_prefix(prefix.text, terms));
    std::vector<std::pair<uint64_t, std::string>> frequent;
    for (const auto& [term, count] : terms) frequent.emplace_back(count, term);
    std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    frequent.resize(std::min(frequent.size(), kPrefixTermsMax));
    std::vector<uint32_t> group;
    for (const auto& [count, term] : frequent) {
      const double weight = prefix.is_excluded ? 0 : kPrefixWeight;
      group.push_back(stand_for({.term = term, .weight = weight}));
    }
    if (prefix.is_required) query_.required.push_back(group);
    if (!prefix.is_excluded) continue;
    for (const uint32_t term : group) query_.excluded.push_back({term});
  }
  return Status::ok();
}

Status Ranking::Impl::load_fresh(const Wanted& wanted) {
  Status status;
  const std::string prefix = keys_.fresh();
  HOLDFAST_TRY(
      source_.scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view id = key.substr(prefix.size());
        TextRecord record(value);
        FoundDocument document;
        document.length_code = length_code(record.length());
        const bool is_sound =
            id.size() == kDocumentIdSize && wanted.find(record, [&](uint32_t term, uint8_t count) {
              ++query_.terms[term].frequency;
              document.counts.emplace_back(term, count);
            });
        if (!is_sound) {
          status = malformed_record(value);
          return false;
        }
        ++documents_;
        length_ += length_of_code(document.length_code);
        const bool is_in = id >= query_.id_begin && (query_.id_end.empty() || id < query_.id_end);
        if (document.counts.empty() || !is_in) return true;
        document.id = document_id(id);
        std::sort(document.counts.begin(), document.counts.end());
        fresh_.push_back(std::move(document));
        return true;
      }));
  return status;
}

Status Ranking::Impl::load_dropped(const Wanted& wanted) {
  Status status;
  const std::string prefix = keys_.dropped();
  HOLDFAST_TRY(
      source_.scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view id = key.substr(prefix.size());
        TextRecord record(value);
        const bool is_sound =
            id.size() == kDocumentIdSize &&
            wanted.find(record, [&](uint32_t term, uint8_t) { --query_.terms[term].frequency; });
        if (!is_sound) {
          status = malformed_record(value);
          return false;
        }
        --documents_;
        length_ -= length_of_code(length_code(record.length()));
        dropped_.insert(document_id(id));
        return true;
      }));
  return status;
}

Status Ranking::Impl::load_segments(const Wanted& wanted) {
  const std::vector<std::string_view>& sorted = wanted.sorted();
  TermReader reader(source_, keys_);
  for (const SegmentInfo& segment : manifest_.segments) {
    documents_ += segment.documents - segment.dead;
    length_ += segment.length;
    HOLDFAST_ASSIGN(std::vector<TermPostings> found, reader.open(segment.id, sorted));
    std::vector<TermPostings>& lists = lists_.emplace_back(sorted.size());
    for (size_t i = 0; i < sorted.size(); ++i) {
      uint64_t& frequency = query_.terms[wanted.place(i)].frequency;
      frequency += found[i].count();
      if (found[i].count() > 0) {
        HOLDFAST_ASSIGN(const uint64_t dead, read_dead_count(source_, keys_, segment, sorted[i]));
        frequency -= dead;
      }
      lists[wanted.place(i)] = std::move(found[i]);
    }
  }
  return Status::ok();
}

// Has what is spelt alike stand for words that no document has. False: nothing does.
Result<bool> Ranking::Impl::read_unknown() {
  std::vector<uint32_t> unknown;
  for (uint32_t i = 0; i < query_.terms.size() && unknown.size() < kMisspeltWordsMax; ++i) {
    const QueryTerm& term = query_.terms[i];
    const bool is_first = std::none_of(unknown.begin(), unknown.end(), [&](uint32_t one) {
      return term.word && query_.terms[one].word == term.word;
    });
    const bool is_unknown = term.may_be_misspelt && term.frequency == 0;
    if (is_unknown && is_first) unknown.push_back(i);
  }
  bool is_any = false;
  for (const uint32_t one : unknown) {
    const std::string typed = query_.terms[one].term;
    const std::optional<uint32_t> word = query_.terms[one].word;
    std::vector<std::string> forms = {typed};
    for (uint32_t i = one + 1; word && i < query_.terms.size(); ++i) {
      const QueryTerm& other = query_.terms[i];
      if (other.word == word && other.may_be_misspelt) forms.push_back(other.term);
    }
    HOLDFAST_ASSIGN(const auto readings, read_misspelt(source_, keys_, manifest_, forms));
    for (const Reading& reading : readings) {
      const double weight = query_.terms[one].weight * std::pow(kEditWeight, reading.edits);
      const uint32_t place = stand_for({.term = reading.term, .weight = weight, .typed = typed});
      for (std::vector<uint32_t>& group : query_.required) {
        if (std::find(group.begin(), group.end(), one) != group.end()) group.push_back(place);
      }
      is_any = true;
    }
  }
  return is_any;
}

// What there is of the terms.
Status Ranking::Impl::load_terms() {
  documents_ = length_ = 0;
  fresh_.clear();
  dropped_.clear();
  lists_.clear();
  for (QueryTerm& term : query_.terms) term.frequency = 0;
  // Ones that are dropped are taken away from what segments add: unsigned numbers wrap, and back.
  const Wanted wanted(query_.terms);
  HOLDFAST_TRY(load_fresh(wanted));
  HOLDFAST_TRY(load_dropped(wanted));
  HOLDFAST_TRY(load_segments(wanted));
  join_words();
  return Status::ok();
}

// What a word becomes in different languages counts as one term. A document is in one language, so
// hardly any has two of them.
void Ranking::Impl::join_words() {
  std::map<uint32_t, uint64_t> frequencies;
  for (const QueryTerm& term : query_.terms) {
    if (term.word) frequencies[*term.word] += term.frequency;
  }
  for (QueryTerm& term : query_.terms) {
    if (term.word) term.frequency = std::min(frequencies[*term.word], documents_);
  }
}

// A word may become the same term in two languages, and be asked for in a phrase and beside it.
void Ranking::Impl::simplify_required() {
  const auto make_distinct = [](auto& all) {
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
  };
  for (std::vector<uint32_t>& group : query_.required) make_distinct(group);
  make_distinct(query_.required);
}

// The others weigh nothing from now on. Of equally rare ones the first of the text stay.
void Ranking::Impl::keep_rarest() {
  if (query_.terms_max == 0) return;
  std::vector<bool> is_needed(query_.terms.size());
  for (const auto* groups : {&query_.required, &query_.excluded}) {
    for (const std::vector<uint32_t>& group : *groups) {
      for (const uint32_t term : group) is_needed[term] = true;
    }
  }
  std::vector<uint32_t> free;
  for (uint32_t i = 0; i < query_.terms.size(); ++i) {
    const QueryTerm& term = query_.terms[i];
    if (is_needed[i] || term.related_to || term.weight <= 0) continue;
    if (term.frequency > 0) free.push_back(i);
  }
  std::stable_sort(free.begin(), free.end(), [this](uint32_t a, uint32_t b) {
    return query_.terms[a].frequency < query_.terms[b].frequency;
  });
  std::set<uint32_t> words;  // those that stay, and whose forms in all languages do
  size_t kept = 0;
  for (const uint32_t one : free) {
    QueryTerm& term = query_.terms[one];
    if (term.word && words.contains(*term.word)) continue;
    if (kept == query_.terms_max) {
      term.weight = 0;
      continue;
    }
    ++kept;
    if (term.word) words.insert(*term.word);
  }
  for (QueryTerm& term : query_.terms) {
    if (term.related_to && query_.terms[*term.related_to].weight == 0) term.weight = 0;
  }
}

namespace {

// A pair, or a character, of a run that is written without spaces.
bool is_piece(const QueryTerm& term) {
  return is_spaceless(character_at(term.term).character_class);
}

// What the term adds to a score, however often a document has it.
double greatest_of(const QueryTerm& term) {
  return term.score * ((is_piece(term) ? kBm25K1OfPieces : kBm25K1) + 1);
}

}  // namespace

void Ranking::Impl::weigh() {
  const auto n = static_cast<double>(documents_);
  length_mean_ = std::max(1.0, static_cast<double>(length_) / std::max(1.0, n));
  norms_ = length_norms(kBm25K1, length_mean_);
  norms_of_pieces_ = length_norms(kBm25K1OfPieces, length_mean_);
  for (QueryTerm& term : query_.terms) {
    const double score =
        term.weight * inverse_document_frequency(n, static_cast<double>(term.frequency));
    term.score = term.related_to ? std::min(score, query_.terms[*term.related_to].score) : score;
    scorers_.emplace_back(greatest_of(term), is_piece(term) ? norms_of_pieces_ : norms_);
  }
  buffers_.score = ScoreSum(query_.terms);
}

// Of the terms that one word becomes, in several languages and forms, a document has hardly two.
double Ranking::Impl::score_max() const {
  double sum = 0;
  std::map<uint32_t, double> words;
  for (size_t i = 0; i < typed_; ++i) {
    const QueryTerm& term = query_.terms[i];
    if (term.related_to) continue;
    const double most = std::max(0.0, greatest_of(term));
    if (!term.word) {
      sum += most;
    } else {
      words[*term.word] = std::max(words[*term.word], most);
    }
  }
  for (const auto& [word, most] : words) sum += most;
  return sum;
}

Status Ranking::Impl::load() {
  if (query_.terms.empty() && query_.prefixes.empty()) return Status::ok();
  HOLDFAST_ASSIGN(manifest_, peek_manifest(source_, keys_));
  HOLDFAST_TRY(check_built(manifest_));
  HOLDFAST_TRY(expand_prefixes());
  add_facets();
  HOLDFAST_TRY(load_terms());
  if (query_.reads_misspelt) {
    HOLDFAST_ASSIGN(const bool is_other, read_unknown());
    if (is_other) HOLDFAST_TRY(load_terms());
  }
  simplify_required();
  keep_rarest();
  weigh();
  return rank(count_);
}

Status Ranking::Impl::resolve(const Candidate& candidate) {
  if (candidate.has_id) return Status::ok();
  const uint32_t segment = manifest_.segments[candidate.segment].id;
  HOLDFAST_ASSIGN(candidate.id, read_id(source_, keys_, segment, candidate.ordinal));
  candidate.has_id = true;
  return Status::ok();
}

bool Ranking::Impl::is_better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  if (a.segment == b.segment) return a.ordinal > b.ordinal;
  if (a.segment != kNotFolded && b.segment != kNotFolded) {
    // Most segments are of times that do not overlap: then the ids need not be read.
    const SegmentInfo& first = manifest_.segments[a.segment];
    const SegmentInfo& second = manifest_.segments[b.segment];
    if (first.first > second.last) return true;
    if (first.last < second.first) return false;
  }
  for (const Candidate* one : {&a, &b}) {
    const Status status = resolve(*one);
    if (!status && failure_) failure_ = status;
  }
  return a.id > b.id;
}

// Returns the threshold.
double Ranking::Impl::offer(const Candidate& candidate) {
  const auto worst_first = [this](const Candidate& a, const Candidate& b) {
    return is_better(a, b);
  };
  const auto threshold = [&] { return best_.size() < count_ ? -1.0 : best_.front().score; };
  if (!dropped_.empty() && candidate.segment != kNotFolded) {
    const Status status = resolve(candidate);
    if (!status && failure_) failure_ = status;
    if (dropped_.contains(candidate.id)) return threshold();
  }
  if (best_.size() == count_) {
    if (!is_better(candidate, best_.front())) return threshold();
    std::pop_heap(best_.begin(), best_.end(), worst_first);
    best_.pop_back();
  }
  best_.push_back(candidate);
  std::push_heap(best_.begin(), best_.end(), worst_first);
  return threshold();
}

bool Ranking::Impl::passes(const FoundDocument& document) const {
  const auto has = [&](uint32_t term) {
    return std::any_of(document.counts.begin(), document.counts.end(),
                       [&](const auto& one) { return one.first == term; });
  };
  return std::all_of(
             query_.required.begin(), query_.required.end(),
             [&](const auto& group) { return std::any_of(group.begin(), group.end(), has); }) &&
         std::none_of(query_.excluded.begin(), query_.excluded.end(), [&](const auto& group) {
           return std::all_of(group.begin(), group.end(), has);
         });
}

double Ranking::Impl::score_of(const FoundDocument& document) {
  for (const auto& [term, count] : document.counts) {
    if (query_.terms[term].weight <= 0) continue;
    buffers_.score.add(term, scorers_[term](count, document.length_code));
  }
  return buffers_.score.take();
}

void Ranking::Impl::rank_fresh() {
  for (uint32_t i = 0; i < fresh_.size(); ++i) {
    const double score = score_of(fresh_[i]);
    if (score <= 0 || !passes(fresh_[i])) continue;
    offer({.score = score, .ordinal = i, .id = fresh_[i].id, .has_id = true});
  }
}

Status Ranking::Impl::rank_segment(uint32_t index) {
  const SegmentInfo& segment = manifest_.segments[index];
  const bool is_any = std::any_of(lists_[index].begin(), lists_[index].end(),
                                  [](const TermPostings& list) { return list.count() > 0; });
  if (!is_any) return Status::ok();
  HOLDFAST_ASSIGN(const uint32_t begin, lower_ordinal(source_, keys_, segment, query_.id_begin));
  uint32_t end = segment.documents;
  if (!query_.id_end.empty()) {
    HOLDFAST_ASSIGN(end, lower_ordinal(source_, keys_, segment, query_.id_end));
  }
  HOLDFAST_ASSIGN(const auto dead, read_dead(source_, keys_, segment));
  SegmentScorer scorer(query_, lists_[index], scorers_, dead, buffers_);
  const double threshold = best_.size() < count_ ? -1.0 : best_.front().score;
  return scorer.run(begin, end, threshold, [&](uint32_t ordinal, double score) {
    return offer({.score = score, .segment = index, .ordinal = ordinal});
  });
}

// Finds the `count` best.
Status Ranking::Impl::rank(size_t count) {
  count_ = count;
  best_.clear();
  rank_fresh();
  std::vector<uint32_t> order(manifest_.segments.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {  // the largest first
    return manifest_.segments[a].documents > manifest_.segments[b].documents;
  });
  for (const uint32_t index : order) HOLDFAST_TRY(rank_segment(index));
  std::sort(best_.begin(), best_.end(),
            [this](const Candidate& a, const Candidate& b) { return is_better(a, b); });
  return failure_;
}

Result<bool> Ranking::Impl::take(TextMatch& match) {
  if (taken_ == best_.size()) {
    constexpr size_t kGrowth = 4;
    if (best_.size() < count_) return false;
    HOLDFAST_TRY(rank(count_ * kGrowth));  // the ones that were taken are the first again
    if (taken_ == best_.size()) return false;
  }
  const Candidate& candidate = best_[taken_++];
  HOLDFAST_TRY(resolve(candidate));
  match = {candidate.id, candidate.score};
  return true;
}

// A live document, wherever it is: without terms where it has none, or is not there.
Result<FoundDocument> Ranking::Impl::find(const DocumentId& id) {
  for (const FoundDocument& document : fresh_) {
    if (document.id == id) return document;
  }
  FoundDocument found;
  found.id = id;
  for (size_t index = 0; index < lists_.size() && !dropped_.contains(id); ++index) {
    const SegmentInfo& segment = manifest_.segments[index];
    HOLDFAST_ASSIGN(const auto dead, read_dead(source_, keys_, segment));
    HOLDFAST_ASSIGN(const auto ordinal, find_live(source_, keys_, segment, dead, id));
    if (!ordinal) continue;
    for (uint32_t i = 0; i < query_.terms.size(); ++i) {
      if (lists_[index][i].count() == 0) continue;
      PostingWalk walk(i, lists_[index][i], scorers_[i], false);
      const auto posting = walk.find(*ordinal);
      HOLDFAST_TRY(walk.status());
      if (!posting) continue;
      found.counts.emplace_back(i, posting->count);
      found.length_code = posting->length_code;
    }
    return found;
  }
  return found;
}

Result<std::vector<TermScore>> Ranking::Impl::explain(const DocumentId& id) {
  HOLDFAST_ASSIGN(const FoundDocument document, find(id));
  std::vector<TermScore> terms;
  const auto first_of = [this](const TermScore& one) {
    return query_.terms[one.term].related_to.value_or(one.term);
  };
  const auto length = static_cast<uint32_t>(length_of_code(document.length_code));
  for (const auto& [term, count] : document.counts) {
    if (query_.terms[term].weight <= 0) continue;
    const TermScore one{term, count, length, scorers_[term](count, document.length_code)};
    const auto same = std::ranges::find(terms, first_of(one), first_of);
    if (same == terms.end()) {
      terms.push_back(one);
    } else if (one.score > same->score) {
      *same = one;
    }
  }
  return terms;
}

Result<std::optional<double>> Ranking::Impl::score(const DocumentId& id) {
  HOLDFAST_ASSIGN(const FoundDocument document, find(id));
  return passes(document) ? std::optional(score_of(document)) : std::nullopt;
}

Ranking::Ranking(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ranking::Ranking(Ranking&&) noexcept = default;
Ranking& Ranking::operator=(Ranking&&) noexcept = default;
Ranking::~Ranking() = default;

Result<Ranking> Ranking::open(KeySource& source, std::string_view prefix, TextQuery query,
                              size_t count) {
  auto impl = std::make_unique<Impl>(source, prefix, std::move(query), std::max<size_t>(count, 1));
  HOLDFAST_TRY(impl->load());
  return Ranking(std::move(impl));
}

Result<bool> Ranking::take(TextMatch& match) {
  return impl_->take(match);
}
const std::vector<QueryTerm>& Ranking::terms() const {
  return impl_->terms();
}
Result<std::vector<TermScore>> Ranking::explain(const DocumentId& id) {
  return impl_->explain(id);
}
Result<std::optional<double>> Ranking::score(const DocumentId& id) {
  return impl_->score(id);
}
double Ranking::score_max() const {
  return impl_->score_max();
}
uint64_t Ranking::documents() const {
  return impl_->documents();
}
double Ranking::length_mean() const {
  return impl_->length_mean();
}

}  // namespace holdfast::search
