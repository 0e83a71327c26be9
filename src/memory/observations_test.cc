#include <gtest/gtest.h>

#include "holdfast/observation.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

class ObservationsTest : public testing::Test {
 protected:
  Observations observations(const SpaceSegments& segments = {"a"}) {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  std::string add(const NewObservation& observation) {
    auto id = observations().add(observation);
    EXPECT_TRUE(id) << id.status().to_string();
    return *id;
  }
  std::string contents(const ObservationListOptions& options) {
    auto list = observations().list(options);
    EXPECT_TRUE(list) << list.status().to_string();
    std::string joined;
    for (const Observation& o : *list) joined += o.content + " ";
    return joined;
  }
  // How many keys or values hold the bytes of the id.
  size_t traces_of(const std::string& id_text) {
    const std::string id(Uuid::parse(id_text)->view());
    std::string inverted = id;
    for (char& c : inverted) c = static_cast<char>(~c);
    size_t traces = 0;
    for (const auto& [key, value] : keys_.entries) {
      const bool found = key.find(id) != std::string::npos ||
                         key.find(inverted) != std::string::npos ||
                         value.find(id) != std::string::npos;
      traces += found ? 1 : 0;
    }
    return traces;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(ObservationsTest, WhatIsAddedIsGot) {
  NewObservation o;
  o.content = "text";
  o.metadata = "{ }";
  o.embedding = Embedding{"m", "1", {1, 2, 3}};
  const std::string id = add(o);
  const auto got = observations().get(id);
  ASSERT_TRUE(got) << got.status().to_string();
  EXPECT_EQ(got->id, id);
  EXPECT_EQ(got->content, "text");
  EXPECT_EQ(got->metadata, "{ }");
  EXPECT_EQ(got->title, std::nullopt);
  EXPECT_EQ(got->created_us, clock_.now_us);
  ASSERT_TRUE(got->embedding);
  EXPECT_EQ(got->embedding->values, (std::vector<float>{1, 2, 3}));
}

TEST_F(ObservationsTest, LongContentComesBack) {
  std::string text(kContentSizeMax, 'x');
  text[5] = ' ';
  const std::string id = add({.content = text});
  EXPECT_EQ(observations().get(id)->content, text);
  EXPECT_EQ(observations().list()->at(0).content, text);
  ASSERT_TRUE(observations().remove(id));
  EXPECT_EQ(traces_of(id), 0u);
}

TEST_F(ObservationsTest, TheSameKeyIsAddedOnce) {
  const std::string id = add({.content = "one", .key = "k"});
  const int writes = keys_.writes;
  EXPECT_EQ(add({.content = "other", .key = "k"}), id);
  EXPECT_EQ(keys_.writes, writes);
  EXPECT_EQ(observations().get(id)->content, "one");
  EXPECT_NE(observations({"b"}).add({.content = "one", .key = "k"}).status().code(),
            StatusCode::kConflict);
  EXPECT_NE(*observations({"b"}).add({.content = "one", .key = "k"}), id);
}

TEST_F(ObservationsTest, ABatchReportsWhatExisted) {
  const std::string id = add({.content = "one", .key = "1"});
  const NewObservation batch[] = {{.content = "two", .key = "2"},
                                  {.content = "one", .key = "1"},
                                  {.content = "two again", .key = "2"},
                                  {.content = "no key"}};
  const auto added = observations().add_all(batch);
  ASSERT_TRUE(added) << added.status().to_string();
  ASSERT_EQ(added->size(), 4u);
  EXPECT_FALSE(added->at(0).existed);
  EXPECT_TRUE(added->at(1).existed);
  EXPECT_EQ(added->at(1).id, id);
  EXPECT_TRUE(added->at(2).existed);
  EXPECT_EQ(added->at(2).id, added->at(0).id);
  EXPECT_FALSE(added->at(3).existed);
  EXPECT_EQ(*observations().count(), 3u);
}

TEST_F(ObservationsTest, ABatchWithOneBadObservationWritesNothing) {
  const NewObservation batch[] = {{.content = "good"}, {.content = "bad \xff"}};
  const auto added = observations().add_all(batch);
  EXPECT_EQ(added.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(added.status().offset(), 4u);
  EXPECT_TRUE(keys_.entries.empty());
}

TEST_F(ObservationsTest, RemovingLeavesNoTrace) {
  add({.content = "stays", .embedding = Embedding{"m", "1", {3, 4}}});
  const auto before = keys_.entries;
  NewObservation o;
  o.content = "goes away";
  o.title = "title";
  o.tags = {"tag"};
  o.key = "k";
  o.embedding = Embedding{"m", "1", {1, 2}};
  const std::string id = add(o);
  EXPECT_GT(traces_of(id), 3u);
  ASSERT_TRUE(observations().remove(id));
  EXPECT_EQ(traces_of(id), 0u);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(observations().remove(id).code(), StatusCode::kNotFound);
  EXPECT_EQ(observations().get(id).status().code(), StatusCode::kNotFound);
  EXPECT_NE(add(o), id);
}

TEST_F(ObservationsTest, AUniquePrefixNamesOne) {
  const std::string first = add({.content = "first"});
  clock_.now_us += 3'600'000'000;
  const std::string second = add({.content = "second"});
  const std::string third = add({.content = "third"});
  EXPECT_EQ(observations().get(first.substr(0, 8))->content, "first");
  EXPECT_EQ(observations().get(first.substr(0, 11))->content, "first");
  std::string shouted = first;
  for (char& c : shouted) c = static_cast<char>(toupper(c));
  EXPECT_EQ(observations().get(shouted)->content, "first");

  const auto ambiguous = observations().get(second.substr(0, 13));
  EXPECT_EQ(ambiguous.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(ambiguous.status().message().find(second), std::string::npos);
  EXPECT_NE(ambiguous.status().message().find(third), std::string::npos);
  EXPECT_EQ(
      observations().get(second.substr(0, 35)).status().code(),
      second.substr(0, 35) == third.substr(0, 35) ? StatusCode::kInvalidArgument : StatusCode::kOk);
}

TEST_F(ObservationsTest, BadIdsAreRefused) {
  add({.content = "x"});
  for (const char* id : {"", "0123456", "0123-456", "zzzzzzzz", "../../etc",
                         "01234567-0123-0123-0123-0123456789abc"}) {
    EXPECT_EQ(observations().get(id).status().code(), StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(observations().remove(id).code(), StatusCode::kInvalidArgument) << id;
  }
  EXPECT_EQ(observations().get("ffffffff").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(observations({"none"}).get("ffffffff").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(observations().get("ffffffff-ffff-ffff-ffff-ffffffffffff").status().code(),
            StatusCode::kNotFound);
}

TEST_F(ObservationsTest, IdsOfOneSpaceMeanNothingInAnother) {
  const std::string id = add({.content = "mine"});
  clock_.now_us += 1000;
  ASSERT_TRUE(observations({"b"}).add({.content = "other"}));
  EXPECT_EQ(observations({"b"}).get(id).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(observations({"b"}).get(id.substr(0, 30)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(observations({"b"}).remove(id).code(), StatusCode::kNotFound);
  EXPECT_TRUE(observations().get(id));
}

TEST_F(ObservationsTest, ListsInBothOrders) {
  for (const char* text : {"1", "2", "3", "4", "5"}) {
    add({.content = text, .kind = text[0] % 2 == 0 ? "even" : "odd"});
    clock_.now_us += 500;  // two in a millisecond
  }
  EXPECT_EQ(contents({}), "5 4 3 2 1 ");
  EXPECT_EQ(contents({.newest_first = false}), "1 2 3 4 5 ");
  EXPECT_EQ(contents({.limit = 2}), "5 4 ");
  EXPECT_EQ(contents({.limit = 2, .newest_first = false}), "1 2 ");
  EXPECT_EQ(contents({.kind = "odd"}), "5 3 1 ");
  EXPECT_EQ(contents({.limit = 2, .newest_first = false, .kind = "even"}), "2 4 ");
  EXPECT_EQ(contents({.kind = "absent"}), "");
}

TEST_F(ObservationsTest, ListsASpanOfTime) {
  const int64_t start = clock_.now_us;
  for (const char* text : {"0", "1", "2", "3", "4", "5"}) {
    add({.content = text});
    clock_.now_us += 400;
  }
  for (const bool newest_first : {true, false}) {
    const auto in = [&](std::optional<int64_t> since, std::optional<int64_t> until) {
      return contents({.newest_first = newest_first, .since_us = since, .until_us = until});
    };
    EXPECT_EQ(in(start + 400, start + 1600), newest_first ? "3 2 1 " : "1 2 3 ");
    EXPECT_EQ(in(start + 2000, std::nullopt), "5 ");
    EXPECT_EQ(in(std::nullopt, start + 1), "0 ");
    EXPECT_EQ(in(start + 1, start + 1), "");
    EXPECT_EQ(in(start + 1600, start + 400), "");
    EXPECT_EQ(in(-5, std::nullopt).size(), 12u);
    EXPECT_EQ(in(INT64_MAX, std::nullopt), "");
    EXPECT_EQ(in(std::nullopt, INT64_MIN), "");
    EXPECT_EQ(in(INT64_MIN, INT64_MAX).size(), 12u);
  }
}

TEST_F(ObservationsTest, PagesFollowEachOther) {
  for (int i = 0; i < 10; ++i) add({.content = std::to_string(i)});
  for (const bool newest_first : {true, false}) {
    std::string all;
    std::string after;
    for (;;) {
      const auto page =
          observations().list({.limit = 3, .newest_first = newest_first, .after = after});
      ASSERT_TRUE(page);
      if (page->empty()) break;
      for (const Observation& o : *page) all += o.content;
      after = page->back().id;
    }
    EXPECT_EQ(all, newest_first ? "9876543210" : "0123456789");
  }
}

TEST_F(ObservationsTest, BadListOptionsAreRefused) {
  EXPECT_EQ(observations().list({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(observations().list({.limit = kObservationListLimitMax + 1}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(observations().list({.after = "x"}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::memory
