// The text index beside a plain model that scores every document: whatever is put, dropped, folded
// and merged, the same documents come in the same order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "search/map_keyspace.h"
#include "search/postings.h"
#include "search/text_fold.h"
#include "search/text_index.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint32_t below(uint32_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }
  // Small numbers most often.
  uint32_t skewed(uint32_t bound) { return below(1 + below(1 + below(bound))); }

 private:
  uint64_t state_;
};

struct Document {
  std::map<std::string, uint32_t> counts;
  std::set<std::string> facets;
  uint64_t length = 0;
  std::vector<std::string> words;  // as they stand in the text, one after the other
  std::string record;
};

// Word number n, of which there are many and none is a stem of another.
std::string word(uint32_t n) {
  return "w" + std::to_string(n) + "x";
}

class Model {
 public:
  std::map<DocumentId, Document> documents;

  void put(const DocumentId& id, Document document) {
    count(document, 1);
    documents[id] = std::move(document);
  }
  void drop(const DocumentId& id) {
    count(documents[id], -1);
    documents.erase(id);
  }

  bool passes(const TextQuery& query, const DocumentId& id) const {
    return passes(query, id, documents.at(id));
  }

  std::vector<std::pair<double, DocumentId>> search(const TextQuery& query) const {
    const auto n = static_cast<double>(documents.size());
    const double mean = std::max(1.0, length_ / std::max(1.0, n));
    std::vector<std::pair<double, DocumentId>> found;
    for (const auto& [id, document] : documents) {
      std::map<uint32_t, double> scores;  // by the term or what it is related to
      for (uint32_t i = 0; i < query.terms.size(); ++i) {
        const QueryTerm& term = query.terms[i];
        const auto at = document.counts.find(term.term);
        if (at == document.counts.end() || term.weight == 0) continue;
        double weight = weight_of(term, n);
        if (term.related_to) weight = std::min(weight, weight_of(query.terms[*term.related_to], n));
        const double size = static_cast<double>(length_of_code(length_code(document.length)));
        const double count = std::min(at->second, 255u);
        double& most = scores[term.related_to.value_or(i)];
        most = std::max(most, weight * 1.9 * count / (count + 0.9 * (0.25 + 0.75 * size / mean)));
      }
      double score = 0;
      for (const auto& [term, most] : scores) score += most;
      if (score > 0 && passes(query, id, document)) found.emplace_back(score, id);
    }
    std::sort(found.begin(), found.end(), std::greater<>());
    return found;
  }

 private:
  double weight_of(const QueryTerm& term, double n) const {
    const auto at = frequencies_.find(term.term);
    const double df = at == frequencies_.end() ? 0 : at->second;
    return term.weight * std::log(1 + (n - df + 0.5) / (df + 0.5));
  }
  void count(const Document& document, int change) {
    length_ += change * static_cast<double>(length_of_code(length_code(document.length)));
    for (const auto& [term, times] : document.counts) frequencies_[term] += change;
  }
  static bool has(const Phrase& phrase, const Document& document) {
    const auto is_word = [](const std::string& term, const std::vector<std::string>& word) {
      return std::ranges::find(word, term) != word.end();
    };
    const auto end = document.words.end();
    return std::search(document.words.begin(), end, phrase.words.begin(), phrase.words.end(),
                       is_word) != end;
  }
  static bool passes(const TextQuery& query, const DocumentId& id, const Document& document) {
    const auto has = [&](uint32_t term) {
      return document.counts.contains(query.terms[term].term);
    };
    if (view_of(id) < query.id_begin) return false;
    if (!query.id_end.empty() && view_of(id) >= query.id_end) return false;
    for (const auto& group : query.required) {
      if (std::none_of(group.begin(), group.end(), has)) return false;
    }
    for (const auto& group : query.excluded) {
      if (std::all_of(group.begin(), group.end(), has)) return false;
    }
    const auto has_phrase = [&](const Phrase& phrase) { return Model::has(phrase, document); };
    if (!std::ranges::all_of(query.phrases, has_phrase)) return false;
    return std::all_of(query.facets.begin(), query.facets.end(),
                       [&](const std::string& facet) { return document.facets.contains(facet); });
  }

  double length_ = 0;
  std::map<std::string, double> frequencies_;
};

class TextModel : public testing::TestWithParam<int> {
 protected:
  TextModel() : random_(static_cast<uint64_t>(GetParam())) {}

  DocumentId new_id() {
    DocumentId id{};
    // Mostly ascending, as ids are; now and then from the past.
    const uint64_t number = random_.below(10) == 0 ? random_.below(1u << 20) : 1000 * ++last_id_;
    const uint64_t big = __builtin_bswap64(number);
    std::memcpy(id.data(), &big, 8);
    id[15] = static_cast<uint8_t>(random_.below(256));
    return id;
  }

