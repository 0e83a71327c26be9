#include "search/thesaurus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "search/analysis.h"

namespace holdfast::search {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

std::string term_of(std::string_view word) {
  std::string term;
  Analyzer().analyze(word, [&](const Token& token) {
    term = token.term;
    return true;
  });
  return term;
}

TEST(Thesaurus, SynonymsKindsAndDerivedWordsAreRelated) {
  EXPECT_THAT(related_stems(term_of("car")), Contains(term_of("automobile")));
  EXPECT_THAT(related_stems(term_of("car")), Contains(term_of("limousines")));
  EXPECT_THAT(related_stems(term_of("dogs")), Contains(term_of("beagle")));
  EXPECT_THAT(related_stems(term_of("relocate")), Contains(term_of("moved")));
  EXPECT_THAT(related_stems(term_of("allergy")), Contains(term_of("allergic")));
}

TEST(Thesaurus, WhatAWordIsAKindOfIsNot) {
  EXPECT_THAT(related_stems(term_of("beagle")), Not(Contains(term_of("dog"))));
}

TEST(Thesaurus, SinglePersonsAreNotRelatedToWhatTheyWere) {
  EXPECT_THAT(related_stems(term_of("physician")), Not(Contains(term_of("Paracelsus"))));
}

TEST(Thesaurus, UnknownWordsAreRelatedToNothing) {
  for (const char* word : {"", "\x01", "\xff\xff", "holdfastic", "zzzzzz"}) {
    EXPECT_THAT(related_stems(word), IsEmpty()) << word;
  }
}

TEST(Thesaurus, ListsAreOfOtherWordsAscendingAndBounded) {
  for (const char* word : {"car", "dog", "get", "instrument", "person", "play", "house"}) {
    const auto related = related_stems(term_of(word));
    EXPECT_FALSE(related.empty()) << word;
    EXPECT_LE(related.size(), 128u) << word;
    EXPECT_TRUE(std::ranges::is_sorted(related)) << word;
    EXPECT_THAT(related, Not(Contains(term_of(word)))) << word;
  }
}

}  // namespace
}  // namespace holdfast::search
