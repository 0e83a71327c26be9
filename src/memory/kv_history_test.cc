#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "holdfast/kv.h"
#include "holdfast/space.h"
#include "holdfast/store.h"
#include "memory/keys.h"

namespace holdfast::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KvHistoryTest : public testing::Test {
 protected:
  uint64_t version_of(const std::string& key) { return (*kv_.find(key))->version; }
  uint64_t put(const std::string& key, const std::string& value) {
    EXPECT_TRUE(kv_.put(key, value));
    return version_of(key);
  }
  std::string get_at(const std::string& key, const AsOf& as_of) {
    const auto value = kv_.get_at(key, as_of);
    if (!value) return std::string(status_code_name(value.status().code()));
    return value->value_or("-");
  }
  std::string list_at(const AsOf& as_of, const std::string& prefix = {}) {
    const auto entries = kv_.list({.prefix = prefix, .as_of = as_of});
    if (!entries) return std::string(status_code_name(entries.status().code()));
    std::string text;
    for (const KvEntry& entry : *entries) text += entry.key + "=" + entry.value + " ";
    return text;
  }

  Store store_ = *Store::memory();
  Space space_ = *store_.space("a");
  Kv kv_ = space_.kv();
};

TEST_F(KvHistoryTest, EveryPutAndDeletionIsAVersion) {
  ASSERT_TRUE(kv_.keep_history({}));
  const uint64_t first = put("k", "1"), second = put("k", "2");
  ASSERT_TRUE(kv_.del("k"));
  ASSERT_TRUE(kv_.del("k"));  // nothing is there: no version
  const uint64_t fourth = put("k", "4");
  EXPECT_EQ(get_at("k", AsOf::version(first)), "1");
  EXPECT_EQ(get_at("k", AsOf::version(second)), "2");
  EXPECT_EQ(get_at("k", AsOf::version(second + 1)), "-");
  EXPECT_EQ(get_at("k", AsOf::version(fourth)), "4");
  EXPECT_EQ(get_at("k", AsOf::latest()), "4");
  const auto versions = kv_.history("k");
  ASSERT_EQ(versions->size(), 4u);
  EXPECT_TRUE((*versions)[1].is_deletion);
  EXPECT_EQ((*versions)[3].value, "1");
  EXPECT_EQ((*versions)[3].version, first);
  EXPECT_EQ(get_at("k", AsOf::time_us((*versions)[2].time_us)), "2");
  EXPECT_EQ(get_at("k", AsOf::time_us((*versions)[2].time_us - 1)), "1");
  EXPECT_EQ(kv_.history("k", 1, fourth)->front().is_deletion, true);
}

TEST_F(KvHistoryTest, WhatIsThereBecomesTheFirstVersion) {
  const uint64_t before = put("k", "old");
  ASSERT_TRUE(kv_.keep_history({}));
  const uint64_t since = kv_.histories()->front().floor.version;
  EXPECT_GT(since, before);
  EXPECT_EQ(get_at("k", AsOf::version(since)), "old");
  EXPECT_EQ(get_at("k", AsOf::version(before)), "too old");
  put("k", "new");
  EXPECT_EQ(get_at("k", AsOf::version(since)), "old");
}