  Document new_document() {
    Document document;
    std::string text;
    for (uint32_t i = 1 + random_.skewed(60); i > 0; --i) {
      const std::string one = word(random_.skewed(400));
      text += one + " ";
    }
    for (uint32_t i = random_.below(3); i > 0; --i) {
      document.facets.insert("tag=" + std::to_string(random_.skewed(20)));
    }
    const TextField fields[] = {{text, 1}};
    const std::vector<std::string> facets(document.facets.begin(), document.facets.end());
    analyzer_.analyze(text, [&](const Token& token) {
      ++document.counts[std::string(token.term)];
      ++document.length;
      if (is_primary(token.kind)) document.words.emplace_back(token.term);
      return true;
    });
    document.record = encode_text_record(analyzer_, fields, facets);
    return document;
  }

  void put() {
    const DocumentId id = new_id();
    if (model_.documents.contains(id)) return;
    Document document = new_document();
    ASSERT_TRUE(put_document(keys_, kPrefix, id, document.record));
    model_.put(id, std::move(document));
  }

  void drop(bool puts_again) {
    if (model_.documents.empty()) return;
    auto at = model_.documents.begin();
    std::advance(at, random_.below(static_cast<uint32_t>(model_.documents.size())));
    const DocumentId id = at->first;
    ASSERT_TRUE(
        drop_document(keys_, kPrefix, id, [&] { return Result<std::string>(at->second.record); }));
    model_.drop(id);
    if (!puts_again) return;
    Document document = new_document();
    ASSERT_TRUE(put_document(keys_, kPrefix, id, document.record));
    model_.put(id, std::move(document));
  }

  void fold(const FoldOptions& options) {
    const auto step = fold_step(keys_, kPrefix, options);
    ASSERT_TRUE(step) << step.status().to_string();
  }

  TextQuery new_query() {
    std::string text;
    for (uint32_t i = 1 + random_.below(4); i > 0; --i) {
      const std::string_view operators[] = {"", "", "", "", "+", "-", "NOT "};
      text.append(operators[random_.below(7)]).append(word(random_.skewed(400))).append(" ");
      if (random_.below(8) == 0) text += "AND ";
    }
    if (random_.below(4) == 0) text += new_phrase();
    TextQuery query = parse_query(analyzer_, text);
    if (random_.below(3) == 0) relate(query);
    if (random_.below(3) == 0) query.facets = {"tag=" + std::to_string(random_.skewed(20))};
    if (random_.below(4) == 0) query.id_begin = std::string(view_of(new_id()));
    if (random_.below(4) == 0) query.id_end = std::string(view_of(new_id()));
    return query;
  }

  // Mostly one that a document has.
  std::string new_phrase() {
    std::string phrase = word(random_.skewed(400)) + " " + word(random_.skewed(400));
    if (!model_.documents.empty() && random_.below(4) > 0) {
      auto at = model_.documents.begin();
      std::advance(at, random_.below(static_cast<uint32_t>(model_.documents.size())));
      const std::vector<std::string>& words = at->second.words;
      phrase.clear();
      const uint32_t first = random_.below(static_cast<uint32_t>(words.size()));
      for (size_t i = first; i < words.size() && i < first + 2 + random_.below(2); ++i) {
        phrase += words[i] + " ";
      }
    }
    return "\"" + phrase + "\"";
  }

  // To some of its terms some others.
  void relate(TextQuery& query) {
    const auto typed = static_cast<uint32_t>(query.terms.size());
    for (uint32_t i = random_.below(40); i > 0; --i) {
      const std::string one = word(random_.skewed(400));
      if (std::ranges::find(query.terms, one, &QueryTerm::term) != query.terms.end()) continue;
      const uint32_t place = random_.below(typed);
      const double weight = query.terms[place].weight * 0.3;
      query.terms.push_back({.term = one, .weight = weight, .related_to = place});
    }
  }

