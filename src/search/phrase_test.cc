#include "search/phrase.h"

#include <gtest/gtest.h>

#include <array>

#include "search/text_query.h"

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

// Of ASCII texts only places are analysed where the initials fit; a text with another character is
// analysed whole.
TEST(Phrase, InitialsRuleOutNone) {
  Analyzer analyzer;
  uint64_t state = 5;
  const auto below = [&state](uint32_t bound) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state >> 33) % bound;
  };
  const auto drawn = [&](uint32_t words) {
    std::string text;
    for (; words > 0; --words) {
      text.append(std::array{"ab", "Ac", "ba", "Be", "c", "a1", "B2c"}[below(7)]);
      text.append(std::array{" ", " ", ". ", "-", "--", "_", "/", "++ ", "::", "' "}[below(10)]);
    }
    return text;
  };
  int matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = drawn(1 + below(i % 2 == 0 ? 6 : 30));
    const size_t from = below(static_cast<uint32_t>(text.size()));
    std::string query = "\"" + (i % 3 == 0 ? text.substr(from, 6) : drawn(2 + below(2))) + "\"";
    if (below(3) == 0) query += (below(2) == 0 ? " -\"" : " \"") + drawn(2) + "\"";
    const auto phrases = parse_query(analyzer, query).phrases;
    const bool is_there = matches_phrases(analyzer, phrases, {text});
    ASSERT_EQ(is_there, matches_phrases(analyzer, phrases, {text + " \u4e2d"}))
        << query << " in " << text;
    matched += is_there && !phrases.empty();
  }
  EXPECT_GT(matched, 50);
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
