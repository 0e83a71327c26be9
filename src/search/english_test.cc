#include "search/english.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/text_query.h"

namespace holdfast::search {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

double weight_in(std::string_view text, std::string_view term) {
  Analyzer analyzer;
  for (const QueryTerm& one : parse_query(analyzer, text).terms) {
    if (one.term == term) return one.weight;
  }
  return -1;
}

TEST(English, FormsThatFollowNoRuleAreKnown) {
  EXPECT_THAT(other_forms("bought"), ElementsAre("buy"));
  EXPECT_THAT(other_forms("take"), ElementsAre("took", "taken"));
  EXPECT_THAT(other_forms("mice"), ElementsAre("mouse"));
  EXPECT_THAT(other_forms("clock"), IsEmpty());
}

TEST(English, AQuestionFindsWhatItsVerbBecomes) {
  EXPECT_EQ(weight_in("which car did I buy", "bought"), 0.8);
  EXPECT_EQ(weight_in("buying a car", "bought"), 0.8);
  EXPECT_EQ(weight_in("bought", "buy"), 0.8);
  EXPECT_EQ(weight_in("bought", "bought"), 1);
  EXPECT_EQ(weight_in("buy what I bought", "bought"), 1);
  EXPECT_EQ(weight_in("car -buy", "bought"), -1);
}

TEST(English, FunctionWordsCountHalfBesideOthers) {
  EXPECT_EQ(weight_in("what is the name of my dog", "what"), 0.5);
  EXPECT_EQ(weight_in("what is the name of my dog", "dog"), 1);
  EXPECT_EQ(weight_in("how many weddings", "mani"), 0.5);
  EXPECT_EQ(weight_in("to be or not to be", "to"), 0.5);
  EXPECT_EQ(weight_in("what is it", "it"), 1) << "there is nothing else";
  EXPECT_EQ(weight_in("+with clock", "with"), 1);
  EXPECT_EQ(weight_in("\"with\" clock", "with"), 1);
}

TEST(English, FunctionWordsAreNotMisspelt) {
  Analyzer analyzer;
  for (const QueryTerm& term : parse_query(analyzer, "shall those clocks").terms) {
    EXPECT_EQ(term.may_be_misspelt, term.term == "clock") << term.term;
  }
}

TEST(English, OtherLanguagesHaveTheirOwnWords) {
  Analyzer analyzer;
  const Language german[] = {*find_language("de")};
  const TextQuery query = parse_query(analyzer, "was man in dem Haus will", german);
  for (const QueryTerm& term : query.terms) EXPECT_EQ(term.weight, 1) << term.term;
}

}  // namespace
}  // namespace holdfast::search
