#include "search/text_languages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>

#include "search/map_keyspace.h"
#include "search/postings.h"
#include "search/text_fold.h"
#include "search/text_index.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

TEST(Languages, AreFoundByCodeAndName) {
  EXPECT_EQ(find_language("en"), Language::kEnglish);
  EXPECT_EQ(info_of(*find_language("German")).code, "de");
  EXPECT_EQ(info_of(*find_language("FR")).name, "french");
  EXPECT_EQ(find_language("klingon"), std::nullopt);
  Analyzer analyzer;
  for (const LanguageInfo& one : languages()) {
    analyzer.set_language(*find_language(one.code));  // aborts where there is no stemmer
  }
}

TEST(Languages, OnesThatAreKnownInAnotherWayAreRefused) {
  MapKeyspace keys;
  ASSERT_TRUE(note_language(keys, kPrefix, *find_language("de")));
  ASSERT_TRUE(live_languages(keys, kPrefix));
  keys.entries.begin()->second = "\x7f";
  EXPECT_EQ(live_languages(keys, kPrefix).status().code(), StatusCode::kUnsupported);
}

// Documents in several languages that come and go, beside the rules applied to all of them.
class Polyglot : public testing::TestWithParam<int> {
 protected:
  struct Text {
    Language language;
    std::map<std::string, uint32_t> counts;
    uint64_t length = 0;
    std::string record;
  };

  Polyglot() : state_(static_cast<uint64_t>(GetParam()) * 2 + 1) {
    for (const std::string_view code : {"en", "de", "fr", "ru"}) {
      languages_.push_back(*find_language(code));
    }
  }
  uint32_t below(uint32_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }
  // Words with endings that some languages take off and others do not.
  std::string drawn_word() {
    static constexpr std::string_view kStems[] = {"connect",
                                                  "haus",
                                                  "kauf",
                                                  "cheval",
                                                  "continu",
                                                  "maison",
                                                  "\u043a\u043d\u0438\u0433",
                                                  "\u0441\u043b\u043e\u0432",
                                                  "rapid",
                                                  "stell"};
    static constexpr std::string_view kEndings[] = {
        "", "s", "e", "en", "er", "ed", "ing", "ements", "\u0430", "\u0430\u043c\u0438"};
    return std::string(kStems[below(10)]).append(kEndings[below(10)]);
  }

  void put() {
    Text text{languages_[below(static_cast<uint32_t>(languages_.size()))], {}, 0, {}};
    std::string words;
    for (uint32_t i = 1 + below(9); i > 0; --i) words += drawn_word() + " ";
    analyzer_.set_language(text.language);
    analyzer_.analyze(words, [&](const Token& token) {
      ++text.counts[std::string(token.term)];
      ++text.length;
      return true;
    });
    std::vector<std::string> facets;
    if (text.language != Language::kEnglish) facets.push_back(language_facet(text.language));
    const TextField fields[] = {{words, 1}};
    text.record = encode_text_record(analyzer_, fields, facets);
    DocumentId id{};
    const uint64_t big = __builtin_bswap64(++last_id_);
    std::memcpy(id.data(), &big, sizeof(big));
    ASSERT_TRUE(put_document(keys_, kPrefix, id, text.record));
    ASSERT_TRUE(note_language(keys_, kPrefix, text.language));
    texts_[id] = std::move(text);
  }
  void drop() {
    if (texts_.empty()) return;
    auto at = texts_.begin();
    std::advance(at, below(static_cast<uint32_t>(texts_.size())));
    const auto record = [&] { return Result<std::string>(at->second.record); };
    ASSERT_TRUE(drop_document(keys_, kPrefix, at->first, record));
    texts_.erase(at);
  }

  std::vector<Language> expected_languages() const {
    std::set<Language> live;
    for (const auto& [id, text] : texts_) live.insert(text.language);
    if (live.empty()) live.insert(Language::kEnglish);
    return {live.begin(), live.end()};
  }
  uint64_t frequency(const std::string& term) const {
    uint64_t count = 0;
    for (const auto& [id, text] : texts_) count += text.counts.contains(term) ? 1 : 0;
    return count;
  }
  // The sum over words of what the forms of each give, with the frequency of all of them.
  std::vector<std::pair<double, DocumentId>> expected(const std::vector<std::string>& words,
                                                      const std::vector<Language>& languages) {
    const auto n = static_cast<double>(texts_.size());
    double length = 0;
    for (const auto& [id, text] : texts_) length += static_cast<double>(text.length);
    const double mean = std::max(1.0, length / std::max(1.0, n));
    std::map<std::string, double> weights;  // by form: its inverse document frequency
    for (const std::string& word : words) {
      std::set<std::string> forms;
      for (const Language language : languages) {
        analyzer_.set_language(language);
        analyzer_.analyze(word,
                          [&](const Token& token) { return forms.emplace(token.term).second; });
      }
      double df = 0;
      for (const std::string& form : forms) df += static_cast<double>(frequency(form));
      df = std::min(df, n);
      for (const std::string& form : forms) {
        weights.emplace(form, std::log(1 + (n - df + 0.5) / (df + 0.5)));
      }
    }
    std::vector<std::pair<double, DocumentId>> found;
    for (const auto& [id, text] : texts_) {
      double score = 0;
      for (const auto& [form, idf] : weights) {
        const auto at = text.counts.find(form);
        if (at == text.counts.end()) continue;
        const double norm = 0.9 * (0.25 + 0.75 * static_cast<double>(text.length) / mean);
        score += idf * 1.9 * at->second / (at->second + norm);
      }
      if (score > 0) found.emplace_back(score, id);
    }
    return found;
  }

  void compare() {
    const auto languages = live_languages(keys_, kPrefix);
    ASSERT_TRUE(languages) << languages.status().to_string();
    ASSERT_EQ(*languages, expected_languages());
    // One word: those of several may share a form, which then belongs to the first.
    const std::vector<std::string> words = {drawn_word()};
    const auto all = expected(words, *languages);
    auto ranking = Ranking::open(keys_, kPrefix, parse_query(analyzer_, words[0], *languages), 5);
    ASSERT_TRUE(ranking) << ranking.status().to_string();
    size_t matches = 0;
    for (TextMatch match; *ranking->take(match); ++matches) {
    }
    ASSERT_EQ(matches, all.size()) << words[0];
    for (const auto& [score, id] : all) {
      ASSERT_NEAR(ranking->score(id)->value(), score, 1e-9) << words[0];
    }
  }

  uint64_t state_;
  std::vector<Language> languages_;
  Analyzer analyzer_;
  MapKeyspace keys_;
  std::map<DocumentId, Text> texts_;
  uint64_t last_id_ = 0;
};

TEST_P(Polyglot, WordsCountInAllFormsOfTheLanguagesThatLive) {
  const FoldOptions options{.documents_min = 1 + below(8),
                            .documents_max = 8 + below(100),
                            .segments_max = 2 + below(4),
                            .postings_max = 1 + below(2000)};
  for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
    for (uint32_t i = below(30); i > 0; --i) put();
    for (uint32_t i = below(40); i > 0; --i) drop();
    for (uint32_t i = below(4); i > 0; --i) ASSERT_TRUE(fold_step(keys_, kPrefix, options));
    for (int i = 0; i < 6 && !HasFatalFailure(); ++i) compare();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, Polyglot, testing::Range(0, 8));

}  // namespace
}  // namespace holdfast::search
