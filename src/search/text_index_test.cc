#include "search/text_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "search/manifest.h"
#include "search/map_keyspace.h"
#include "search/text_fold.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

std::string id_of(int number) {
  std::string id(kDocumentIdSize, '\0');
  id[kDocumentIdSize - 1] = static_cast<char>(number);
  return id;
}

class TextIndexTest : public testing::Test {
 protected:
  void add(int number, std::string_view text, const std::vector<std::string>& facets = {},
           std::string_view title = {}) {
    const TextField fields[] = {{text, 1}, {title, 2}};
    const std::string record = encode_text_record(analyzer_, fields, facets);
    ASSERT_TRUE(put_document(keys_, kPrefix, document_id(id_of(number)), record));
  }

  // The last bytes of the ids of all matches, best first.
  std::vector<int> search(std::string_view text, const TextQuery& filters = {}) {
    TextQuery query = parse_query(analyzer_, text);
    query.facets = filters.facets;
    query.id_begin = filters.id_begin;
    query.id_end = filters.id_end;
    auto ranking = Ranking::open(keys_, kPrefix, std::move(query), 2);
    EXPECT_TRUE(ranking) << ranking.status().to_string();
    std::vector<int> numbers;
    TextMatch match;
    scores_.clear();
    while (*ranking->take(match)) {
      numbers.push_back(match.id[kDocumentIdSize - 1]);
      scores_.push_back(match.score);
    }
    return numbers;
  }

  Analyzer analyzer_;
  MapKeyspace keys_;
  std::vector<double> scores_;
};

using Numbers = std::vector<int>;

TEST_F(TextIndexTest, RareTermsWeighMore) {
  add(1, "the clock is late");
  add(2, "the login is late");
  add(3, "the door is late");
  add(4, "the login and the clock");
  EXPECT_EQ(search("clock login").front(), 4);
  EXPECT_EQ(search("door"), Numbers{3});
  EXPECT_EQ(search("absent"), Numbers{});
}

TEST_F(TextIndexTest, ShorterDocumentsRankHigher) {
  add(1, "login fails because of many other things that are said here at length");
  add(2, "login fails");
  EXPECT_EQ(search("login"), (Numbers{2, 1}));
}

TEST_F(TextIndexTest, MoreOccurrencesRankHigher) {
  add(1, "login one two three");
  add(2, "login login two three");
  EXPECT_EQ(search("login"), (Numbers{2, 1}));
}

TEST_F(TextIndexTest, ScoreIsBm25) {
  add(1, "alpha beta");
  add(2, "alpha alpha gamma delta");
  search("beta");
  ASSERT_EQ(scores_.size(), 1u);
  const double idf = std::log(1 + (2 - 1 + 0.5) / (1 + 0.5));
  const double norm = 0.9 * (1 - 0.75 + 0.75 * 2.0 / 3.0);
  EXPECT_NEAR(scores_[0], idf * 1.9 / (1 + norm), 1e-12);
}

TEST_F(TextIndexTest, PairsAreSaturatedLaterThanWords) {
  add(1, "\xe6\x97\xa5\xe6\x9c\xac");  // one pair, and its two characters
  add(2, "alpha beta gamma");
  search("\"\xe6\x97\xa5\xe6\x9c\xac\"");
  ASSERT_EQ(scores_.size(), 1u);
  const double idf = std::log(1 + (2 - 1 + 0.5) / (1 + 0.5));
  const double weights = 1 + 0.25 + 0.25;  // the pair, and its characters
  EXPECT_NEAR(scores_[0], weights * idf, 1e-12) << "the length is the mean";
  add(1, "\xe6\x97\xa5\xe6\x9c\xac, \xe6\x97\xa5\xe6\x9c\xac");
  add(2, "alpha beta gamma delta eta theta");
  search("\"\xe6\x97\xa5\xe6\x9c\xac\"");
  EXPECT_NEAR(scores_[0], weights * idf * 2 * 2.2 / (2 + 1.2), 1e-12);
}

TEST_F(TextIndexTest, NoScoreIsOverTheGreatest) {
  add(1, "clock clock clock clock clock clock");
  add(2, "clocks bought at the door");
  std::string runs;  // of one pair, which says more the second time than a word does
  for (int i = 0; i < 30; ++i) runs += "\xe6\x97\xa5\xe6\x9c\xac ";
  add(3, runs);
  for (const char* text : {"clock", "clock absent", "buy a clock", "cloc*", "clokc", "+door",
                           "\xe6\x97\xa5\xe6\x9c\xac"}) {
    TextQuery query = parse_query(analyzer_, text);
    query.reads_misspelt = true;
    auto ranking = Ranking::open(keys_, kPrefix, std::move(query), 2);
    ASSERT_TRUE(ranking);
    TextMatch match;
    ASSERT_TRUE(*ranking->take(match)) << text;
    const bool is_typed = std::string_view(text) != "cloc*";
    EXPECT_EQ(ranking->score_max() > match.score, is_typed) << text;
  }
}

