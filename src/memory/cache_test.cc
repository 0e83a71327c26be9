#include "holdfast/cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class CacheTest : public testing::Test {
 protected:
  // A handle of its own: what it counted is written when it goes.
  Cache cache(uint32_t owner = 1, const std::string& name = "llm") {
    return Cache(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}, owner), name);
  }
  void put(const std::string& key, const std::string& value, const CachePut& options = {}) {
    const auto was_put = cache().put(key, value, options);
    ASSERT_TRUE(was_put) << was_put.status().to_string();
  }
  std::string get(const std::string& key) {
    const auto value = cache().get(key);
    EXPECT_TRUE(value) << value.status().to_string();
    return *value ? **value : "(none)";
  }
  void pass(milliseconds time) { clock_.now_us += static_cast<int64_t>(time.count()) * 1000; }
  CacheStats stats() { return *cache().stats(); }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(CacheTest, WhatIsPutIsGot) {
  const std::string binary("\0\xff\n", 3);
  const std::string large(5000, 'x');
  put("a", binary);
  put("b", large);
  put("a", "again");
  EXPECT_EQ(get("a"), "again");
  EXPECT_EQ(get("b"), large);
  EXPECT_EQ(get("c"), "(none)");
  EXPECT_EQ(stats().entries, 2u);
  EXPECT_TRUE(*cache().remove("a"));
  EXPECT_FALSE(*cache().remove("a"));
  EXPECT_EQ(get("a"), "(none)");
}

TEST_F(CacheTest, AnEntryEndsAtTheMillisecond) {
  put("a", "x", {.ttl = milliseconds(1000)});
  pass(milliseconds(999));
  EXPECT_EQ(get("a"), "x");
  pass(milliseconds(1));
  EXPECT_EQ(get("a"), "(none)");
  EXPECT_TRUE(cache().list()->empty());
}

TEST_F(CacheTest, TheCachesTtlHoldsWhereAPutHasNone) {
  ASSERT_TRUE(cache().configure({.ttl = milliseconds(10)}));
  put("a", "x");
  put("b", "x", {.ttl = milliseconds(20)});
  pass(milliseconds(10));
  EXPECT_EQ(get("a"), "(none)");
  EXPECT_EQ(get("b"), "x");
}

TEST_F(CacheTest, AStaleValueIsThereForThoseWhoTakeIt) {
  put("a", "x", {.ttl = milliseconds(10), .stale_for = milliseconds(5)});
  pass(milliseconds(10));
  EXPECT_EQ(get("a"), "(none)");
  const auto entry = cache().find("a", true);
  ASSERT_TRUE(entry && *entry);
  EXPECT_TRUE((*entry)->is_stale);
  pass(milliseconds(5));
  EXPECT_FALSE(*cache().find("a", true));
}

