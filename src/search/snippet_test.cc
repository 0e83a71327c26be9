#include "search/snippet.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace holdfast::search {
namespace {

// The snippet with highlights in brackets.
std::string marked(const Snippet& snippet) {
  std::string out;
  size_t at = 0;
  for (const SnippetRange& range : snippet.highlights) {
    out += snippet.text.substr(at, range.begin - at);
    out += '[' + snippet.text.substr(range.begin, range.end - range.begin) + ']';
    at = range.end;
  }
  return out + snippet.text.substr(at);
}

Snippet snip(std::string_view source, std::string_view query, size_t size_max = 160) {
  Analyzer analyzer;
  std::vector<QueryTerm> terms = parse_query(analyzer, query).terms;
  for (QueryTerm& term : terms) term.score = term.weight;
  return make_snippet(analyzer, source, terms, size_max);
}

TEST(Snippet, ShortTextIsShownWhole) {
  EXPECT_EQ(marked(snip("Login failed twice.", "fail logins")), "[Login] [failed] twice.");
}

TEST(Snippet, WithoutMatchItIsTheBeginning) {
  const Snippet snippet = snip("one two three four five", "absent", 12);
  EXPECT_FALSE(snippet.matched);
  EXPECT_EQ(marked(snippet), "one two");
}

TEST(Snippet, ShowsTheWindowWithMostTerms) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "clock filler words ";
  text += "here the login needs a clock now ";
  for (int i = 0; i < 100; ++i) text += "filler words ";
  const Snippet snippet = snip(text, "clock login", 80);
  EXPECT_NE(marked(snippet).find("[login] needs a [clock]"), std::string::npos);
  EXPECT_LE(snippet.text.size(), 80u);
  EXPECT_GT(snippet.offset, 0u);
  EXPECT_EQ(text.substr(snippet.offset, snippet.text.size()), snippet.text);
}

TEST(Snippet, CutsAtCharactersOnly) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "\u6f22\u5b57";
  text += "\u7528\u6237";
  for (int i = 0; i < 200; ++i) text += "\u6f22\u5b57";
  for (size_t size = 8; size < 40; ++size) {
    const Snippet snippet = snip(text, "\u7528\u6237", size);
    EXPECT_TRUE(utf8_valid(snippet.text)) << size;
    EXPECT_NE(marked(snippet).find("[\u7528\u6237]"), std::string::npos) << size;
  }
}

TEST(Snippet, IdentifierIsHighlightedOnce) {
  EXPECT_EQ(marked(snip("see foo_bar.cc now", "foo_bar.cc")), "see [foo_bar.cc] now");
}

TEST(Snippet, SingleCharactersAreNotHighlightedBesidePairs) {
  EXPECT_EQ(marked(snip("\u4f5c\u7528 \u7528\u6237", "\u7528\u6237")),
            "\u4f5c\u7528 [\u7528\u6237]");
}

TEST(Snippet, ControlCharactersBecomeSpaces) {
  const Snippet snippet = snip(
      "red \x1b[31m login\x07 \xc2\x9b"
      "2J",
      "login");
  EXPECT_EQ(marked(snippet), "red  [31m [login]    2J");
}

TEST(Snippet, TermLongerThanTheWindowIsShownWhole) {
  EXPECT_EQ(marked(snip("a abcdefghijklmnop b", "abcdefghijklmnop", 4)), "[abcdefghijklmnop]");
}

}  // namespace
}  // namespace holdfast::search