TEST_F(TextIndexTest, OfEqualScoresTheNewerComesFirst) {
  add(1, "same words");
  add(3, "same words");
  add(2, "same words");
  EXPECT_EQ(search("words"), (Numbers{3, 2, 1}));
}

TEST_F(TextIndexTest, TitleWeighsMore) {
  add(1, "clock in the text of this", {}, "other");
  add(2, "other in the text of this", {}, "clock");
  EXPECT_EQ(search("clock"), (Numbers{2, 1}));
}

TEST_F(TextIndexTest, WholeIdentifierBeatsItsParts) {
  add(1, "foo and bar and 12 in some cc file");
  add(2, "look at foo_bar-12.cc for it now");
  EXPECT_EQ(search("foo_bar-12.cc"), (Numbers{2, 1}));
}

TEST_F(TextIndexTest, AdjacentHanCharactersBeatScattered) {
  add(1, "\u7528\u529b\u6237\u5916");
  add(2, "\u65b0\u7528\u6237\u767b");
  EXPECT_EQ(search("\u7528\u6237"), (Numbers{2, 1}));
}

TEST_F(TextIndexTest, FacetsAndIdsFilterWithoutChangingScores) {
  add(1, "login", {"kind=note"});
  add(2, "login", {"kind=fact", "tag=x"});
  add(3, "login", {"kind=fact"});
  search("login");
  const double score = scores_.at(0);
  EXPECT_EQ(search("login", {.facets = {"kind=fact"}}), (Numbers{3, 2}));
  EXPECT_DOUBLE_EQ(scores_.at(0), score);
  EXPECT_EQ(search("login", {.facets = {"kind=fact", "tag=x"}}), Numbers{2});
  EXPECT_EQ(search("login", {.facets = {"tag=x", "kind=fact", "tag=x"}}), Numbers{2});
  EXPECT_EQ(search("login", {.id_begin = id_of(2), .id_end = id_of(3)}), Numbers{2});
}

TEST_F(TextIndexTest, FacetsAreNotTerms) {
  add(1, "text", {"note"});
  EXPECT_EQ(search("note"), Numbers{});
}

TEST_F(TextIndexTest, OtherPrefixesAreNotRead) {
  add(1, "login");
  ASSERT_TRUE(keys_.put("Qa" + id_of(2), keys_.entries.begin()->second));
  EXPECT_EQ(search("login"), Numbers{1});
}

TEST_F(TextIndexTest, MalformedRecordIsCorruption) {
  add(1, "login");
  keys_.entries.begin()->second.pop_back();
  auto ranking = Ranking::open(keys_, kPrefix, parse_query(analyzer_, "login"), 10);
  EXPECT_EQ(ranking.status().code(), StatusCode::kCorruption);
}