  void compare() { compare(new_query()); }
  void compare(const TextQuery& query) {
    const auto expected = model_.search(query);
    const size_t count = 1 + random_.below(20);
    auto ranking = Ranking::open(keys_, kPrefix, query, count);
    ASSERT_TRUE(ranking) << ranking.status().to_string();
    // Now and then all there are, which is more than were to be expected.
    const size_t wanted = random_.below(10) == 0 ? SIZE_MAX : count;
    TextMatch match;
    size_t taken = 0;
    for (; taken < wanted; ++taken) {
      auto has = ranking->take(match);
      // Phrases are for who reads the texts to say.
      while (has && *has && !model_.passes(query, match.id)) has = ranking->take(match);
      ASSERT_TRUE(has) << has.status().to_string();
      ASSERT_EQ(*has, taken < expected.size());
      if (!*has) break;
      ASSERT_EQ(match.id, expected[taken].second);
      ASSERT_NEAR(match.score, expected[taken].first, 1e-9);
    }
    if (taken == 0) return;
    double sum = 0;
    const auto& [score, id] = expected[random_.below(static_cast<uint32_t>(expected.size()))];
    const auto terms = ranking->explain(id);
    ASSERT_TRUE(terms);
    for (const TermScore& one : *terms) sum += one.score;
    ASSERT_NEAR(sum, score, 1e-9) << "of any that matches, taken or not";
    ASSERT_NEAR(ranking->score(id)->value(), score, 1e-9);
  }

  Random random_;
  Analyzer analyzer_;
  MapKeyspace keys_;
  Model model_;
  uint64_t last_id_ = 0;
};

TEST_P(TextModel, TheBestAreThoseOfScoringEveryDocument) {
  const FoldOptions options{.documents_min = 1 + random_.below(8),
                            .documents_max = 8 + random_.below(300),
                            .segments_max = 2 + random_.below(4),
                            .postings_max = 1 + random_.below(2000)};
  for (int round = 0; round < 40; ++round) {
    for (uint32_t i = random_.below(120); i > 0 && !HasFatalFailure(); --i) put();
    for (uint32_t i = random_.skewed(30); i > 0 && !HasFatalFailure(); --i) {
      drop(random_.below(3) == 0);
    }
    for (uint32_t i = random_.below(6); i > 0 && !HasFatalFailure(); --i) fold(options);
    for (int i = 0; i < 6 && !HasFatalFailure(); ++i) compare();
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, TextModel, testing::Range(0, 12));

class TextModelLong : public TextModel {
 protected:
  bool has_ranges() const {
    const std::string terms = std::string(kPrefix) + "s";
    for (auto at = keys_.entries.lower_bound(terms); at != keys_.entries.end(); ++at) {
      if (at->first.size() > 6 && at->first[6] == 't' && at->second[0] == 2) return true;
    }
    return false;
  }
  void fold_all() {
    const FoldOptions options{.documents_min = 1, .segments_max = 2, .postings_max = 100'000};
    while (*fold_step(keys_, kPrefix, options) == FoldStep::kDone) {
    }
  }
};

TEST_P(TextModelLong, VeryLongListsAreReadInParts) {
  for (int i = 0; i < 7'000; ++i) put();
  fold_all();
  ASSERT_TRUE(has_ranges());
  for (int i = 0; i < 60 && !HasFatalFailure(); ++i) compare();
  for (int i = 0; i < 400 && !HasFatalFailure(); ++i) drop(i % 2 == 0);
  for (int i = 0; i < 20 && !HasFatalFailure(); ++i) compare();
  fold_all();
  for (int i = 0; i < 40 && !HasFatalFailure(); ++i) compare();
}
// Of two languages that give a word the same term, of a phrase and one of its words.
TEST_P(TextModelLong, AFrequentWordMayBeRequiredMoreThanOnce) {
  for (int i = 0; i < 7'000; ++i) put();
  fold_all();
  ASSERT_TRUE(has_ranges());
  const std::vector<std::vector<uint32_t>> required[] = {
      {{0, 0}}, {{0}, {0}}, {{1}, {0, 1}}, {{0, 1}, {1, 2}}, {{2, 0}, {0, 1}, {1, 2}}};
  for (const auto& groups : required) {
    TextQuery query = parse_query(analyzer_, word(0) + " " + word(1) + " " + word(2));
    std::erase_if(query.terms, [](const QueryTerm& term) { return term.weight < 1; });
    ASSERT_EQ(query.terms.size(), 3u);
    query.required = groups;
    compare(query);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, TextModelLong, testing::Range(20, 22));

class TextModelEmptied : public TextModel {};

TEST_P(TextModelEmptied, DroppingAllLeavesNothing) {
  const FoldOptions options{.documents_min = 1, .documents_max = 50, .segments_max = 3};
  for (int i = 0; i < 300; ++i) {
    put();
    if (i % 40 == 0) fold(options);
  }
  while (!model_.documents.empty() && !HasFatalFailure()) drop(false);
  for (bool is_done = false; !is_done;) {
    is_done = *fold_step(keys_, kPrefix, options) == FoldStep::kIdle;
  }
  EXPECT_EQ(keys_.entries.size(), 1u);  // the manifest
}
INSTANTIATE_TEST_SUITE_P(Seeds, TextModelEmptied, testing::Range(0, 3));

}  // namespace
}  // namespace holdfast::search
