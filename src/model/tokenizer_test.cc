#include "model/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/test_model.h"

namespace holdfast::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TokenizerTest : public testing::Test {
 protected:
  TokenizerTest() : bytes_(*model_file(test_source())), model_(*Model::of(bytes_.view())) {}
  std::vector<uint16_t> pieces(std::string_view text) const {
    return Tokenizer(*model_).pieces(text);
  }

  AlignedBytes bytes_;
  std::unique_ptr<Model> model_;
};

TEST_F(TokenizerTest, TheMostProbableCutIsTaken) {
  EXPECT_THAT(pieces("the cat"), ElementsAre(3, 4));
  EXPECT_THAT(pieces("the cats"), ElementsAre(3, 4, 5));  // not space, "cats": -13 is less than -6
  EXPECT_THAT(pieces("thet"), ElementsAre(3, 6));
  EXPECT_THAT(pieces("tat"), ElementsAre(11, 13));
}

TEST_F(TokenizerTest, WhatIsUnknownIsOnePieceARun) {
  EXPECT_THAT(pieces("the xyz cat"), ElementsAre(3, 2, 0, 4));
  EXPECT_THAT(pieces("\u732b"), ElementsAre(2, 0));
  EXPECT_THAT(pieces("x\u732bt"), ElementsAre(2, 0, 6));
}

TEST_F(TokenizerTest, SpacesAreOneAndControlCharactersAreSpaces) {
  EXPECT_THAT(pieces("  the\t\n cat \r\n"), ElementsAre(3, 4));
  EXPECT_THAT(pieces("the\u00a0cat"), ElementsAre(3, 4));
  EXPECT_THAT(pieces("the\u2028cat"), ElementsAre(3, 4));
}

TEST_F(TokenizerTest, NothingHasNoPieces) {
  EXPECT_THAT(pieces(""), IsEmpty());
  EXPECT_THAT(pieces(" \n"), IsEmpty());
}

TEST_F(TokenizerTest, FormsOfACharacterAreOne) {
  EXPECT_THAT(pieces("\u00e9"), ElementsAre(2, 14));
  EXPECT_THAT(pieces("e\u0301"), ElementsAre(2, 14));
  EXPECT_EQ(Tokenizer::normalized("\ufb01ne \u00bd"), "\u2581fine\u25811\u20442");
  EXPECT_EQ(Tokenizer::normalized("\uff34\uff28\uff25"), "\u2581THE");
}

TEST_F(TokenizerTest, BytesThatAreNoTextHaveNoPieces) {
  EXPECT_THAT(pieces("the \xff cat"), IsEmpty());
  EXPECT_THAT(pieces("\xe2\x96"), IsEmpty());
}

}  // namespace
}  // namespace holdfast::model