TEST_F(CacheTest, WhatIsLeastRecentlyUsedGoesFirst) {
  ASSERT_TRUE(cache().configure({.bytes_max = 20'000, .touch_every = milliseconds(0)}));
  std::mt19937 random(1);
  const auto noise = [&] {
    std::string bytes(1500, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  };
  for (int i = 0; i < 10; ++i) {
    put(std::to_string(i), noise());
    pass(milliseconds(1));
  }
  EXPECT_NE(get("0"), "(none)");  // the handle goes, and with it what it noted
  pass(milliseconds(1));
  for (int i = 10; i < 15; ++i) {
    put(std::to_string(i), noise());
    pass(milliseconds(1));
  }
  EXPECT_LE(stats().bytes, 20'000u);
  EXPECT_NE(get("0"), "(none)");
  EXPECT_EQ(get("1"), "(none)");
  EXPECT_NE(get("14"), "(none)");
  EXPECT_EQ(stats().evictions, 15 - stats().entries);
}

TEST_F(CacheTest, GettingWritesNextToNothing) {
  const Cache kept = cache();
  ASSERT_TRUE(kept.put("a", "x"));
  const int writes = keys_.writes;
  const auto get_often = [&](int times) {
    for (int i = 0; i < times; ++i) EXPECT_TRUE(kept.get("a"));
  };
  get_often(3'000);
  EXPECT_EQ(keys_.writes, writes);
  EXPECT_EQ(kept.stats()->hits, 3'000u);
  EXPECT_EQ(stats().hits, 0u);
  pass(milliseconds(1'000));
  get_often(1'500);
  EXPECT_EQ(stats().hits, 3'001u) << "once a second";
  pass(milliseconds(1'000));
  get_often(1);
  EXPECT_EQ(stats().hits, 4'501u);
  get_often(900);
  pass(milliseconds(5'000));
  get_often(1);
  EXPECT_EQ(stats().hits, 4'501u) << "too few to be worth it";
}

TEST_F(CacheTest, StatisticsCount) {
  put("a", "x", {.ttl = milliseconds(10), .stale_for = milliseconds(10)});
  get("a");
  get("b");
  pass(milliseconds(15));
  EXPECT_TRUE(cache().find("a", true));
  pass(milliseconds(10));
  EXPECT_EQ(*cache().sweep(), 1u);
  const CacheStats now = stats();
  EXPECT_EQ(now.puts, 1u);
  EXPECT_EQ(now.hits, 1u);
  EXPECT_EQ(now.misses, 1u);
  EXPECT_EQ(now.stale, 1u);
  EXPECT_EQ(now.expirations, 1u);
  EXPECT_EQ(now.entries, 0u);
  EXPECT_EQ(now.bytes, 0u);
}

TEST_F(CacheTest, ATagTakesAllItsEntriesWithIt) {
  put("a", "x", {.tags = {"user/1", "page"}});
  put("b", "x", {.tags = {"page", "page"}});
  put("c", "x", {.tags = {"pages"}});
  EXPECT_EQ(*cache().remove_tagged("page", 1), 1u);
  EXPECT_EQ(*cache().remove_tagged("page"), 1u);
  EXPECT_EQ(*cache().remove_tagged("page"), 0u);
  EXPECT_EQ(*cache().remove_tagged("user/1"), 0u);
  EXPECT_EQ(get("c"), "x");
  EXPECT_EQ((*cache().find("c"))->tags, std::vector<std::string>{"pages"});
}

TEST_F(CacheTest, CompressionIsUsedWhereItPays) {
  put("text", std::string(100'000, 'x'));
  EXPECT_LT(stats().bytes, 2000u);
  EXPECT_EQ(get("text"), std::string(100'000, 'x'));
}

TEST_F(CacheTest, WarmingPutsWhatIsAbsent) {
  put("a", "mine");
  std::vector<NewCacheEntry> entries = {{.key = "a", .value = "warm"}};
  for (int i = 0; i < 500; ++i) entries.push_back({.key = "w" + std::to_string(i), .value = "x"});
  EXPECT_EQ(*cache().warm(entries), 500u);
  EXPECT_EQ(*cache().warm(entries), 0u);
  EXPECT_EQ(get("a"), "mine");
  EXPECT_EQ(stats().entries, 501u);
}

TEST_F(CacheTest, NothingIsLeftOfADroppedCache) {
  ASSERT_TRUE(cache(1, "other").put("a", "x"));
  const auto before = keys_.entries;
  put("a", std::string(3000, 'x'), {.ttl = milliseconds(5), .tags = {"t"}});
  get("a");
  ASSERT_TRUE(cache().configure({}));
  ASSERT_TRUE(cache().drop());
  EXPECT_EQ(keys_.entries, before);
  put("a", "x");
  ASSERT_TRUE(cache().clear());
  EXPECT_EQ(stats().bytes, 0u);
  EXPECT_EQ(stats().entries, 0u);
}

TEST_F(CacheTest, ComputingIsDoneOnceAndItsErrorReturned) {
  int computed = 0;
  const auto compute = [&]() -> Result<std::string> { return std::to_string(++computed); };
  const auto first = cache().get_or_compute("a", compute);
  ASSERT_TRUE(first) << first.status().to_string();
  EXPECT_EQ(first->value, "1");
  EXPECT_TRUE(first->was_computed);
  EXPECT_FALSE(cache().get_or_compute("a", compute)->was_computed);
  const auto failed = cache().get_or_compute(
      "b", [&]() -> Result<std::string> { return Status(StatusCode::kIoError, "no network"); });
  EXPECT_EQ(failed.status().code(), StatusCode::kIoError);
  EXPECT_EQ(cache().get_or_compute("b", compute)->value, "2");
  EXPECT_EQ(stats().computations, 2u);
}

TEST_F(CacheTest, OthersWaitForWhoComputes) {
  int computed = 0;
  const auto inner = [&]() -> Result<std::string> { return "inner" + std::to_string(++computed); };
  const auto outer = cache(1).get_or_compute("a", [&]() -> Result<std::string> {
    const auto busy = cache(2).get_or_compute("a", inner, {.wait = milliseconds(50)});
    EXPECT_EQ(busy.status().code(), StatusCode::kBusy);
    return std::string("outer");
  });
  EXPECT_EQ(outer->value, "outer");
  EXPECT_EQ(computed, 0);
  // Whoever waits gets what is put meanwhile.
  const auto late = cache(1).get_or_compute("b", [&]() -> Result<std::string> {
    clock_.on_pause = [&] { put("b", "put"); };
    EXPECT_EQ(cache(2).get_or_compute("b", inner)->value, "put");
    clock_.on_pause = {};
    return std::string("outer");
  });
  EXPECT_EQ(late->value, "outer");
}

TEST_F(CacheTest, AStaleValueIsTakenRatherThanWaitedFor) {
  put("a", "old", {.ttl = milliseconds(1), .stale_for = milliseconds(1000)});
  pass(milliseconds(2));
  const auto outer = cache(1).get_or_compute("a", [&]() -> Result<std::string> {
    const auto stale = cache(2).get_or_compute(
        "a", []() -> Result<std::string> { return std::string("never"); }, {.take_stale = true});
    EXPECT_EQ(stale->value, "old");
    EXPECT_TRUE(stale->is_stale);
    return std::string("new");
  });
  EXPECT_TRUE(outer->was_computed);
  EXPECT_EQ(get("a"), "new");
}

TEST_F(CacheTest, WhoDiesOrTakesTooLongIsReplaced) {
  const auto value = [](const char* text) {
    return [text]() -> Result<std::string> { return std::string(text); };
  };
  for (const bool dies : {true, false}) {
    const std::string key = dies ? "a" : "b";
    const auto slow = cache(2).get_or_compute(
        key,
        [&]() -> Result<std::string> {
          if (dies) clock_.owners_dead.insert(2);
          if (!dies) pass(milliseconds(60'000));
          EXPECT_EQ(cache(3).get_or_compute(key, value("other"))->value, "other");
          return std::string("late");
        },
        {.lease = milliseconds(60'000)});
    EXPECT_TRUE(slow);
    clock_.owners_dead.clear();
  }
}

TEST_F(CacheTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  const auto code = [&](const std::string& key, const std::string& value,
                        const CachePut& options = {}) {
    return cache().put(key, value, options).status().code();
  };
  EXPECT_EQ(code("", "x"), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(std::string(401, 'x'), "x"), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("a", std::string(kCacheValueSizeMax + 1, 'x')), StatusCode::kTooLarge);
  EXPECT_EQ(code("a", "x", {.ttl = milliseconds(0)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("a", "x", {.tags = {""}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code("a", "x", {.tags = std::vector<std::string>(17, "t")}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(cache().configure({.bytes_max = 1}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(cache(1, "").put("a", "x").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

// Against a plain model: a map of values with when they end and their tags.
class CacheModelTest : public CacheTest, public testing::WithParamInterface<uint32_t> {
 protected:
  struct Value {
    std::string value;
    int64_t expires_us;  // 0: never
    std::set<std::string> tags;
  };
  std::string some_key() { return "k" + std::to_string(random_() % 20); }
  std::string some_tag() { return "t" + std::to_string(random_() % 3); }

  void put_some() {
    const std::string key = some_key();
    CachePut options;
    Value value{std::string(random_() % 3000, static_cast<char>('a' + random_() % 26)), 0, {}};
    if (random_() % 2) {
      options.ttl = milliseconds(1 + random_() % 50);
      value.expires_us = clock_.now_us + static_cast<int64_t>(options.ttl->count()) * 1000;
    }
    for (size_t i = random_() % 3; i > 0; --i) options.tags.push_back(some_tag());
    value.tags = {options.tags.begin(), options.tags.end()};
    options.only_absent = random_() % 4 == 0;
    const auto found = model_.find(key);
    const bool is_there = found != model_.end() && is_fresh(found->second);
    const auto was_put = cache().put(key, value.value, options);
    EXPECT_EQ(*was_put, !(options.only_absent && is_there));
    if (*was_put) model_[key] = value;
  }
  bool is_fresh(const Value& value) const {
    return value.expires_us == 0 || clock_.now_us < value.expires_us;
  }

  std::mt19937 random_{GetParam()};
  std::map<std::string, Value> model_;
};

TEST_P(CacheModelTest, BehavesAsAMapWithEnds) {
  for (int step = 0; step < 500; ++step) {
    switch (random_() % 6) {
      case 0: {
        const std::string tag = some_tag();
        ASSERT_TRUE(cache().remove_tagged(tag));
        std::erase_if(model_, [&](const auto& entry) { return entry.second.tags.contains(tag); });
        break;
      }
      case 1:
        pass(milliseconds(random_() % 10));
        break;
      case 2: {
        const std::string key = some_key();
        ASSERT_TRUE(cache().remove(key));
        model_.erase(key);
        break;
      }
      case 3: {
        const std::string key = some_key();
        const auto found = model_.find(key);
        const bool is_there = found != model_.end() && is_fresh(found->second);
        EXPECT_EQ(get(key), is_there ? found->second.value : "(none)");
        break;
      }
      default:
        put_some();
    }
    std::erase_if(model_, [&](const auto& entry) { return !is_fresh(entry.second); });
    const auto listed = cache().list();
    std::map<std::string, bool> keys;
    for (const CacheEntry& entry : *listed) keys[entry.key] = true;
    EXPECT_EQ(keys.size(), model_.size());
    for (const auto& [key, value] : model_) EXPECT_TRUE(keys.contains(key));
  }
  ASSERT_TRUE(cache().sweep());
  EXPECT_EQ(stats().entries, model_.size());
  uint64_t bytes = 0;
  const auto listed = cache().list();
  for (const CacheEntry& entry : *listed) bytes += entry.bytes;
  EXPECT_EQ(stats().bytes, bytes);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CacheModelTest, testing::Range(1u, 11u));

}  // namespace
}  // namespace holdfast::memory
