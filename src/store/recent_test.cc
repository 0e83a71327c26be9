#include "store/recent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "store/test_machine.h"

namespace holdfast::store {
namespace {

StoreOptions batched_store() {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  return options;
}

TEST(RecentTableTest, AReaderSeesTheNewestWriteUpToItsVersion) {
  RecentTable table;
  table.add("a", 2, "two");
  table.add("a", 5, std::nullopt);
  table.add("a", 7, "seven");
  EXPECT_EQ(table.find("a", 1), nullptr);
  EXPECT_EQ(*RecentTable::value(*table.find("a", 4)), "two");
  EXPECT_EQ(RecentTable::value(*table.find("a", 5)), std::nullopt);
  EXPECT_EQ(*RecentTable::value(*table.find("a", 9)), "seven");
  EXPECT_EQ(table.find("b", 9), nullptr);
}

TEST(RecentTableTest, TheLastWriteOfAVersionCounts) {
  RecentTable table;
  table.add("a", 2, "first");
  table.add("a", 2, "last");
  EXPECT_EQ(*RecentTable::value(*table.find("a", 2)), "last");
}

TEST(RecentTableTest, EachVersionOfEachKeyIsFoundWhileTheTableGrows) {
  RecentTable table;
  std::map<std::string, std::map<uint64_t, uint64_t>> model;  // by key: what each version put
  std::mt19937 random(2);
  for (uint64_t version = 1; version <= 5000; ++version) {
    const std::string key = std::to_string(random() % (version % 3 == 0 ? 3 : 4000));
    table.add(key, version, std::to_string(version));
    model[key][version] = version;
    if (version % 500 != 0) continue;
    for (int i = 0; i < 1000; ++i) {
      const std::string wanted = std::to_string(random() % 4000);
      const uint64_t view = random() % version + 1;
      const auto& versions = model[wanted];
      const auto behind = versions.upper_bound(view);
      const RecentTable::Node* node = table.find(wanted, view);
      ASSERT_EQ(node == nullptr, behind == versions.begin());
      if (node == nullptr) continue;
      EXPECT_EQ(RecentTable::key(*node), wanted);
      EXPECT_EQ(RecentTable::version(*node), std::prev(behind)->first);
    }
  }
}

TEST(RecentTableTest, ReadersBesideAWriterSeeAllThatWasThereWhenTheyBegan) {
  constexpr uint64_t kVersions = 20'000;
  constexpr uint64_t kKeys = 1000;
  const auto key_of = [](uint64_t version) { return std::to_string(version * 7 % kKeys); };
  RecentTable table;
  std::atomic<uint64_t> written{0};
  const auto read = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (uint64_t view = 0; view < kVersions;) {
      view = written.load(std::memory_order_acquire);
      if (view == 0) continue;
      // The newest write of a key is among the last kKeys.
      const uint64_t version = view - random() % std::min(view, kKeys);
      const std::string key = key_of(version);
      const RecentTable::Node* found = table.find(key, view);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(RecentTable::version(*found), version);
      EXPECT_EQ(table.seek(key, view), found);
    }
  };
  std::thread first(read, 1), second(read, 2);
  for (uint64_t version = 1; version <= kVersions; ++version) {
    table.add(key_of(version), version, "value");
    written.store(version, std::memory_order_release);
  }
  first.join();
  second.join();
}

TEST(RecentTableTest, SeekingFindsWhatAMapWouldFind) {
  RecentTable table;
  std::map<std::string, uint64_t> model;  // at version 500
  std::mt19937 random(1);
  for (uint64_t version = 1; version <= 1000; ++version) {
    // Some keys are written far more often than others.
    const std::string key = std::to_string(random() % (1 + random() % 300));
    table.add(key, version, std::to_string(version));
    if (version <= 500) model[key] = version;
  }
  for (int i = 0; i < 300; ++i) {
    const std::string key = std::to_string(i);
    const RecentTable::Node* node = table.seek(key, 500);
    for (auto expected = model.lower_bound(key); expected != model.end(); ++expected) {
      ASSERT_NE(node, nullptr);
      EXPECT_EQ(RecentTable::key(*node), expected->first);
      EXPECT_EQ(RecentTable::version(*node), expected->second);
      // What is added meanwhile is not seen.
      if (i == 0) table.add(expected->first, 1001, "later");
      node = table.next(*node, 500);
    }
    EXPECT_EQ(node, nullptr);
  }
}

class RecentTest : public testing::Test {
 protected:
  uint64_t applies() { return store_.stats()->applies; }
  std::map<std::string, std::string> in_transaction(Store& store) {
    auto txn = store.begin();
    EXPECT_TRUE(txn) << txn.status().to_string();
    return contents(*txn);
  }
  TestMachine machine_;
  Store store_ = machine_.open(batched_store());
};

TEST_F(RecentTest, ATransactionSeesCommitsThatNobodyHasApplied) {
  ASSERT_TRUE(store_.put("a", "1"));
  ASSERT_TRUE(store_.put("b", "1"));
  ASSERT_TRUE(store_.flush());
  const uint64_t before = applies();
  Store other = machine_.open(batched_store());
  ASSERT_TRUE(other.put("a", "2"));
  ASSERT_TRUE(other.del("b"));
  ASSERT_TRUE(other.put("c", "2"));
  EXPECT_EQ(*store_.get("a"), "2");
  EXPECT_EQ(*store_.get("b"), std::nullopt);
  const std::map<std::string, std::string> expected{{"a", "2"}, {"c", "2"}};
  EXPECT_EQ(in_transaction(store_), expected);
  EXPECT_EQ(applies(), before);
  EXPECT_EQ(contents(store_), expected);  // a snapshot applies
  EXPECT_EQ(applies(), before + 1);
}

TEST_F(RecentTest, ATransactionKeepsItsViewWhileOthersCommitAndApply) {
  ASSERT_TRUE(store_.put("a", "1"));
  auto txn = store_.begin();
  ASSERT_TRUE(txn);
  ASSERT_TRUE(store_.put("a", "2"));
  EXPECT_EQ(*store_.get("a"), "2");
  EXPECT_EQ(*txn->get("a"), "1");
  ASSERT_TRUE(store_.flush());
  EXPECT_EQ(*store_.get("a"), "2");
  EXPECT_EQ(*txn->get("a"), "1");
  EXPECT_EQ(contents(*txn).at("a"), "1");
}

TEST_F(RecentTest, WhatWasReadInTheLogConflictsLikeWhatWasReadInTheTree) {
  ASSERT_TRUE(store_.put("a", "1"));
  auto txn = store_.begin();
  ASSERT_TRUE(txn->get("a"));
  ASSERT_TRUE(txn->put("b", "1"));
  ASSERT_TRUE(store_.put("a", "2"));
  EXPECT_EQ(txn->commit().status().code(), StatusCode::kConflict);
  auto again = store_.begin();
  EXPECT_EQ(*again->get("a"), "2");
  ASSERT_TRUE(again->put("b", "1"));
  EXPECT_TRUE(again->commit());
}

TEST_F(RecentTest, ViewsAgreeWithAModelWhileTheTailIsAppliedNowAndThen) {
  std::map<std::string, std::string> model;
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    const std::string key = std::to_string(random() % 200);
    if (random() % 4 == 0) {
      ASSERT_TRUE(store_.del(key));
      model.erase(key);
    } else {
      const std::string value(random() % 100, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(store_.put(key, value));
      model[key] = value;
    }
    const auto what = random() % 50;
    if (what == 0) {
      ASSERT_TRUE(store_.flush());
    }
    if (what < 10) {
      ASSERT_EQ(in_transaction(store_), model) << "after " << i;
    }
    const auto found = store_.get(key);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->has_value(), model.contains(key));
  }
}

}  // namespace
}  // namespace holdfast::store
