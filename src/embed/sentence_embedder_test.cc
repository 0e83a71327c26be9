#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/embedder.h"
#include "model/test_model.h"
#include "os/os.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

// A model of numbers drawn at random, under the name of the real one.
class SentenceEmbedderTest : public testing::Test {
 protected:
  SentenceEmbedderTest() {
    model::Source source = model::test_source();
    source.name = kSentenceModel;
    source.version = "7";
    const auto bytes = model::model_file(source);
    EXPECT_TRUE(bytes) << bytes.status().to_string();
    write(*bytes);
  }

  void write(std::string_view bytes) {
    const auto file = os::posix_os().open(path_, os::OpenMode::kCreate);
    ASSERT_TRUE(file) << file.status().to_string();
    ASSERT_TRUE((*file)->truncate(0));
    ASSERT_TRUE((*file)->write_at(0, bytes));
  }
  static double product(const Embedder::Values& a, const Embedder::Values& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  }
  static std::vector<Embedder::Values> vectors(Embedder& embedder,
                                               const std::vector<std::string>& texts) {
    auto values = embedder.embed(texts);
    EXPECT_TRUE(values) << values.status().to_string();
    return *values;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("model");
};

TEST_F(SentenceEmbedderTest, NamesTheModelThatIsInTheFile) {
  const auto alone = sentence_embedder(path_, SentenceVectors::kAlone);
  ASSERT_TRUE(alone) << alone.status().to_string();
  EXPECT_EQ((*alone)->model(), kSentenceModel);
  EXPECT_EQ((*alone)->model_version(), "7");
  EXPECT_EQ(*(*alone)->dimension(), model::kTestShape.hidden);
  const auto joined = sentence_embedder(path_, SentenceVectors::kJoined);
  ASSERT_TRUE(joined);
  EXPECT_EQ((*joined)->model(), kJoinedModel);
  EXPECT_EQ((*joined)->model_version(), "1+7");
  EXPECT_EQ(*(*joined)->dimension(), 768 + model::kTestShape.hidden);
}

TEST_F(SentenceEmbedderTest, PartsAreWhatItsSentencesMean) {
  const auto alone = sentence_embedder(path_, SentenceVectors::kAlone);
  const auto joined = sentence_embedder(path_, SentenceVectors::kJoined);
  ASSERT_TRUE(alone && joined);
  const std::vector<std::string> texts = {"the cats are on mats. the mats are of cats.", "", "cat"};
  const auto all = (*joined)->embed_with_parts(texts);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3);
  EXPECT_EQ((*all)[0].parts, vectors(**alone, {"the cats are on mats.", "the mats are of cats."}));
  EXPECT_TRUE((*all)[1].parts.empty());
  EXPECT_EQ((*all)[2].parts, vectors(**alone, {"cat"}));
  const auto wholes = vectors(**joined, texts);
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ((*all)[i].values, wholes[i]);
  const auto asked = (*joined)->embed_question("the cats");
  EXPECT_EQ(asked->part, vectors(**alone, {"the cats"})[0]);
  EXPECT_EQ(asked->values, vectors(**joined, {"the cats"})[0]);
  EXPECT_TRUE((*hashing_embedder()->embed_with_parts(texts))[0].parts.empty());
  EXPECT_TRUE(hashing_embedder()->embed_question("the cats")->part.empty());
}

TEST_F(SentenceEmbedderTest, EveryTextHasAVectorOfLengthOne) {
  const std::vector<std::string> texts = {
      "the cats", "", " \n", "\u65e5\u672c", std::string(100'000, 't'), "the \xff cat"};
  for (const SentenceVectors kind : {SentenceVectors::kAlone, SentenceVectors::kJoined}) {
    const auto embedder = sentence_embedder(path_, kind);
    ASSERT_TRUE(embedder);
    const auto values = vectors(**embedder, texts);
    ASSERT_EQ(values.size(), texts.size());
    for (const auto& one : values) {
      EXPECT_EQ(one.size(), *(*embedder)->dimension());
      EXPECT_NEAR(product(one, one), 1, 1e-5);
    }
  }
}

TEST_F(SentenceEmbedderTest, HalfOfAJoinedSimilarityIsThatOfTheWords) {
  const std::vector<std::string> texts = {"the cats", "that cat"};
  const auto similarity = [&](Embedder& embedder) {
    const auto values = vectors(embedder, texts);
    return product(values[0], values[1]);
  };
  const auto alone = sentence_embedder(path_, SentenceVectors::kAlone);
  const auto joined = sentence_embedder(path_, SentenceVectors::kJoined);
  ASSERT_TRUE(alone && joined);
  EXPECT_NEAR(similarity(**joined), (similarity(*hashing_embedder()) + similarity(**alone)) / 2,
              1e-5);
}

TEST_F(SentenceEmbedderTest, IsFoundByItsNameAndVersionOnly) {
  const auto found = [&](std::string_view model, const std::string& version,
                         const std::string& file) {
    VectorSpaceOptions space;
    space.model = model;
    space.model_version = version;
    // An endpoint is not asked for what is built in.
    HttpEmbedderOptions endpoint;
    endpoint.url = "http://localhost:1";
    const auto embedder = embedder_of(space, endpoint, file);
    EXPECT_TRUE(embedder) << embedder.status().to_string();
    return *embedder ? std::string((*embedder)->model()) : "";
  };
  EXPECT_EQ(found(kSentenceModel, "7", path_), kSentenceModel);
  EXPECT_EQ(found(kJoinedModel, "1+7", path_), kJoinedModel);
  EXPECT_EQ(found(kSentenceModel, "8", path_), "");
  EXPECT_EQ(found(kJoinedModel, "7", path_), "");
  EXPECT_EQ(found(kSentenceModel, "7", ""), "");
  EXPECT_EQ(found(kHashingModel, "1", path_), kHashingModel);
  EXPECT_EQ(found(kHashingModel, "2", path_), "");
}

TEST_F(SentenceEmbedderTest, WhatIsWrongWithTheFileIsSaid) {
  EXPECT_EQ(sentence_embedder(path_ + "-none", SentenceVectors::kAlone).status().code(),
            StatusCode::kNotFound);
  write("no model at all");
  const Status status = sentence_embedder(path_, SentenceVectors::kAlone).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.path(), path_);
  EXPECT_THAT(std::string(status.message()), HasSubstr("install the model anew"));
}

}  // namespace
}  // namespace holdfast
