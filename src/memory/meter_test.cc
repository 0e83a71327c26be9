#include "memory/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "holdfast/kv.h"
#include "memory/catalog.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using testing::HasSubstr;

class MeterTest : public testing::Test {
 protected:
  std::shared_ptr<Access> access() {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"});
  }
  Observations observations() { return Observations(access()); }
  Kv kv() { return Kv(access()); }
  uint32_t space() { return *ensure_space(keys_, {"a"}); }
  void set(const SpaceLimits& limits) {
    ASSERT_TRUE(write_limits(keys_, space(), limits));
    ASSERT_TRUE(recount(keys_, space(), limits));
  }
  std::vector<uint64_t> figures() {
    std::vector<uint64_t> all;
    for (const Figure one :
         {Figure::kObservations, Figure::kObservationBytes, Figure::kValues, Figure::kValueBytes}) {
      all.push_back(*read_figure(keys_, space(), one));
    }
    return all;
  }
  // As if nobody had counted so far.
  std::vector<uint64_t> counted_anew() {
    const search::MapKeyspace before = keys_;
    EXPECT_TRUE(recount(keys_, space(), {.values = 1}));
    auto counted = figures();
    keys_ = before;
    return counted;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(MeterTest, WhatWouldGoBeyondALimitIsRefusedAndChangesNothing) {
  const auto first = observations().add({.content = "0123456789"});
  set({.observations = 2, .observation_bytes = 25});
  ASSERT_TRUE(observations().add({.content = "0123456789", .title = "12345"}));
  const auto before = keys_.entries;
  const auto third = observations().add({.content = "x"});
  EXPECT_EQ(third.status().code(), StatusCode::kNoSpace);
  EXPECT_THAT(third.status().to_string(),
              HasSubstr("may hold 2 observations, has 2, and 1 would be added"));
  EXPECT_EQ(observations().edit(*first, {.metadata = "{}"}).status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(observations().supersede(*first, {.content = "x"}).status().code(),
            StatusCode::kNoSpace);
  EXPECT_EQ(keys_.entries, before);
  ASSERT_TRUE(observations().edit(*first, {.content = "012345678"})) << "less is always possible";
  ASSERT_TRUE(observations().forget(*first));
  EXPECT_FALSE(observations().add({.content = "x"})) << "what is forgotten counts";
  ASSERT_TRUE(observations().remove(*first));
  EXPECT_TRUE(observations().add({.content = "x"}));
}

TEST_F(MeterTest, WhatIsThereAlreadyNeedsNoRoom) {
  ASSERT_TRUE(observations().add({.content = "text", .key = "k"}));
  set({.observations = 1});
  EXPECT_TRUE(observations().add({.content = "text", .key = "k"}));
  const NewObservation same = {.content = "text"};
  const auto merged =
      observations().add_all(std::span(&same, 1), {.duplicates = {.action = OnDuplicate::merge}});
  ASSERT_TRUE(merged) << merged.status().to_string();
  EXPECT_TRUE(merged->front().is_duplicate);
}

TEST_F(MeterTest, ValuesAreLimitedInNumberAndBytes) {
  ASSERT_TRUE(kv().put("a", "12345"));
  set({.values = 2, .value_bytes = 10});
  ASSERT_TRUE(kv().put("b", "12345"));
  const auto before = keys_.entries;
  EXPECT_EQ(kv().put("c", "").code(), StatusCode::kNoSpace);
  EXPECT_EQ(kv().put("a", "123456").code(), StatusCode::kNoSpace);
  EXPECT_EQ(kv().merge_json("c", "{}").code(), StatusCode::kNoSpace);
  EXPECT_EQ(kv().apply({{"a", std::nullopt}, {"c", "1"}, {"d", "2"}}).code(), StatusCode::kNoSpace);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_TRUE(kv().apply({{"a", std::nullopt}, {"c", "1"}, {"c", "22222"}}))
      << "what is left in the end counts";
  EXPECT_EQ(figures(), (std::vector<uint64_t>{0, 0, 2, 10}));
}

TEST_F(MeterTest, WithoutALimitOfValuesAPutReadsNothingMore) {
  ASSERT_TRUE(kv().put("a", "1"));
  EXPECT_EQ(figures(), (std::vector<uint64_t>{0, 0, 0, 0}));
  set({.values = 5});
  EXPECT_EQ(figures(), (std::vector<uint64_t>{0, 0, 1, 1}));
  set({});
  EXPECT_EQ(figures(), (std::vector<uint64_t>{0, 0, 0, 0}));
}

TEST_F(MeterTest, FiguresAreWhatCountingGives) {
  set({.observations = 40, .observation_bytes = 900, .values = 6, .value_bytes = 60});
  std::minstd_rand engine(3);
  const auto random = [&](uint32_t bound) { return static_cast<uint32_t>(engine() % bound); };
  const auto text = [&] { return std::string(1 + random(40), 'x'); };
  std::vector<std::string> ids;
  size_t refused = 0;
  for (int step = 0; step < 600; ++step) {
    const std::string key(1, static_cast<char>('a' + random(9)));
    const std::string id =
        ids.empty() ? "0123456789" : ids[random(static_cast<uint32_t>(ids.size()))];
    Status status;
    switch (random(10)) {
      case 0:
      case 1:
      case 2: {
        const auto added = observations().add({.content = text(), .title = text()});
        status = added.status();
        if (added) ids.push_back(*added);
        break;
      }
      case 3:
        status = observations().edit(id, {.content = text()}).status();
        break;
      case 4:
        status = observations().remove(id);
        break;
      case 5:
        status = random(2) == 0 ? observations().forget(id) : observations().restore(id);
        break;
      case 6:
        status = kv().put(key, text(), {.ttl = std::chrono::milliseconds(random(2) * 5)});
        break;
      case 7:
        status = kv().del(key);
        break;
      case 8:
        status = kv().apply({{key, text()}, {"b", std::nullopt}, {key, text()}});
        break;
      default:
        clock_.now_us += 3'000;
        status = kv().sweep().status();
    }
    refused += status.code() == StatusCode::kNoSpace ? 1 : 0;
    ASSERT_EQ(figures(), counted_anew()) << "step " << step;
    EXPECT_LE(figures()[0], 40u);
    EXPECT_LE(figures()[1], 900u);
    EXPECT_LE(figures()[2], 6u);
    EXPECT_LE(figures()[3], 60u);
  }
  EXPECT_GT(refused, 20u);
}

}  // namespace
}  // namespace holdfast::memory
