#include "holdfast/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;

class StoreDiffTest : public testing::Test {
 protected:
  Snapshot snapshot() { return std::move(*store_.snapshot()); }
  void put_many(int first, int count, const std::string& value) {
    Transaction txn = std::move(*store_.begin());
    for (int i = first; i < first + count; ++i) {
      ASSERT_TRUE(txn.put("key" + std::to_string(100'000 + i), value));
    }
    ASSERT_TRUE(txn.commit());
  }
  // "+key=after", "-key=before", "~key=before>after"
  static std::vector<std::string> changes(const Snapshot& from, const Snapshot& to,
                                          const KeyRange& range = KeyRange::all()) {
    std::vector<std::string> all;
    auto diff = Diff::between(from, to, range);
    EXPECT_TRUE(diff) << diff.status().to_string();
    for (; diff->valid(); diff->next()) {
      const auto before = *diff->before();
      const auto after = *diff->after();
      const std::string key(diff->key());
      if (!before) all.push_back("+" + key + "=" + std::string(*after));
      if (!after) all.push_back("-" + key + "=" + std::string(*before));
      if (before && after) {
        all.push_back("~" + key + "=" + std::string(*before) + ">" + std::string(*after));
      }
    }
    EXPECT_TRUE(diff->status()) << diff->status().to_string();
    return all;
  }

  TestMachine machine_;
  Store store_ = machine_.open();
};

TEST_F(StoreDiffTest, NamesWhatWasAddedRemovedAndChanged) {
  ASSERT_TRUE(store_.put("changed", "1"));
  ASSERT_TRUE(store_.put("removed", "2"));
  ASSERT_TRUE(store_.put("same", "3"));
  const Snapshot before = snapshot();
  ASSERT_TRUE(store_.put("added", "4"));
  ASSERT_TRUE(store_.put("changed", "5"));
  ASSERT_TRUE(store_.del("removed"));
  ASSERT_TRUE(store_.put("same", "other"));
  ASSERT_TRUE(store_.put("same", "3"));
  const Snapshot after = snapshot();
  EXPECT_THAT(changes(before, after), ElementsAre("+added=4", "~changed=1>5", "-removed=2"));
  EXPECT_THAT(changes(after, before), ElementsAre("-added=4", "~changed=5>1", "+removed=2"));
  EXPECT_THAT(changes(before, after, {"b", "d"}), ElementsAre("~changed=1>5"));
  EXPECT_THAT(changes(before, before), testing::IsEmpty());
}

TEST_F(StoreDiffTest, LargeValuesAreComparedByContent) {
  const std::string large(5000, 'x');
  ASSERT_TRUE(store_.put("a", large));
  ASSERT_TRUE(store_.put("b", large));
  const Snapshot before = snapshot();
  ASSERT_TRUE(store_.put("a", large));  // the same bytes in other pages
  ASSERT_TRUE(store_.put("b", std::string(5000, 'y')));
  const Snapshot after = snapshot();
  auto diff = Diff::between(before, after);
  ASSERT_TRUE(diff && diff->valid());
  EXPECT_EQ(diff->key(), "b");
  EXPECT_EQ(**diff->after(), std::string(5000, 'y'));
  diff->next();
  EXPECT_FALSE(diff->valid());
}

TEST_F(StoreDiffTest, ReadsOnlyWhatChanged) {
  for (int i = 0; i < 20; ++i) put_many(i * 1000, 1000, "a value");
  const Snapshot before = snapshot();
  ASSERT_TRUE(store_.put("key112345", "another"));
  const Snapshot after = snapshot();
  auto diff = Diff::between(before, after);
  ASSERT_TRUE(diff);
  int found = 0;
  for (; diff->valid(); diff->next()) ++found;
  EXPECT_EQ(found, 1);
  EXPECT_LE(diff->pages_read(), 2 * store_.stats()->tree_height + 2);
}

TEST_F(StoreDiffTest, StaysRightWhileOthersWriteAndPagesAreUsedAgain) {
  put_many(0, 500, "old");
  const Snapshot before = snapshot();
  put_many(100, 50, "new");
  const Snapshot after = snapshot();
  auto diff = Diff::between(before, after);
  ASSERT_TRUE(diff);
  size_t found = 0;
  for (; diff->valid(); diff->next()) {
    if (found++ % 10 == 0) put_many(0, 500, "later " + std::to_string(found));
    EXPECT_EQ(**diff->before(), "old");
    EXPECT_EQ(**diff->after(), "new");
  }
  EXPECT_TRUE(diff->status());
  EXPECT_EQ(found, 50u);
}

TEST_F(StoreDiffTest, SnapshotsOfTwoHandlesOfOneStoreCanBeCompared) {
  Store other = machine_.open();
  ASSERT_TRUE(store_.put("a", "1"));
  const Snapshot before = snapshot();
  put_many(0, 2000, "grows the file");
  ASSERT_TRUE(store_.put("a", "2"));
  const Snapshot after = std::move(*other.snapshot());
  EXPECT_EQ(changes(before, after).size(), 2001u);
  EXPECT_EQ(changes(after, before).size(), 2001u);
}

TEST_F(StoreDiffTest, SnapshotsOfDifferentStoresAreRefused) {
  TestMachine elsewhere;
  Store other = elsewhere.open();
  const Snapshot here = snapshot();
  const Snapshot there = std::move(*other.snapshot());
  EXPECT_EQ(Diff::between(here, there).status().code(), StatusCode::kInvalidArgument);
}

TEST(StoreDiffOfCopiesTest, ACopyOfAStoreIsAnother) {
  TestMachine machine;
  ASSERT_TRUE(machine.open().put("a", "1"));
  machine.reboot();
  TestMachine copy;
  ASSERT_TRUE(copy.os().make_directories("/other"));
  ASSERT_TRUE(copy.os().make_directories("/s/wal"));
  for (const std::string& path : {machine.data_path(), machine.log_path(1)}) {
    copy.write(path, 0, machine.read(path, 0, 1u << 20));
  }
  copy.write("/s/LOCK", 0, "");
  copy.write("/other/file", 0, "so that it has another inode");
  Store one = machine.open();
  Store two = copy.open();
  EXPECT_EQ(*two.get("a"), "1");
  const auto diff = Diff::between(*one.snapshot(), *two.snapshot());
  EXPECT_EQ(diff.status().code(), StatusCode::kInvalidArgument);
}

TEST(StoreDiffOfLostMemoryTest, IsToldNotShown) {
  TestMachine machine;
  FaultyOs os(machine.os());
  Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
  const Snapshot from = std::move(*store.snapshot());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
  ASSERT_TRUE(store.put("large", std::string(2000, 'l')) && store.flush());
  const Snapshot to = std::move(*store.snapshot());
  Diff stands = std::move(*Diff::between(from, to));
  Diff goes_on = std::move(*Diff::between(from, to));
  os.lost.pages = true;
  EXPECT_EQ(stands.after().status().code(), StatusCode::kIoError);
  goes_on.next();
  EXPECT_FALSE(goes_on.valid());
  EXPECT_EQ(goes_on.status().code(), StatusCode::kIoError);
  EXPECT_EQ(Diff::between(from, to).status().code(), StatusCode::kIoError);
  os.lost.pages = false;
  Diff again = std::move(*Diff::between(from, to));
  int count = 0;
  for (; again.valid(); again.next()) ++count;
  EXPECT_EQ(count, 6);
}

}  // namespace
}  // namespace holdfast::store
