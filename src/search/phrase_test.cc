#include "search/phrase.h"

#include <gtest/gtest.h>

#include <array>

#include "search/map_keyspace.h"
#include "search/text_fold.h"
#include "search/text_index.h"
#include "search/text_query.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

bool matches_texts(std::string_view query, const std::vector<std::string_view>& texts) {
  Analyzer analyzer;
  return matches_phrases(analyzer, parse_query(analyzer, query).phrases, texts);
}

bool matches(std::string_view query, std::string_view text) {
  return matches_texts(query, {text});
}

TEST(Phrase, IsConsecutiveWords) {
  EXPECT_TRUE(matches("\"blue sky\"", "the Blue skies"));
  EXPECT_FALSE(matches("\"blue sky\"", "the sky is blue"));
  EXPECT_FALSE(matches("\"blue sky\"", "blue and sky"));
  EXPECT_TRUE(matches("\"open foo_bar now\"", "please open foo_bar now"));
  EXPECT_TRUE(matches("red -\"blue sky\"", "red sky blue"));
  EXPECT_FALSE(matches("red -\"blue sky\"", "red blue sky"));
  EXPECT_TRUE(matches("\"\u7528\u6237\u767b\"", "\u65b0\u7528\u6237\u767b\u5f55"));
  EXPECT_FALSE(matches("\"\u7528\u6237\u767b\"", "\u7528\u6237 \u6237\u767b"));
}

// Words that are alike, with what may join them.
class DrawnText {
 public:
  uint32_t below(uint32_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }
  std::string text(uint32_t words, bool is_ascii) {
    std::string text;
    for (; words > 0; --words) {
      text.append(std::array{"ab", "Ac", "ba", "Be", "c", "a1", "B2c", "\u4e2d\u6587\u5b57",
                             "\u00e4b", "\u6587\u5b57"}[below(is_ascii ? 7 : 10)]);
      text.append(std::array{" ", " ", ". ", "-", "--", "_", "/", "++ ", "::", "' "}[below(10)]);
    }
    return text;
  }
  // Often what stands in the text.
  std::string phrase(std::string_view text, bool is_ascii) {
    std::string phrase = this->text(2 + below(2), is_ascii);
    if (below(3) == 0) {
      size_t from = below(static_cast<uint32_t>(text.size()));
      while ((text[from] & 0xc0) == 0x80) --from;
      size_t end = std::min(text.size(), from + 6);
      while (end < text.size() && (text[end] & 0xc0) == 0x80) ++end;
      phrase = text.substr(from, end - from);
    }
    return "\"" + phrase + "\"";
  }

 private:
  uint64_t state_ = 5;
};

// Of ASCII texts only places are analysed where the initials fit; a text with another character is
// analysed whole.
TEST(Phrase, InitialsRuleOutNone) {
  Analyzer analyzer;
  DrawnText drawn;
  int matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = drawn.text(1 + drawn.below(i % 2 == 0 ? 6 : 30), true);
    std::string query = drawn.phrase(text, true);
    if (drawn.below(3) == 0) {
      query += (drawn.below(2) == 0 ? " -\"" : " \"") + drawn.text(2, true) + "\"";
    }
    const auto phrases = parse_query(analyzer, query).phrases;
    const bool is_there = matches_phrases(analyzer, phrases, {text});
    ASSERT_EQ(is_there, matches_phrases(analyzer, phrases, {text + " \u4e2d"}))
        << query << " in " << text;
    matched += is_there && !phrases.empty();
  }
  EXPECT_GT(matched, 50);
}

// The index knows of a word what may stand beside it.
TEST(Phrase, NeighboursRuleOutNone) {
  Analyzer analyzer;
  DrawnText drawn;
  int matched = 0;
  int left_out = 0;
  for (int i = 0; i < 20'000; ++i) {
    const bool is_ascii = i % 2 == 0;
    const std::string title = drawn.text(1 + drawn.below(3), is_ascii);
    const std::string text = drawn.text(1 + drawn.below(i % 3 == 0 ? 6 : 30), is_ascii);
    TextQuery query = parse_query(analyzer, drawn.phrase(text, is_ascii));
    const auto phrases = query.phrases;
    if (phrases.empty()) continue;
    const bool is_there = matches_phrases(analyzer, phrases, {text, title});

    MapKeyspace keys;
    const TextField fields[] = {{text, 1}, {title, 2}};
    ASSERT_TRUE(put_document(keys, "p", DocumentId{}, encode_text_record(analyzer, fields, {})));
    ASSERT_TRUE(fold_step(keys, "p", {.documents_min = 1}));
    query.reads_misspelt = false;
    auto ranking = Ranking::open(keys, "p", query, 1);
    ASSERT_TRUE(ranking);
    TextMatch match;
    const bool is_offered = *ranking->take(match);
    ASSERT_LE(is_there, is_offered) << phrases[0].words[0][0] << " in " << title << "; " << text;
    matched += is_there;
    query.adjacent.clear();
    auto all = Ranking::open(keys, "p", query, 1);
    left_out += !is_offered && *all->take(match);
  }
  EXPECT_GT(matched, 500);
  EXPECT_GT(left_out, 500);
}

// An identifier with something behind it is two tokens, one in the other.
TEST(Phrase, IsFoundAtIdentifiersWithASuffix) {
  EXPECT_TRUE(matches("\"Objective-C++\"", "We use Objective-C++ in this file."));
  EXPECT_TRUE(matches("\"use objective-c++\"", "We use Objective-C++ in this file."));
  EXPECT_TRUE(matches("\"x86_64-linux-gnu-g++\"", "call x86_64-linux-gnu-g++ first"));
  EXPECT_FALSE(matches("use -\"Objective-C++\"", "We use Objective-C++ in this file."));
  EXPECT_TRUE(matches("\"foo-c bar\"", "fa-ba foo-c++ bar"));
  EXPECT_TRUE(matches("\"c++ code\"", "come on, c++ code"));
}

TEST(Phrase, OfManyPlacesWhereItMayStandAllAreLookedAt) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "aa bb ";
  EXPECT_FALSE(matches("\"ab be\" -\"xx yy\"", text));
  EXPECT_TRUE(matches("\"ab be\" -\"xx yy\"", text + "ab be"));
}

TEST(Phrase, BeginsAnewWhereItHasBegun) {
  EXPECT_TRUE(matches("\"tick tick tock\"", "tick tick tick tock"));
  EXPECT_TRUE(matches("\"tick tock tick tack\"", "tick tock tick tock tick tack"));
  EXPECT_FALSE(matches("\"tick tick tock\"", "tick tock tick tock"));
}

TEST(Phrase, IsInOneText) {
  EXPECT_FALSE(matches_texts("\"blue sky\"", {"it is blue", "sky and sea"}));
  EXPECT_TRUE(matches_texts("\"blue sky\"", {"it is blue", "a blue sky"}));
}

TEST(Phrase, AllAreLookedFor) {
  EXPECT_TRUE(matches("\"blue sky\" \"green sea\"", "blue sky, and the sea: a green sea"));
  EXPECT_FALSE(matches("\"blue sky\" \"green sea\"", "blue sky above a sea that is green"));
  EXPECT_FALSE(matches("\"blue sky\" -\"green sea\"", "blue sky above a green sea"));
  EXPECT_TRUE(matches("\"blue sky\" -\"green sea\"", "blue sky above a sea that is green"));
}

}  // namespace
}  // namespace holdfast::search