TEST_F(TextIndexTest, AnotherFormatIsRefused) {
  add(1, "login");
  ASSERT_TRUE(keys_.put("Pm", std::string(1, kIndexFormat + 1)));
  auto ranking = Ranking::open(keys_, kPrefix, parse_query(analyzer_, "login"), 10);
  EXPECT_EQ(ranking.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(fold_step(keys_, kPrefix, {.documents_min = 1}).status().code(),
            StatusCode::kUnsupported);
}

TEST_F(TextIndexTest, ARecordOfAnotherFormatIsRefused) {
  add(1, "login");
  ++keys_.entries.begin()->second[0];
  auto ranking = Ranking::open(keys_, kPrefix, parse_query(analyzer_, "login"), 10);
  EXPECT_EQ(ranking.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(fold_step(keys_, kPrefix, {.documents_min = 1}).status().code(),
            StatusCode::kUnsupported);
}

TEST_F(TextIndexTest, ABlockWithTooFewIdsIsCorruption) {
  for (int i = 1; i <= 100; ++i) add(i, "login");
  ASSERT_TRUE(fold_step(keys_, kPrefix, {.documents_min = 1}));
  const auto ids = keys_.entries.lower_bound(std::string(kPrefix) + "s");
  ASSERT_EQ(ids->second.size(), kIdsPerBlock * kDocumentIdSize);
  ids->second.resize(10 * kDocumentIdSize);
  TextQuery query = parse_query(analyzer_, "login");
  query.id_begin = id_of(40);
  EXPECT_EQ(Ranking::open(keys_, kPrefix, query, 10).status().code(), StatusCode::kCorruption);
}

// By what stands beside the words of it, without a text.
TEST_F(TextIndexTest, HardlyAnyDocumentWithoutAPhraseIsOffered) {
  for (int i = 1; i <= 100; ++i) {
    const std::string other = "w" + std::to_string(i) + "x";
    add(i, i % 10 == 0 ? other + " red green" : "red " + other + " blue " + other + " green");
  }
  ASSERT_TRUE(fold_step(keys_, kPrefix, {.documents_min = 1}));
  const Numbers offered = search("\"red green\"");
  EXPECT_LT(offered.size(), 10u + 90u / 4);
  for (int i = 10; i <= 100; i += 10) {
    EXPECT_NE(std::ranges::find(offered, i), offered.end()) << i;
  }
  EXPECT_EQ(search("red AND green").size(), 100u);
}

TEST_F(TextIndexTest, RequiredExcludedAndOptionalWords) {
  add(1, "red green blue");
  add(2, "red green");
  add(3, "green blue");
  EXPECT_EQ(search("red AND blue"), Numbers{1});
  EXPECT_EQ(search("+red green"), (Numbers{2, 1}));
  EXPECT_EQ(search("green -red"), Numbers{3});
  EXPECT_EQ(search("green NOT blue"), Numbers{2});
  EXPECT_EQ(search("red OR blue").size(), 3u);
  EXPECT_EQ(search("gre*").size(), 3u);
  EXPECT_EQ(search("+bl* green"), (Numbers{3, 1}));
  EXPECT_EQ(search("green -blu*"), Numbers{2});
}

TEST_F(TextIndexTest, DroppedIsGoneFromResultsAndStatistics) {
  add(1, "login here");
  add(2, "login there and everywhere else");
  search("login");
  const double score = scores_.at(0);
  for (const bool folded : {false, true}) {
    add(3, "login login login");
    if (folded) {
      ASSERT_TRUE(fold_step(keys_, kPrefix, {.documents_min = 1}));
      ASSERT_EQ(search("login").front(), 3);
    }
    const TextField fields[] = {{"login login login", 1}, {"", 2}};
    ASSERT_TRUE(drop_document(keys_, kPrefix, document_id(id_of(3)), [&] {
      return Result<std::string>(encode_text_record(analyzer_, fields, {}));
    }));
    EXPECT_EQ(search("login"), (Numbers{1, 2}));
    EXPECT_DOUBLE_EQ(scores_.at(0), score);
  }
}

std::vector<std::string> record_terms(std::string_view bytes) {
  std::vector<std::string> terms;
  TextRecord record(bytes);
  while (record.next()) terms.emplace_back(record.term());
  return record.is_malformed() ? std::vector<std::string>{"malformed"} : terms;
}

TEST(TextRecord, EveryTruncationIsRefused) {
  Analyzer analyzer;
  const TextField fields[] = {{"one two three", 1}};
  const std::string facets[] = {"kind=note"};
  const std::string bytes = encode_text_record(analyzer, fields, facets);
  EXPECT_EQ(record_terms(bytes),
            (std::vector<std::string>{facet_term("kind=note"), "one", "three", "two"}));
  EXPECT_EQ(TextRecord(bytes).length(), 3u);
  const std::vector<std::string> malformed = {"malformed"};
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(record_terms(bytes.substr(0, size)), malformed) << size;
  }
  EXPECT_EQ(record_terms(bytes + "x"), malformed);
  std::string newer = bytes;
  newer[0] = kTextFormat + 1;
  EXPECT_EQ(record_terms(newer), malformed);
}

TEST(TextRecord, HashesNeverChange) {
  EXPECT_NE(hash_term("login"), hash_facet("login"));
  EXPECT_EQ(hash_term("holdfast"), 2174719789u);
}

TEST(TextRecord, FacetTermsHaveNoZeroByte) {
  for (int i = 0; i < 1000; ++i) {
    const std::string term = facet_term("tag=" + std::to_string(i));
    EXPECT_EQ(term.size(), 10u);
    EXPECT_EQ(term.find('\0'), std::string::npos);
  }
}

TEST(TextRecord, AMebibyteOfDistinctHanPairsStaysBelowTheValueLimit) {
  std::string text;
  uint32_t state = 1;
  while (text.size() < (1u << 20) - 3) {
    state = state * 1664525 + 1013904223;
    const uint32_t code = 0x4e00 + (state >> 8) % 0x5000;
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
  Analyzer analyzer;
  const TextField fields[] = {{text, 1}};
  const std::string bytes = encode_text_record(analyzer, fields, {});
  EXPECT_LT(bytes.size(), 1u << 20);
  EXPECT_NE(record_terms(bytes).front(), "malformed");
}

}  // namespace
}  // namespace holdfast::search
