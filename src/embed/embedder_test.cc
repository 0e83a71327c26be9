#include "holdfast/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "holdfast/store.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

float dot(const Embedder::Values& a, const Embedder::Values& b) {
  float sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

class HashingEmbedderTest : public testing::Test {
 protected:
  float likeness(const std::string& a, const std::string& b) {
    const std::vector<std::string> texts = {a, b};
    const auto values = embedder_->embed(texts);
    EXPECT_TRUE(values) << values.status().to_string();
    return dot((*values)[0], (*values)[1]);
  }

  const std::unique_ptr<Embedder> embedder_ = hashing_embedder();
};

TEST_F(HashingEmbedderTest, EveryTextHasAVectorOfLengthOne) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "?!",
                                          "clock",
                                          std::string(100'000, 'a'),
                                          "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
                                          "a of the"};
  const auto values = embedder_->embed(texts);
  ASSERT_TRUE(values) << values.status().to_string();
  ASSERT_EQ(values->size(), texts.size());
  for (const auto& one : *values) {
    EXPECT_EQ(one.size(), *embedder_->dimension());
    EXPECT_NEAR(dot(one, one), 1, 1e-5);
  }
}

TEST_F(HashingEmbedderTest, TextsAreNearThatShareWordsOrPartsOfThem) {
  EXPECT_NEAR(likeness("the clock is wrong", "is the clock wrong"), 1, 1e-5);
  const float same_words = likeness("the clock is behind", "a clock that fell behind");
  const float same_parts = likeness("authentication of users", "authenticated user");
  const float nothing = likeness("the clock is behind", "nine green bottles");
  EXPECT_GT(same_words, 0.6);
  EXPECT_GT(same_parts, 0.4);
  EXPECT_LT(std::fabs(nothing), 0.15);
  EXPECT_GT(likeness("kubernetes", "kuberentes"), 0.1) << "a misspelled word";
}

// Stored vectors depend on it: whoever changes what comes out raises the model's version.
TEST_F(HashingEmbedderTest, TheSameTextHasTheSameVectorForEver) {
  const std::string text = "The login fails: clock_skew in src/log/file.cc";
  const auto values = embedder_->embed({&text, 1});
  ASSERT_TRUE(values);
  double sum = 0;
  for (size_t i = 0; i < (*values)[0].size(); ++i) {
    sum += static_cast<double>(i) * (*values)[0][i];
  }
  EXPECT_NEAR(sum, -657.859, 0.01);
}

// Gives texts of one word vectors that can be told apart, and refuses the word "poison".
class FakeEmbedder final : public Embedder {
 public:
  explicit FakeEmbedder(std::string model = "fake") : model_(std::move(model)) {}
  std::string_view model() const override { return model_; }
  std::string_view model_version() const override { return "1"; }
  Result<uint32_t> dimension() override { return 2; }
  double vector_weight() const override { return 0.5; }
  Result<std::vector<Values>> embed(std::span<const std::string> texts) override {
    std::vector<Values> all;
    for (const std::string& text : texts) {
      if (text == "poison") return Status(StatusCode::kInvalidArgument, "poison is refused");
      embedded_.push_back(text);
      if (on_embed_) on_embed_();
      HOLDFAST_TRY(answer_);
      all.push_back({1, static_cast<float>(text.size())});
    }
    return all;
  }
  // One part for each letter.
  Result<std::vector<WithParts>> embed_with_parts(std::span<const std::string> texts) override {
    HOLDFAST_ASSIGN(auto all, Embedder::embed_with_parts(texts));
    for (size_t i = 0; i < texts.size(); ++i) all[i].parts.assign(texts[i].size(), {1, 2, 3});
    return all;
  }

  std::vector<std::string> embedded_;
  std::function<void()> on_embed_;
  Status answer_ = Status::ok();

 private:
  const std::string model_;
};

