#include "search/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <set>
#include <tuple>

#include "base/utf8.h"

namespace holdfast::search {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSubsetOf;
using ::testing::Not;

std::vector<std::string> terms_of(std::string_view text, std::string_view language = "en") {
  Analyzer analyzer;
  analyzer.set_language(*find_language(language));
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

std::string encode(uint32_t code) {
  std::string out;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
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

TEST(Analysis, FoldingOfEveryCharacterIsIdempotent) {
  for (uint32_t code = 1; code < 0x110000; ++code) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const std::string once = fold(encode(code));
    ASSERT_EQ(fold(once), once) << std::hex << code;
    ASSERT_TRUE(utf8_valid(once)) << std::hex << code;
  }
}

TEST(Analysis, AnyBytesGiveWellFormedTerms) {
  uint32_t state = 12345;
  const auto random = [&](uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  const uint32_t bounds[] = {0x80, 0x800, 0x3100, 0x10000, 0x110000};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    const uint32_t bound = bounds[random(5)];
    for (uint32_t i = 0; i < 60; ++i) {
      const bool raw_byte = round % 2 == 0 && random(4) == 0;
      text += raw_byte ? std::string(1, static_cast<char>(random(256))) : encode(random(bound));
      if (random(8) == 0) text += "_-./:@'+# "[random(10)];
    }
    Analyzer analyzer;
    analyzer.analyze(text, [&](const Token& token) {
      EXPECT_GE(token.term.size(), 1u);
      EXPECT_LE(token.term.size(), kTermSizeMax);
      EXPECT_TRUE(utf8_valid(token.term));
      EXPECT_LT(token.begin, token.end);
      EXPECT_LE(token.end, text.size());
      return true;
    });
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

TEST(Analysis, WordsAreStemmedInTheirLanguage) {
  EXPECT_EQ(terms_of("H\u00e4user", "de"), terms_of("Haus", "german"));
  EXPECT_EQ(terms_of("hauser", "de"), terms_of("Haus", "de"));
  EXPECT_NE(terms_of("H\u00e4user"), terms_of("Haus"));
  EXPECT_EQ(terms_of("continuellement", "fr"), terms_of("continuelle", "fr"));
  EXPECT_EQ(terms_of("\u043a\u043d\u0438\u0433\u0438", "ru"),
            terms_of("\u043a\u043d\u0438\u0433\u0430", "ru"));
  EXPECT_EQ(terms_of("\u043d\u043e\u0432\u044b\u0439", "ru"),
            terms_of("\u043d\u043e\u0432\u043e\u0433\u043e", "ru"));
}

TEST(Analysis, WordsOfAnotherScriptAreEnglish) {
  EXPECT_EQ(terms_of("connections", "ru"), terms_of("connections", "en"));
  EXPECT_NE(terms_of("connections", "de"), terms_of("connections", "en"));
}

TEST(Analysis, TokensAreInTheSamePlacesInEachLanguage) {
  const std::string_view text =
      "H\u00e4user src/log/file.cc l'\u00e9t\u00e9 getHTTPResponse \u7528\u6237 E0413 "
      "\u043d\u043e\u0432\u044b\u0439 don't c++ \u00e6\u00f8 a \u0640'\u0640's,foo";
  const auto places_of = [&](Language language) {
    Analyzer analyzer;
    analyzer.set_language(language);
    std::vector<std::tuple<uint32_t, uint32_t, TokenKind>> places;
    analyzer.analyze(text, [&](const Token& token) {
      places.emplace_back(token.begin, token.end, token.kind);
      return true;
    });
    return places;
  };
  for (size_t i = 0; i < languages().size(); ++i) {
    EXPECT_EQ(places_of(static_cast<Language>(i)), places_of(Language::kEnglish)) << i;
  }
}

TEST(Analysis, CharactersAndIdentifiersAreAlikeInEachLanguage) {
  for (const LanguageInfo& language : languages()) {
    EXPECT_EQ(terms_of("\u7528\u6237 \u0e01\u0e02 foo_bar-12.cc E0413", language.code)[0],
              "\u7528");
    EXPECT_EQ(terms_of("\u7528\u6237\u540d", language.code), terms_of("\u7528\u6237\u540d"));
    EXPECT_EQ(terms_of("foo_bar-12.cc", language.code)[0], "foo_bar-12.cc");
  }
}

TEST(Analysis, WordsThatBeginOtherwiseNeedNoStem) {
  const std::vector<std::string> words = {"dying",   "connections", "skis", "ugly",    "early",
                                          "o'clock", "yes",         "only", "innings", "generously",
                                          "hoping",  "happy",       "sky",  "news",    "abilities"};
  for (const std::string& word : words) {
    const std::string stem = terms_of(word)[0];
    EXPECT_EQ(stem[0], word[0]) << word;
    Analyzer analyzer;
    const std::string_view wanted[] = {stem};
    const auto first = [&] {
      std::string term;
      analyzer.analyze(word, [&](const Token& token) {
        term = token.term;
        return false;
      });
      return term;
    };
    analyzer.look_for(wanted, Analyzer::Others::kUnstemmed);
    EXPECT_EQ(first(), stem);
    analyzer.look_for({}, Analyzer::Others::kUnstemmed);
    EXPECT_EQ(first(), word);
    analyzer.look_for(wanted, Analyzer::Others::kMissing);
    EXPECT_EQ(first(), stem);
    analyzer.look_for({}, Analyzer::Others::kMissing);
    EXPECT_EQ(first(), "");
    analyzer.look_for_all();
    EXPECT_EQ(first(), stem);
    EXPECT_EQ(first(), stem) << "known by now";
  }
}

TEST(Analysis, WhatIsLookedForComesWhereItDoesOtherwise) {
  constexpr std::string_view kPieces[] = {
      "Running", "rail",    "e\u0301t", "\u00e9t", "HTTPCode", "12", "v2", "o'clock", "\u4e2d",
      "\u6587",  "foo_bar", "::",       "-",       "src/a.cc", " ",  " ",  " ",       ". "};
  using Place = std::tuple<std::string, uint32_t, uint32_t, TokenKind>;
  std::mt19937 random(12);
  Analyzer analyzer;
  for (int i = 0; i < 5'000; ++i) {
    std::string text;
    for (size_t count = 1 + random() % 12; count > 0; --count) {
      text += kPieces[random() % std::size(kPieces)];
    }
    std::vector<Place> all;
    const auto collect = [&](std::vector<Place>& places, const std::set<std::string>& wanted) {
      analyzer.analyze(text, [&](const Token& token) {
        const std::string term(token.term);
        const bool is_kept = wanted.empty() || wanted.contains(term);
        if (is_kept) places.emplace_back(term, token.begin, token.end, token.kind);
        return true;
      });
    };
    collect(all, {});
    if (all.empty()) continue;
    std::set<std::string> wanted;
    for (int terms = 0; terms < 2; ++terms) wanted.insert(std::get<0>(all[random() % all.size()]));
    std::vector<Place> expected = all;
    std::erase_if(expected, [&](const Place& one) { return !wanted.contains(std::get<0>(one)); });
    const std::vector<std::string_view> terms(wanted.begin(), wanted.end());
    for (const auto others : {Analyzer::Others::kUnstemmed, Analyzer::Others::kMissing}) {
      std::vector<Place> found;
      analyzer.look_for(terms, others);
      collect(found, wanted);
      analyzer.look_for_all();
      ASSERT_EQ(found, expected) << text;
    }
  }
}

// Words of ASCII letters are cut by themselves; with a soft hyphen at the end, which is invisible,
// they go the way of all others.
TEST(Analysis, PlainWordsAreCutAsAllOthers) {
  constexpr std::string_view kPieces[] = {
      "a", "Be", "WORD", "Running", "HTTPCode", "don", "\u00e9", "++", "#",     ".",
      "'", "-",  "_",    "::",      "/",        " ",   " ",      ", ", "\u4e2d"};
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto ends = [](std::string_view rest) {
    return rest.empty() || std::string_view("+.'-_:/ ,").find(rest[0]) != std::string_view::npos;
  };
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t count = 1 + random() % 8; count > 0; --count) {
      text += kPieces[random() % std::size(kPieces)];
    }
    std::string hyphened;
    for (size_t at = 0; at < text.size(); ++at) {
      hyphened += text[at];
      const std::string_view rest = std::string_view(text).substr(at + 1);
      if (is_letter(text[at]) && ends(rest)) hyphened += "\u00ad";
    }
    ASSERT_EQ(terms_of(text), terms_of(hyphened)) << text;
    ASSERT_EQ(terms_of(text, "de"), terms_of(hyphened, "de")) << text;
  }
}

TEST(Analysis, TheVisitorCanStop) {
  Analyzer analyzer;
  int seen = 0;
  analyzer.analyze("one two three", [&](const Token&) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace holdfast::search
