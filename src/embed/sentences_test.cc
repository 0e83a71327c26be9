#include "embed/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::embed {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kMany = 100;

TEST(Sentences, EndWithAMarkBeforeSpaceAndWithAnEmptyLine) {
  EXPECT_THAT(sentences_of("I work at night. Do you know why? It pays well enough!\n", kMany),
              ElementsAre("I work at night.", "Do you know why?", "It pays well enough!"));
  EXPECT_THAT(sentences_of("about the kitchen clock\n\nit is late again\nby an hour", kMany),
              ElementsAre("about the kitchen clock", "it is late again\nby an hour"));
  EXPECT_THAT(sentences_of("open config.json in version 1.2.3 at once", kMany),
              ElementsAre("open config.json in version 1.2.3 at once"));
}

TEST(Sentences, ThoseOfFewWordsBelongToTheOneBefore) {
  EXPECT_THAT(sentences_of("The clock is late. Why? I do not know that.", kMany),
              ElementsAre("The clock is late. Why?", "I do not know that."));
  EXPECT_THAT(sentences_of("Yes. The clock is late.", kMany),
              ElementsAre("Yes.", "The clock is late."));
  EXPECT_THAT(sentences_of("clock", kMany), ElementsAre("clock"));
}

TEST(Sentences, TheLastHasAllThatIsBehindIt) {
  EXPECT_THAT(sentences_of("One is one alone. Two is two alone. Three are three alone.", 2),
              ElementsAre("One is one alone.", "Two is two alone. Three are three alone."));
}

TEST(Sentences, OfWhiteSpaceThereIsNone) {
  EXPECT_THAT(sentences_of("", kMany), IsEmpty());
  EXPECT_THAT(sentences_of(" \n\n\t ", kMany), IsEmpty());
  EXPECT_THAT(sentences_of("...", kMany), ElementsAre("..."));
}

}  // namespace
}  // namespace holdfast::embed
