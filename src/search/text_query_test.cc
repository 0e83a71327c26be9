#include "search/text_query.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/utf8.h"

namespace holdfast::search {
namespace {

// The query in words: terms, then +group and -group, "phrases" and prefixes*.
std::string shown(std::string_view text) {
  Analyzer analyzer;
  const TextQuery query = parse_query(analyzer, text);
  std::string out;
  const auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  for (const QueryTerm& term : query.terms) {
    if (term.weight > 0) add(term.term);
  }
  for (const auto& group : query.required) add("+" + query.terms[group.at(0)].term);
  for (const auto& group : query.excluded) add("-" + query.terms[group.at(0)].term);
  for (const Phrase& phrase : query.phrases) {
    std::string words;
    for (const auto& terms : phrase.words) words += (words.empty() ? "" : " ") + terms.at(0);
    add((phrase.is_excluded ? "-\"" : "\"") + words + "\"");
  }
  for (const Prefix& prefix : query.prefixes) {
    add((prefix.is_required ? "+" : prefix.is_excluded ? "-" : "") + prefix.text + "*");
  }
  return out;
}

TEST(TextQuery, WordsAreTerms) {
  EXPECT_EQ(shown("red green"), "red green");
  EXPECT_EQ(shown("  "), "");
}

TEST(TextQuery, OperatorsJoinAndExclude) {
  EXPECT_EQ(shown("red AND green"), "red green +red +green");
  EXPECT_EQ(shown("red OR green"), "red green");
  EXPECT_EQ(shown("red NOT green"), "red -green");
  EXPECT_EQ(shown("+red -green"), "red +red -green");
  EXPECT_EQ(shown("red -\"blue sky\""), "red -\"blue sky\"");
  EXPECT_EQ(shown("\"blue sky\""), "blue sky +blue +sky \"blue sky\"");
  EXPECT_EQ(shown("logi*"), "logi*");
  EXPECT_EQ(shown("+logi* AND -out*"), "+logi* -out*");
}

TEST(TextQuery, NotBehindAnotherOperatorExcludes) {
  EXPECT_EQ(shown("red AND NOT green"), shown("+red -green"));
  EXPECT_EQ(shown("red OR NOT green"), "red -green");
  EXPECT_EQ(shown("NOT green AND red"), shown("-green +red"));
  EXPECT_EQ(shown("red AND NOT \"blue sky\""), shown("+red -\"blue sky\""));
  EXPECT_EQ(shown("\"blue sky\" AND NOT red"), shown("\"blue sky\" -red"));
  EXPECT_EQ(shown("red AND NOT out*"), shown("+red -out*"));
  EXPECT_EQ(shown("red AND NOT -green AND blue"), shown("+red -green +blue"));
  EXPECT_EQ(shown("red AND NOT"), "red not +red +not");
}

TEST(TextQuery, WhatMakesNoSenseIsNoOperator) {
  EXPECT_EQ(shown("AND"), "and");
  EXPECT_EQ(shown("red AND"), "red and");
  EXPECT_EQ(shown("NOT"), "not");
  EXPECT_EQ(shown("OR red"), "or red");
  EXPECT_EQ(shown("red and green"), "red and green");
  EXPECT_EQ(shown("-red"), "red");
  EXPECT_EQ(shown("NOT red"), "red");
  EXPECT_EQ(shown("ls -la"), "ls la");
  EXPECT_EQ(shown("a - b"), "a b");
  EXPECT_EQ(shown("2 -1"), "2 1");
  EXPECT_EQ(shown("foo-bar"), "foo-bar foo bar");
  EXPECT_EQ(shown("red \"open"), "red open");
  EXPECT_EQ(shown("\"\" ( ) * +"), "");
  EXPECT_EQ(shown("**"), "");
}

// Of which terms there are related ones, apart by spaces.
std::string related(std::string_view text) {
  Analyzer analyzer;
  constexpr Language kEnglish[] = {Language::kEnglish};
  const TextQuery query = parse_query(analyzer, text, kEnglish, true);
  std::vector<std::string> of;
  for (const QueryTerm& term : query.terms) {
    if (!term.related_to) continue;
    EXPECT_EQ(term.weight, query.terms[*term.related_to].weight * kRelatedWeight);
    EXPECT_FALSE(query.terms[*term.related_to].related_to);
    const std::string& word = query.terms[*term.related_to].term;
    if (of.empty() || of.back() != word) of.push_back(word);
  }
  std::string out;
  for (const std::string& word : of) out += (out.empty() ? "" : " ") + word;
  return out;
}

TEST(TextQuery, QuestionsHaveRelatedWords) {
  EXPECT_EQ(related("Which instrument do I play?"), "instrument play");
  EXPECT_EQ(related("Where is my e-reader?"), "reader");
  EXPECT_EQ(related("the zzyzx"), "");
  EXPECT_EQ(shown("Which instrument do I play?"), "which instrument do i play") << "if asked for";
}

TEST(TextQuery, WordsAloneQuotedOrDecidedHaveNoRelatedOnes) {
  EXPECT_EQ(related("instrument"), "");
  EXPECT_EQ(related("instrument lesson"), "") << "no question";
  EXPECT_EQ(related("what of \"the instrument\""), "");
  EXPECT_EQ(related("which +instrument did I play"), "play");
  EXPECT_EQ(related("which music -instrument"), "music");
  EXPECT_EQ(related("what does get_dog_car.cc do"), "") << "no words but a name";
}

TEST(TextQuery, LongTextsHaveNoRelatedWords) {
  std::string text = "the";
  for (const char* word : {"dog", "car", "house", "boat", "table", "tree", "city", "river", "book",
                           "doctor", "garden", "kitchen"}) {
    text.append(" ").append(word);
  }
  EXPECT_NE(related(text), "");
  EXPECT_EQ(related(text + " street"), "");
}

TEST(TextQuery, WhatWasTypedIsNotRelated) {
  Analyzer analyzer;
  constexpr Language kEnglish[] = {Language::kEnglish};
  const TextQuery query = parse_query(analyzer, "is the dog a beagle", kEnglish, true);
  for (const QueryTerm& term : query.terms) {
    EXPECT_FALSE(term.term == "beagl" && term.related_to);
  }
  EXPECT_EQ(std::ranges::count(query.terms, "beagl", &QueryTerm::term), 1);
}

// Words of one term each.
std::string word(size_t number) {
  std::string word = "q";
  for (int i = 0; i < 3; ++i, number /= 26) word += static_cast<char>('a' + number % 26);
  return word + "qo";
}

// Words on both sides of one that is ignored do not stand side by side.
TEST(TextQuery, APhraseEndsWhereThereIsNoRoomForAWord) {
  Analyzer analyzer;
  std::string words = "of the config ";
  for (size_t i = 4; i < kQueryTermsMax; ++i) words += word(i) + " ";
  const auto phrases_of = [&](const std::string& text) {
    return parse_query(analyzer, words + text).phrases;
  };
  const auto required = phrases_of("\"of new release config\"");
  ASSERT_EQ(required.size(), 1u);
  EXPECT_EQ(required[0].words, (std::vector<std::vector<std::string>>{{"of"}, {"new"}}));
  EXPECT_TRUE(phrases_of("-\"of new release\"").empty());
  const TextQuery query = parse_query(analyzer, words + "-\"config new release\" -new/release");
  EXPECT_TRUE(query.excluded.empty());
}

TEST(TextQuery, WhatIsSaidAgainIsAskedOnce) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\"red sky\" wa* -no* +red \"red sky\" -blue/green ";
  EXPECT_EQ(shown(text), shown("\"red sky\" wa* -no* +red -blue/green"));
}

TEST(TextQuery, PhrasesPrefixesAndExclusionsAreLimited) {
  std::string text = "red ";
  for (size_t i = 0; i < 1000; ++i) {
    const std::string pair[] = {word(i % 40), word(50 + i / 40)};
    text.append("\"" + pair[0] + " " + pair[1] + "\" " + word(100 + i) + "* ");
    text.append("-" + pair[0] + "," + pair[1] + " ");
  }
  Analyzer analyzer;
  const TextQuery query = parse_query(analyzer, text);
  EXPECT_EQ(query.phrases.size(), kQueryPhrasesMax);
  EXPECT_EQ(query.prefixes.size(), kQueryPrefixesMax);
  EXPECT_EQ(query.excluded.size(), kQueryTermsMax);
  EXPECT_LE(query.required.size(), kQueryTermsMax);
}

TEST(TextQuery, AnyBytesAreAQuery) {
  uint32_t state = 7;
  const auto random = [&](uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  const std::string_view pieces[] = {"\"",    "-", "+", "*",  " AND ", " OR ",
                                     " NOT ", "(", ")", "ab", "cd_ef", "\xe7\x94\xa8",
                                     "\xff",  " ", "1"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (uint32_t i = random(12); i > 0; --i) text += pieces[random(std::size(pieces))];
    Analyzer analyzer;
    const TextQuery query = parse_query(analyzer, text);
    for (const auto* groups : {&query.required, &query.excluded}) {
      for (const auto& group : *groups) {
        ASSERT_FALSE(group.empty());
        for (const uint32_t term : group) ASSERT_LT(term, query.terms.size());
      }
    }
  }
}

}  // namespace
}  // namespace holdfast::search
