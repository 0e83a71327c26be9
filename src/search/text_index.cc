#include "search/text_index.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <memory>
#include <unordered_map>

#include "search/text_record.h"

namespace holdfast::search {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

double weight_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::kWord:
    case TokenKind::kWhole:
    case TokenKind::kPair:
      return 1;
    case TokenKind::kPart:
      return 0.5;
    case TokenKind::kCharacter:
      return 0.25;
  }
  return 1;
}

// Finds which of a few hashes occur in a long array of hashes: one bit test for each element, which
// costs the same for 2 terms as for 200.
class HashSet {
 public:
  void insert(uint32_t hash, uint16_t index) {
    bits_.set(hash % kBits);
    indexes_.emplace(hash, index);
  }
  // The index of `hash`, or -1.
  int find(uint32_t hash) const {
    if (!bits_.test(hash % kBits)) return -1;
    const auto found = indexes_.find(hash);
    return found == indexes_.end() ? -1 : found->second;
  }

 private:
  static constexpr size_t kBits = size_t{1} << 15;
  std::bitset<kBits> bits_;
  std::unordered_map<uint32_t, uint16_t> indexes_;
};

struct Occurrence {
  uint16_t term;
  uint8_t count;
};

struct Candidate {
  DocumentId id;
  uint64_t length;
  size_t first;  // of its occurrences
  uint32_t count;
};

// One pass over the records.
class Scan {
 public:
  Scan(std::string_view prefix, const TextQuery& query)
      : query_(query), id_at_(prefix.size()), frequencies_(query.terms.size()) {
    for (size_t i = 0; i < query.terms.size(); ++i) {
      hashes_.insert(query.terms[i].hash, static_cast<uint16_t>(i));
    }
    for (const std::string& facet : query.facets) facets_.push_back(hash_facet(facet));
  }

  // False when the record is malformed.
  bool add(std::string_view key, std::string_view value) {
    const auto record = decode_text_record(value);
    if (!record || key.size() != id_at_ + kDocumentIdSize) return false;
    ++documents_;
    length_total_ += record->length;
    const size_t first = occurrences_.size();
    for (uint32_t i = 0; i < record->term_count; ++i) {
      const int term = hashes_.find(record->term(i));
      if (term < 0) continue;
      ++frequencies_[static_cast<size_t>(term)];
      occurrences_.push_back({static_cast<uint16_t>(term), record->count(i)});
    }
    const std::string_view id = key.substr(id_at_);
    if (occurrences_.size() == first) return true;
    if (!passes(id, *record)) {
      occurrences_.resize(first);
      return true;
    }
    Candidate candidate{
        {}, record->length, first, static_cast<uint32_t>(occurrences_.size() - first)};
    std::copy(id.begin(), id.end(), candidate.id.begin());
    candidates_.push_back(candidate);
    return true;
  }

  std::vector<TextMatch> score(std::vector<QueryTerm>& terms) const {
    const auto n = static_cast<double>(documents_);
    const double length_mean = std::max(1.0, static_cast<double>(length_total_) / std::max(1.0, n));
    for (size_t i = 0; i < terms.size(); ++i) {
      const auto df = static_cast<double>(frequencies_[i]);
      terms[i].score = terms[i].weight * std::log(1 + (n - df + 0.5) / (df + 0.5));
    }
    std::vector<TextMatch> matches;
    matches.reserve(candidates_.size());
    for (const Candidate& candidate : candidates_) {
      const double norm = kK1 * (1 - kB + kB * static_cast<double>(candidate.length) / length_mean);
      double score = 0;
      for (size_t i = candidate.first; i < candidate.first + candidate.count; ++i) {
        const double count = occurrences_[i].count;
        score += terms[occurrences_[i].term].score * count * (kK1 + 1) / (count + norm);
      }
      matches.push_back({candidate.id, score});
    }
    return matches;
  }

 private:
  bool passes(std::string_view id, const TextRecord& record) const {
    if (id < query_.id_begin) return false;
    if (!query_.id_end.empty() && id >= query_.id_end) return false;
    return std::all_of(facets_.begin(), facets_.end(), [&](uint32_t wanted) {
      for (uint32_t i = 0; i < record.facet_count; ++i) {
        if (record.facet(i) == wanted) return true;
      }
      return false;
    });
  }

  const TextQuery& query_;
  const size_t id_at_;
  HashSet hashes_;
  std::vector<uint32_t> facets_;
  uint64_t documents_ = 0;
  uint64_t length_total_ = 0;
  std::vector<uint64_t> frequencies_;
  std::vector<Occurrence> occurrences_;
  std::vector<Candidate> candidates_;
};

bool ranks_below(const TextMatch& a, const TextMatch& b) {
  return a.score != b.score ? a.score < b.score : a.id < b.id;
}

}  // namespace

std::vector<QueryTerm> parse_query(Analyzer& analyzer, std::string_view text) {
  std::vector<QueryTerm> terms;
  std::unordered_map<uint32_t, size_t> seen;
  analyzer.analyze(text, [&](const Token& token) {
    const uint32_t hash = hash_term(token.term);
    const double weight = weight_of(token.kind);
    const auto [at, is_new] = seen.emplace(hash, terms.size());
    if (!is_new) {
      terms[at->second].weight = std::max(terms[at->second].weight, weight);
      return true;
    }
    terms.push_back({std::string(token.term), hash, weight, 0});
    return terms.size() < kQueryTermsMax;
  });
  return terms;
}

Ranking::Ranking(std::vector<QueryTerm> terms, std::vector<TextMatch> matches)
    : terms_(std::move(terms)), heap_(std::move(matches)) {
  std::make_heap(heap_.begin(), heap_.end(), ranks_below);
}

bool Ranking::take(TextMatch& match) {
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(), ranks_below);
  match = heap_.back();
  heap_.pop_back();
  return true;
}

Result<Ranking> rank(KeySource& source, std::string_view prefix, TextQuery query) {
  if (query.terms.empty()) return Ranking({}, {});
  const auto scan = std::make_unique<Scan>(prefix, query);
  Status damage;
  HOLDFAST_TRY(source.scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
    if (scan->add(key, value)) return true;
    damage = Status(StatusCode::kCorruption,
                    "a text record of the search index is malformed or of a newer format; run "
                    "`holdfast check`");
    return false;
  }));
  HOLDFAST_TRY(damage);
  std::vector<TextMatch> matches = scan->score(query.terms);
  return Ranking(std::move(query.terms), std::move(matches));
}

}  // namespace holdfast::search