class FillerTest : public testing::Test {
 protected:
  std::string add(const std::string& content) {
    const auto id = space_.observations().add({.content = content});
    EXPECT_TRUE(id) << id.status().to_string();
    return *id;
  }
  FillStep step(Filler& filler) {
    const auto step = filler.step();
    EXPECT_TRUE(step) << step.status().to_string();
    return *step;
  }
  std::optional<Embedding> embedding(const std::string& id) {
    return *space_.vectors().get(kMainVectorSpace, id);
  }

  Store store_ = *Store::memory();
  const Space space_ = *store_.space("filled");
  FakeEmbedder embedder_;
};

TEST_F(FillerTest, EmbedsWhatIsMissingOldestFirst) {
  for (const char* word : {"a", "bb", "ccc"}) add(word);
  Filler filler(space_, embedder_, {.batch = 2});
  ASSERT_TRUE(filler.begin());
  EXPECT_EQ(step(filler).embedded, 2);
  EXPECT_EQ(step(filler).embedded, 1);
  EXPECT_TRUE(step(filler).is_over);
  EXPECT_THAT(embedder_.embedded_, testing::ElementsAre("a", "bb", "ccc"));
  const std::string late = add("dddd");
  EXPECT_EQ(step(filler).embedded, 1);
  EXPECT_EQ(embedding(late)->values, (std::vector<float>{1, 4}));
  EXPECT_EQ(embedding(late)->model, "fake");
  EXPECT_EQ(embedding(late)->parts.size(), 4);
}

TEST_F(FillerTest, LeavesOthersWhatTheyHaveAtHand) {
  const std::string first = add("a");
  const std::string second = add("bb");
  FakeEmbedder other_embedder;
  Filler other(space_, other_embedder, {.batch = 1});
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  other_embedder.on_embed_ = [&] {
    EXPECT_EQ(step(filler).embedded, 1);
    EXPECT_TRUE(step(filler).is_over);
  };
  EXPECT_EQ(step(other).embedded, 1);
  EXPECT_THAT(other_embedder.embedded_, testing::ElementsAre("a"));
  EXPECT_THAT(embedder_.embedded_, testing::ElementsAre("bb"));
  EXPECT_TRUE(embedding(first) && embedding(second));
  EXPECT_TRUE(space_.claims().list()->empty());
}

TEST_F(FillerTest, AClaimThatCannotBeGivenBackDoesNotHideWhatTheEmbedderSaid) {
  add("a");
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  embedder_.answer_ = Status(StatusCode::kPermissionDenied, "the key is refused");
  embedder_.on_embed_ = [&] { ASSERT_TRUE(store_.close()); };
  const Status said = filler.step().status();
  EXPECT_EQ(said.code(), StatusCode::kPermissionDenied) << said.to_string();
}

TEST_F(FillerTest, DoesNotGiveAnEditedTextTheVectorOfTheOldOne) {
  const std::string id = add("a");
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  embedder_.on_embed_ = [&] {
    embedder_.on_embed_ = nullptr;
    ASSERT_TRUE(space_.observations().edit(id, {.content = "longer"}));
  };
  EXPECT_EQ(step(filler).embedded, 0);
  EXPECT_FALSE(embedding(id));
  filler.begin_again();
  EXPECT_EQ(step(filler).embedded, 1);
  EXPECT_EQ(embedding(id)->values[1], 6);
}

TEST_F(FillerTest, OneTextThatIsRefusedKeepsNoOtherFromItsVector) {
  const std::string before = add("a");
  const std::string poison = add("poison");
  const std::string after = add("bb");
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  const FillStep done = step(filler);
  EXPECT_EQ(done.embedded, 2);
  EXPECT_EQ(done.refused, 1);
  EXPECT_THAT(done.refusal.to_string(), HasSubstr("poison is refused"));
  EXPECT_TRUE(step(filler).is_over);
  EXPECT_TRUE(embedding(before) && embedding(after));
  EXPECT_FALSE(embedding(poison));
}