TEST_F(KvHistoryTest, OnlyKeysOfThePrefixHaveOne) {
  ASSERT_TRUE(kv_.keep_history({}, "doc/"));
  const uint64_t version = put("doc/a", "1");
  put("other", "2");
  put("doc/", "3");
  EXPECT_EQ(get_at("doc/a", AsOf::version(version)), "1");
  EXPECT_EQ(get_at("other", AsOf::version(version)), "condition false");
  EXPECT_EQ(kv_.history("other").status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(list_at(AsOf::version(version), "doc/"), "doc/a=1 ");
  EXPECT_EQ(list_at(AsOf::version(version + 2), "doc/"), "doc/=3 doc/a=1 ");
  EXPECT_EQ(list_at(AsOf::version(version + 2), "doc/a"), "doc/a=1 ");
  EXPECT_EQ(list_at(AsOf::version(version)), "condition false");
}

TEST_F(KvHistoryTest, PrefixesThatOverlapAreRefused) {
  ASSERT_TRUE(kv_.keep_history({.count = 5}, "doc/"));
  for (const char* prefix : {"", "doc", "doc/a"}) {
    EXPECT_EQ(kv_.keep_history({}, prefix).code(), StatusCode::kInvalidArgument) << prefix;
  }
  ASSERT_TRUE(kv_.keep_history({.count = 7}, "doc/"));
  ASSERT_TRUE(kv_.keep_history({.age = std::chrono::hours(1)}, "log/"));
  const auto histories = kv_.histories();
  ASSERT_EQ(histories->size(), 2u);
  EXPECT_EQ((*histories)[0].retention.count, 7u);
  EXPECT_EQ((*histories)[1].prefix, "log/");
  EXPECT_EQ(kv_.keep_history({.age = std::chrono::seconds(-1)}, "x").code(),
            StatusCode::kInvalidArgument);
}

TEST_F(KvHistoryTest, DroppingForgetsAndKeepsTheValues) {
  ASSERT_TRUE(kv_.keep_history({}, "a"));
  put("a", "1");
  put("a", "2");
  ASSERT_TRUE(kv_.drop_history("a"));
  EXPECT_EQ(**kv_.get("a"), "2");
  EXPECT_THAT(*kv_.histories(), IsEmpty());
  EXPECT_EQ(kv_.drop_history("a").code(), StatusCode::kNotFound);
  auto snapshot = store_.snapshot();
  EXPECT_FALSE(snapshot->scan(KeyRange::prefix("\x08\x52")).valid());
  EXPECT_FALSE(snapshot->scan(KeyRange::prefix("\x0fr")).valid());
}

TEST_F(KvHistoryTest, TrimmedVersionsAreTooOld) {
  ASSERT_TRUE(kv_.keep_history({.count = 2}));
  const uint64_t first = put("k", "1");
  put("k", "2");
  const uint64_t third = put("k", "3");
  while (*store_.trim_histories()) {
  }
  EXPECT_EQ(get_at("k", AsOf::version(first)), "too old");
  EXPECT_EQ(get_at("k", AsOf::version(third - 1)), "2");
  EXPECT_EQ(kv_.history("k")->size(), 2u);
  EXPECT_EQ(kv_.histories()->front().versions, 2u);
  EXPECT_THAT(std::string(kv_.get_at("k", AsOf::version(first)).status().message()),
              HasSubstr("older than what is kept"));
}

TEST_F(KvHistoryTest, WhatExpiredIsGoneAsOfLaterTimes) {
  ASSERT_TRUE(kv_.keep_history({}));
  ASSERT_TRUE(kv_.put("k", "1", {.ttl = std::chrono::hours(1)}));
  const KvEntry entry = **kv_.find("k");
  const auto expires_us = static_cast<uint64_t>(*entry.expires_us);
  EXPECT_EQ(get_at("k", AsOf::time_us(expires_us - 1)), "1");
  EXPECT_EQ(get_at("k", AsOf::time_us(expires_us)), "-");
  EXPECT_EQ(list_at(AsOf::time_us(expires_us)), "");
  EXPECT_EQ(get_at("k", AsOf::version(entry.version)), "1");
  EXPECT_EQ(kv_.history("k")->front().expires_us, entry.expires_us);
}

TEST_F(KvHistoryTest, LargeValuesHaveNone) {
  auto writer = kv_.write();
  ASSERT_TRUE(writer->append("content"));
  const auto blob = writer->finish();
  ASSERT_TRUE(kv_.put("large", *blob));
  EXPECT_EQ(kv_.keep_history({}).code(), StatusCode::kUnsupported);
  ASSERT_TRUE(kv_.keep_history({}, "small/"));
  auto txn = store_.begin();
  EXPECT_EQ(space_.kv(*txn).put("small/k", *blob).code(), StatusCode::kUnsupported);
  EXPECT_EQ(*space_.kv(*txn).get("small/k"), std::nullopt);
}

TEST_F(KvHistoryTest, ABatchWithAKeyThatCanHaveNoneWritesNothing) {
  ASSERT_TRUE(kv_.keep_history({}, "h/"));
  const std::string never = "h/" + std::string(kKvKeySizeMax - 2, '\0');
  auto txn = store_.begin();
  const Kv inside = space_.kv(*txn);
  EXPECT_EQ(inside.apply({{"a", "1"}, {never, "2"}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(*inside.get("a"), std::nullopt);
}

TEST_F(KvHistoryTest, KeepingIsPartOfATransaction) {
  auto txn = store_.begin();
  const Kv inside = space_.kv(*txn);
  ASSERT_TRUE(inside.put("k", "1"));
  ASSERT_TRUE(inside.keep_history({}));
  ASSERT_TRUE(inside.put("k", "2"));
  EXPECT_THAT(*kv_.histories(), IsEmpty());
  const uint64_t version = *txn->commit();
  EXPECT_EQ(get_at("k", AsOf::version(version)), "2");
  EXPECT_EQ(kv_.history("k")->size(), 1u);
}

TEST_F(KvHistoryTest, AWriterThatDidNotSeeItKeptConflicts) {
  auto txn = store_.begin();
  ASSERT_TRUE(space_.kv(*txn).put("k", "1"));
  ASSERT_TRUE(kv_.keep_history({}));
  EXPECT_EQ(txn->commit().status().code(), StatusCode::kConflict);
}

TEST_F(KvHistoryTest, PuttingDoesNotConflictWithPutting) {
  ASSERT_TRUE(kv_.keep_history({}));
  put("k", "0");
  auto one = store_.begin(), two = store_.begin();
  ASSERT_TRUE(space_.kv(*one).put("k", "1"));
  ASSERT_TRUE(space_.kv(*two).put("k", "2"));
  EXPECT_TRUE(one->commit());
  EXPECT_TRUE(two->commit());
  EXPECT_EQ(kv_.history("k")->size(), 3u);
  EXPECT_EQ(**kv_.get("k"), "2");
}

// Against a plain model: the whole state after every commit.
TEST_F(KvHistoryTest, EveryStateIsShownExactlyOrTooOld) {
  using State = std::map<std::string, std::string>;
  std::mt19937_64 random(31);
  const std::string keys[] = {"a", "aa", std::string("a\0b", 3), "b", "\xff", "z/1", "z/2"};
  ASSERT_TRUE(kv_.keep_history({.count = 20}));
  std::map<uint64_t, State> states;
  State state;
  for (int round = 0; round < 200; ++round) {
    const State before = state;
    const auto version = store_.update([&](Transaction& txn) -> Status {
      state = before;
      const Kv kv = space_.kv(txn);
      for (uint64_t i = 0; i < 1 + random() % 3; ++i) {
        const std::string& key = keys[random() % std::size(keys)];
        if (random() % 4 == 0) {
          HOLDFAST_TRY(kv.del(key));
          state.erase(key);
        } else {
          state[key] = std::to_string(random() % 1000);
          HOLDFAST_TRY(kv.put(key, state[key]));
        }
      }
      return Status::ok();
    });
    ASSERT_TRUE(version) << version.status().to_string();
    states[*version] = state;
    if (random() % 16 == 0) {
      ASSERT_TRUE(kv_.keep_history({.count = 5 + random() % 20}));
    }
    ASSERT_TRUE(store_.trim_histories());
  }
  size_t exact = 0;
  for (const auto& [version, expected] : states) {
    const std::string found = list_at(AsOf::version(version));
    if (found == "too old" || found == "invalid argument") continue;
    ++exact;
    std::string text;
    for (const auto& [key, value] : expected) text += key + "=" + value + " ";
    EXPECT_EQ(found, text);
    for (const std::string& key : keys) {
      const auto value = expected.find(key);
      EXPECT_EQ(get_at(key, AsOf::version(version)), value == expected.end() ? "-" : value->second);
    }
  }
  EXPECT_GT(exact, 5u);
  EXPECT_LT(exact, 190u);
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

}  // namespace
}  // namespace holdfast::memory
