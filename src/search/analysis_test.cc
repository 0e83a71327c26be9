#include "search/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::search {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::Not;

std::vector<std::string> terms_of(std::string_view text) {
  Analyzer analyzer;
  std::vector<std::string> terms;
  analyzer.analyze(text, [&](const Token& token) {
    terms.emplace_back(token.term);
    return true;
  });
  return terms;
}

std::string fold(std::string_view word) {
  std::string out;
  fold_word(word, out);
  return out;
}

TEST(Analysis, WordsAreFoldedAndStemmed) {
  EXPECT_THAT(terms_of("The Connections, failing!"), ElementsAre("the", "connect", "fail"));
  EXPECT_EQ(terms_of("connection"), terms_of("CONNECTED"));
}

TEST(Analysis, EmptyAndPunctuationGiveNothing) {
  EXPECT_TRUE(terms_of("").empty());
  EXPECT_TRUE(terms_of(" \t\n--- *** ... ?!").empty());
}

TEST(Analysis, AccentsAndCompatibilityFormsAreFolded) {
  EXPECT_EQ(terms_of("CAF\u00c9"), terms_of("cafe"));
  EXPECT_EQ(terms_of("cafe\u0301"), terms_of("cafe"));           // decomposed
  EXPECT_EQ(terms_of("\u0141\u00f3d\u017a"), terms_of("lodz"));  // Lodz with all strokes
  EXPECT_EQ(terms_of("stra\u00dfe"), terms_of("STRASSE"));
  EXPECT_EQ(terms_of("\uff26\uff55\uff4c\uff4c"), terms_of("full"));  // full-width
  EXPECT_EQ(terms_of("\ufb01le"), terms_of("file"));                  // ligature
  EXPECT_EQ(terms_of("co\u00adoperate"), terms_of("cooperate"));      // soft hyphen
}

TEST(Analysis, FoldingIsIdempotent) {
  for (const char* word : {"\u0130stanbul", "\u1e9e", "\u0390", "\u01c5", "\uac00\u11a8", "\u304c",
                           "\u0e01\u0e33", "\u0915\u093f", "\u2126", "\u00c5ngstr\u00f6m"}) {
    EXPECT_EQ(fold(fold(word)), fold(word)) << word;
  }
}

TEST(Analysis, VowelSignsAndVoicingAreKept) {
  EXPECT_NE(terms_of("\u0915\u093f"), terms_of("\u0915\u0940"));  // ki, kii
  EXPECT_NE(terms_of("\u304b"), terms_of("\u304c"));              // ka, ga
  EXPECT_EQ(terms_of("\uff76\uff9e"), terms_of("\u30ac"));        // half-width ga
}

TEST(Analysis, IdentifiersAreKeptWholeAndInParts) {
  EXPECT_THAT(terms_of("foo_bar-12.cc"), ElementsAre("foo_bar-12.cc", "foo", "bar", "12", "cc"));
  EXPECT_THAT(terms_of("error E0413:"), ElementsAre("error", "e0413", "0413"));
  EXPECT_THAT(terms_of("getHTTPResponse"), ElementsAre("gethttprespons", "get", "http", "respons"));
  EXPECT_THAT(terms_of("v1.2.3"), Contains("v1.2.3"));
  EXPECT_THAT(terms_of("std::vector"), ElementsAre("std::vector", "std", "vector"));
  EXPECT_THAT(terms_of("__init__.py"), Contains("init__.py"));
  EXPECT_THAT(terms_of("mail bob@example.com."), Contains("bob@example.com"));
}

TEST(Analysis, PathComponentsAreTermsToo) {
  const auto terms = terms_of("see src/search/text_index.cc, line 7");
  const std::vector<std::string> wanted = {
      "src/search/text_index.cc", "text_index.cc", "src", "search", "text", "index", "cc", "7"};
  EXPECT_THAT(wanted, IsSubsetOf(terms));
}

TEST(Analysis, LanguagesWithSymbolsAreKept) {
  EXPECT_THAT(terms_of("C++ and C#"), ElementsAre("c++", "c", "and", "c#", "c"));
  EXPECT_THAT(terms_of("a ++b"), ElementsAre("a", "b"));
}

TEST(Analysis, ContractionsAreStemmedNotCut) {
  EXPECT_THAT(terms_of("the user's"), ElementsAre("the", "user"));
  EXPECT_EQ(terms_of("user\u2019s"), terms_of("user's"));
  EXPECT_THAT(terms_of("l'homme"), Contains("homm"));
}

TEST(Analysis, HanTextGivesCharactersAndPairs) {
  EXPECT_THAT(terms_of("\u7528\u6237"), ElementsAre("\u7528", "\u7528\u6237", "\u6237"));
  EXPECT_THAT(terms_of("\u7528"), ElementsAre("\u7528"));
}

TEST(Analysis, AsciiGluedToHanTextIsFound) {
  const auto terms = terms_of("\u4f7f\u7528foo_bar\u51fd\u6570");
  EXPECT_THAT(terms, Contains("foo_bar"));
  EXPECT_THAT(terms, Contains("\u51fd\u6570"));
  EXPECT_THAT(terms, Not(Contains("\u7528\u51fd")));
}

TEST(Analysis, ComposedAndConjoiningHangulAreTheSame) {
  EXPECT_EQ(terms_of("\ud55c\uae00"), terms_of("\u1112\u1161\u11ab\u1100\u1173\u11af"));
  EXPECT_THAT(terms_of("\ud55c\uae00"), Contains("\ud55c\uae00"));
}

TEST(Analysis, ThaiIsCutIntoClusters) {
  EXPECT_THAT(terms_of("\u0e20\u0e32\u0e29\u0e32"), Contains("\u0e29\u0e32"));
}

TEST(Analysis, LongTermsAreCutAtACharacter) {
  const std::string two_byte_letters = "a" + std::string(100, 'b');
  EXPECT_EQ(terms_of(two_byte_letters + "1").front().size(), kTermSizeMax);
  std::string greek = "x";
  for (int i = 0; i < 100; ++i) greek += "\u03b1";
  const std::string term = terms_of(greek).front();
  EXPECT_EQ(term.size(), kTermSizeMax - 1);
  EXPECT_EQ(term, greek.substr(0, kTermSizeMax - 1));
}

TEST(Analysis, OffsetsAreBytesOfTheText) {
  Analyzer analyzer;
  const std::string text = "\u00e9t\u00e9 fooBar \u7528\u6237";
  std::vector<std::string> slices;
  analyzer.analyze(text, [&](const Token& token) {
    slices.push_back(text.substr(token.begin, token.end - token.begin));
    return true;
  });
  EXPECT_THAT(slices, ElementsAre("\u00e9t\u00e9", "fooBar", "foo", "Bar", "\u7528", "\u7528\u6237",
                                  "\u6237"));
}

TEST(Analysis, MalformedUtf8SeparatesWords) {
  EXPECT_THAT(terms_of("ab\xff"
                       "cd\xe4\xb8"),
              ElementsAre("ab", "cd"));
}

TEST(Analysis, TheVisitorCanStop) {
  Analyzer analyzer;
  int seen = 0;
  analyzer.analyze("one two three", [&](const Token&) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace holdfast::search