TEST_F(FillerTest, AnotherModelReplacesTheFirstInOneCommit) {
  const std::string id = add("a");
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  EXPECT_EQ(step(filler).embedded, 1);
  FakeEmbedder better("better");
  EXPECT_EQ(Filler(space_, better).begin().code(), StatusCode::kConditionFalse);
  Filler replacing(space_, better, {.replaces = true});
  ASSERT_TRUE(replacing.begin());
  EXPECT_FALSE(*replacing.finish()) << "nothing has been embedded yet";
  EXPECT_EQ(step(replacing).embedded, 1);
  EXPECT_EQ(embedding(id)->model, "fake");
  EXPECT_TRUE(*replacing.finish());
  EXPECT_EQ(embedding(id)->model, "better");
  EXPECT_FALSE(*replacing.finish());
}

TEST_F(FillerTest, TheSameModelReplacesItsOwnOnlyIfAsked) {
  const std::string id = add("a");
  ASSERT_TRUE(space_.vectors().define(kMainVectorSpace,
                                      {.dimension = 2, .model = "fake", .model_version = "1"}));
  ASSERT_TRUE(space_.vectors().put(kMainVectorSpace, id, {"fake", "1", {7, 7}}));
  Filler same(space_, embedder_, {.replaces = true});
  ASSERT_TRUE(same.begin());
  EXPECT_TRUE(step(same).is_over);
  EXPECT_FALSE(*same.finish());
  Filler anew(space_, embedder_, {.anew = true});
  ASSERT_TRUE(anew.begin());
  EXPECT_EQ(step(anew).embedded, 1);
  EXPECT_EQ(embedding(id)->values, (std::vector<float>{7, 7})) << "until all are there";
  EXPECT_TRUE(*anew.finish());
  EXPECT_EQ(embedding(id)->values, (std::vector<float>{1, 1}));
  EXPECT_EQ(embedding(id)->parts.size(), 1);
}

TEST_F(FillerTest, WaitsForWhatIsAddedAndForWhatIsChanged) {
  const std::string old = add("a");
  Filler filler(space_, embedder_);
  ASSERT_TRUE(filler.begin());
  const auto wait = [&] { return filler.wait(store_, std::chrono::seconds(20)); };
  ASSERT_TRUE(wait()) << "the first time at once";
  EXPECT_EQ(step(filler).embedded, 1);
  EXPECT_TRUE(step(filler).is_over);
  add("bb");
  ASSERT_TRUE(wait());
  EXPECT_EQ(step(filler).embedded, 1);
  ASSERT_TRUE(space_.observations().edit(old, {.content = "ccc"}));
  ASSERT_TRUE(wait());
  EXPECT_EQ(step(filler).embedded, 1);
  EXPECT_EQ(embedding(old)->values[1], 3);
}

TEST(EmbedderOf, GivesTheBuiltInOneOrTheEndpoint) {
  VectorSpaceOptions space;
  space.model = kHashingModel;
  space.model_version = "1";
  EXPECT_EQ((*embedder_of(space, {}))->model(), kHashingModel);
  space.model_version = "of another program";
  EXPECT_EQ(*embedder_of(space, {.url = "http://localhost:1"}), nullptr);
  space.model = "some";
  EXPECT_EQ(*embedder_of(space, {}), nullptr);
  EXPECT_EQ((*embedder_of(space, {.url = "http://localhost:1"}))->model(), "some");
}

TEST(EmbedQuery, AVectorOfTheTextJoinsTheQuery) {
  Store store = *Store::memory();
  const Space space = *store.space("asked");
  ASSERT_TRUE(space.observations().add({.content = "authentication of users"}));
  ASSERT_TRUE(space.observations().add({.content = "nine green bottles"}));
  const auto embedder = hashing_embedder();
  Filler filler(space, *embedder);
  ASSERT_TRUE(filler.begin());
  ASSERT_TRUE(filler.step());
  RecallQuery query;
  query.text = "authenticates";
  ASSERT_TRUE(embed_query(*embedder, query));
  const auto hits = space.recall(query);
  ASSERT_TRUE(hits) << hits.status().to_string();
  ASSERT_EQ(hits->size(), 2);
  EXPECT_EQ(hits->front().observation.content, "authentication of users");
}

}  // namespace
}  // namespace holdfast
