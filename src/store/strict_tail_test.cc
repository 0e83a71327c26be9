// Strict commits are acknowledged when they are synced, before they are in the tree: who sees them,
// and what becomes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "holdfast/diff.h"
#include "store/published.h"
#include "store/sync.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StoreOptions batched() {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  return options;
}

class StrictTailTest : public testing::Test {
 protected:
  // Not by stats(), which has what is synced applied.
  uint64_t unapplied() {
    const auto context = machine_.attach();
    return read_tail(context->control().tail).version -
           read_latest_root(context->control()).version;
  }

  // "key=before>after", "-" for no value.
  static std::vector<std::string> changes(const Snapshot& from, const Snapshot& to,
                                          const KeyRange& range = KeyRange::all()) {
    std::vector<std::string> all;
    auto diff = Diff::between(from, to, range);
    EXPECT_TRUE(diff) << diff.status().to_string();
    for (; diff->valid(); diff->next()) {
      const auto before = *diff->before(), after = *diff->after();
      all.push_back(std::string(diff->key()) + "=" + std::string(before.value_or("-")) + ">" +
                    std::string(after.value_or("-")));
    }
    EXPECT_TRUE(diff->status()) << diff->status().to_string();
    return all;
  }

  TestMachine machine_;
};

TEST_F(StrictTailTest, IsReadByEveryHandleBeforeItIsInTheTree) {
  Store writer = machine_.open();
  Store reader = machine_.open();
  ASSERT_TRUE(writer.put("a", "0"));
  ASSERT_TRUE(writer.flush());  // a root in this segment of the log
  ASSERT_TRUE(writer.put("a", "1"));
  ASSERT_TRUE(writer.put("a", "2"));
  EXPECT_EQ(unapplied(), 2u);
  EXPECT_EQ(*reader.get("a"), "2");
  EXPECT_EQ(*writer.get("a"), "2");
  EXPECT_EQ(*machine_.open().get("a"), "2");
  EXPECT_EQ(unapplied(), 2u);
  EXPECT_EQ(writer.stats()->durable_version, 3u);
}

// Else who compares what is durable, and is refused because of what is not, tries for ever when the
// writer has died.
TEST_F(StrictTailTest, ARefusalIsGivenWhenWhatItReadIsDurable) {
  Store writer = machine_.open(batched());
  Store asker = machine_.open();
  ASSERT_TRUE(writer.put("a", "1"));
  const Status refused = asker
                             .update([](Transaction& txn) -> Status {
                               HOLDFAST_TRY(txn.get("a").status());
                               return Status(StatusCode::kConditionFalse, "it is there");
                             })
                             .status();
  EXPECT_EQ(refused.code(), StatusCode::kConditionFalse);
  EXPECT_EQ(*asker.get("a"), "1");
}

TEST_F(StrictTailTest, WhoReadsOtherKeysReadsNoLog) {
  Store writer = machine_.open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer.put("old" + std::to_string(i), "1"));
  ASSERT_TRUE(writer.flush());
  FaultyOs os(machine_.os());
  int log_reads = 0;
  os.fault = [&](const Attempt& attempt) {
    if (attempt.call == Call::kRead && attempt.path.find("/wal/") != std::string::npos) ++log_reads;
    return Status::ok();
  };
  Store reader = std::move(*Store::open(os, machine_.path(), TestMachine::small_store()));
  ASSERT_TRUE(writer.put("new", "1"));
  log_reads = 0;
  int keys_with_reads = 0;
  for (int i = 0; i < 100; ++i) {
    const int before = log_reads;
    ASSERT_EQ(*reader.get("old" + std::to_string(i)), "1");
    if (log_reads != before) ++keys_with_reads;
  }
  EXPECT_LE(keys_with_reads, 3);  // by chance a key may share the place of the new one
  EXPECT_EQ(*reader.get("new"), "1");
  EXPECT_GT(log_reads, 0);
}

TEST_F(StrictTailTest, GetsAgreeWithAModelWhateverIsWritten) {
  Store writer = machine_.open();
  Store reader = machine_.open();
  std::map<std::string, std::string> model;
  std::mt19937 random(11);
  const auto key = [&] { return "k" + std::to_string(random() % 40); };
  for (int i = 0; i < 1500; ++i) {
    std::string stamped;
    const auto kind = random() % 12;
    std::map<std::string, std::string> next;
    const auto version = writer.update([&](Transaction& txn) -> Status {
      next = model;
      if (kind == 0) {
        const std::string begin = key(), end = begin + "~";
        next.erase(next.lower_bound(begin), next.lower_bound(end));
        return txn.del_range({begin, end});
      }
      if (kind == 1) {
        stamped = "s" + std::to_string(random() % 5);
        return txn.put_stamped(stamped, "", "stamped", {});
      }
      if (kind == 2) return txn.add("number", 1);
      const auto count = kind == 3 ? 40u : 1 + random() % 3;
      for (auto k = count; k > 0; --k) {
        const std::string written = key();
        if (random() % 4 == 0) {
          HOLDFAST_TRY(txn.del(written));
          next.erase(written);
        } else {
          next[written] = std::to_string(i);
          HOLDFAST_TRY(txn.put(written, next[written]));
        }
      }
      return Status::ok();
    });
    ASSERT_TRUE(version) << version.status().to_string();
    model = next;
    if (kind == 1) {
      char bytes[8];
      for (int b = 0; b < 8; ++b) bytes[b] = static_cast<char>(*version >> (56 - 8 * b));
      model[stamped + std::string(bytes, 8)] = "stamped";
    }
    if (kind == 2) model["number"] = encode_number(decode_number(model["number"]).value_or(0) + 1);
    for (int k = 0; k < 40; ++k) {
      const std::string name = "k" + std::to_string(k);
      const auto found = reader.get(name);
      ASSERT_TRUE(found) << found.status().to_string();
      ASSERT_EQ(found->value_or("-"), model.contains(name) ? model[name] : "-") << i;
    }
    for (const auto& [name, value] : model) {
      if (name[0] != 'k') {
        ASSERT_EQ(reader.get(name)->value_or("-"), value) << i;
      }
    }
    if (random() % 100 == 0) {
      ASSERT_TRUE(writer.flush());
    }
  }
}

TEST_F(StrictTailTest, IsInEverySnapshot) {
  Store writer = machine_.open();
  Store reader = machine_.open();
  ASSERT_TRUE(writer.put("a", "1"));
  Snapshot first = std::move(*reader.snapshot());
  ASSERT_TRUE(writer.put("a", "2"));
  EXPECT_EQ(*first.get("a"), "1");
  Snapshot second = std::move(*reader.snapshot());
  EXPECT_EQ(second.version(), 2u);
  EXPECT_EQ(*second.get("a"), "2");
  EXPECT_EQ(*first.get("a"), "1");
  EXPECT_EQ(unapplied(), 2u);
}

TEST_F(StrictTailTest, WhatIsNotSyncedIsNotShown) {
  Store strict = machine_.open();
  Store relaxed = machine_.open(batched());
  ASSERT_TRUE(strict.put("a", "synced"));
  ASSERT_TRUE(relaxed.put("a", "not synced"));
  ASSERT_EQ(*relaxed.get("a"), "not synced");
  EXPECT_EQ(*strict.get("a"), "synced");
  EXPECT_EQ(*strict.snapshot()->get("a"), "synced");
  ASSERT_TRUE(relaxed.flush());
  EXPECT_EQ(*strict.get("a"), "not synced");
}

// The same after the tree has gone on beyond what is synced.
TEST_F(StrictTailTest, ARootBeyondWhatIsSyncedHidesNothing) {
  Store strict = machine_.open();
  Store relaxed = machine_.open(batched());
  ASSERT_TRUE(strict.put("a", "1"));
  ASSERT_TRUE(relaxed.put("b", "2"));
  ASSERT_TRUE(relaxed.snapshot());  // applies both
  EXPECT_EQ(*strict.get("a"), "1");
  EXPECT_EQ(*strict.get("b"), std::nullopt);
  EXPECT_EQ(*strict.snapshot()->get("a"), "1");
}

TEST_F(StrictTailTest, NumbersChangedBlindlyAreReadThroughTheLog) {
  Store store = machine_.open();
  ASSERT_TRUE(store.add("in the tree", 30));
  ASSERT_TRUE(store.put("text", "no number"));
  ASSERT_TRUE(store.put("gone", encode_number(5)));
  ASSERT_TRUE(store.flush());
  ASSERT_TRUE(store.del("gone"));
  for (const char* key : {"in the tree", "in the log", "text", "gone"}) {
    ASSERT_TRUE(store.add(key, 3));
    ASSERT_TRUE(store.add(key, 4));
  }
  ASSERT_TRUE(store.update([](Transaction& txn) { return txn.raise("in the log", 6); }));
  ASSERT_TRUE(store.update([](Transaction& txn) { return txn.raise("in the tree", 100); }));
  const uint64_t before = unapplied();
  ASSERT_GT(before, 8u);
  Store reader = machine_.open();
  const auto expect_numbers = [&](auto&& get) {
    EXPECT_EQ(decode_number(**get("in the tree")), 100);
    EXPECT_EQ(decode_number(**get("in the log")), 7);
    EXPECT_EQ(decode_number(**get("gone")), 7);
    EXPECT_EQ(**get("text"), "no number");
  };
  expect_numbers([&](const char* key) { return reader.get(key); });
  Transaction txn = std::move(*reader.begin());
  expect_numbers([&](const char* key) { return txn.get(key); });
  EXPECT_EQ(unapplied(), before);
  ASSERT_TRUE(store.flush());
  expect_numbers([&](const char* key) { return reader.get(key); });
}

// What readers could not take in from the log.
TEST_F(StrictTailTest, ADeletedRangeIsInTheTreeWhenItIsAcknowledged) {
  Store store = machine_.open();
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(store.put(key, "1"));
  ASSERT_TRUE(store.update([](Transaction& txn) { return txn.del_range({"a", "c"}); }));
  EXPECT_EQ(unapplied(), 0u);
  EXPECT_EQ(*store.get("b"), std::nullopt);
  EXPECT_EQ(*store.get("c"), "1");
}

TEST_F(StrictTailTest, DiffsSeeIt) {
  Store store = machine_.open();
  const Snapshot empty = std::move(*store.snapshot());
  for (const char* key : {"changed", "removed", "same"}) ASSERT_TRUE(store.put(key, "1"));
  const Snapshot first = std::move(*store.snapshot());
  ASSERT_TRUE(store.flush());
  const Snapshot in_tree = std::move(*store.snapshot());
  ASSERT_TRUE(store.put("added", "2"));
  ASSERT_TRUE(store.put("changed", "2"));
  ASSERT_TRUE(store.del("removed"));
  ASSERT_TRUE(store.put("same", "2"));
  ASSERT_TRUE(store.put("same", "1"));
  const Snapshot second = std::move(*store.snapshot());
  ASSERT_GT(unapplied(), 0u);
  const auto between = ElementsAre("added=->2", "changed=1>2", "removed=1>-");
  EXPECT_THAT(changes(first, second), between);
  EXPECT_THAT(changes(in_tree, second), between);
  EXPECT_THAT(changes(second, first), ElementsAre("added=2>-", "changed=2>1", "removed=->1"));
  EXPECT_THAT(changes(first, second, {"b", "d"}), ElementsAre("changed=1>2"));
  EXPECT_THAT(changes(empty, first), ElementsAre("changed=->1", "removed=->1", "same=->1"));
  EXPECT_THAT(changes(first, in_tree), IsEmpty());
  EXPECT_THAT(changes(second, second), IsEmpty());
  ASSERT_TRUE(store.flush());
  EXPECT_THAT(changes(first, *store.snapshot()), between);
}

TEST_F(StrictTailTest, AStoreThatOnlyReadsShowsAllOfIt) {
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "1"));
  ASSERT_TRUE(store.flush());
  ASSERT_TRUE(store.put("a", "2"));
  ASSERT_TRUE(store.add("n", 7));
  ASSERT_EQ(unapplied(), 2u);
  make_read_only(machine_.attach()->control());
  Store relaxed = machine_.open(batched());
  for (Store* handle : {&store, &relaxed}) {
    EXPECT_EQ(*handle->get("a"), "2");
    Transaction txn = std::move(*handle->begin());
    EXPECT_EQ(*txn.get("a"), "2");
    EXPECT_EQ(decode_number(**txn.get("n")), 7);
    EXPECT_TRUE(txn.commit());
    EXPECT_FALSE(handle->put("a", "3"));
  }
  EXPECT_EQ(*store.snapshot()->get("a"), "2");
  EXPECT_EQ(decode_number(**machine_.open().get("n")), 7);
}

TEST_F(StrictTailTest, ReadersDoNotWaitForAStoppedProcessThatApplies) {
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "1"));
  Snapshot before = std::move(*store.snapshot());
  const auto stuck = machine_.attach();
  ASSERT_EQ(stuck->locks->apply.try_lock(false), LockOutcome::kAcquired);
  ASSERT_TRUE(store.put("a", "2"));
  ASSERT_TRUE(store.put("b", "3"));
  EXPECT_EQ(*store.get("a"), "2");
  Snapshot meanwhile = std::move(*store.snapshot());
  EXPECT_EQ(*meanwhile.get("a"), "2");
  Cursor cursor = meanwhile.scan({});
  ASSERT_TRUE(cursor.valid());
  EXPECT_EQ(cursor.value(), "2");
  cursor.next();
  ASSERT_TRUE(cursor.valid());
  EXPECT_EQ(cursor.value(), "3");
  EXPECT_THAT(changes(before, meanwhile), ElementsAre("a=1>2", "b=->3"));
  stuck->locks->apply.unlock();
  EXPECT_EQ(*meanwhile.get("b"), "3");
}

TEST_F(StrictTailTest, AWatchSeesItAtOnceAndNotWhatCameBefore) {
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "before"));
  Watch watch = std::move(*machine_.open().watch({}));
  EXPECT_EQ(watch.cursor(), 1u);
  ASSERT_TRUE(store.put("b", "after"));
  EXPECT_EQ(unapplied(), 2u);
  const auto result = watch.wait(std::chrono::milliseconds(0));
  ASSERT_TRUE(result);
  ASSERT_EQ(result->commits.size(), 1u);
  EXPECT_EQ(result->commits[0].version, 2u);
  ASSERT_TRUE(store.flush());
  EXPECT_THAT(watch.wait(std::chrono::milliseconds(0))->commits, IsEmpty());
}

TEST_F(StrictTailTest, IsReadWhereNothingMayBeWrittenAnyMore) {
  Store writer = machine_.open();
  FaultyOs os(machine_.os());
  Store reader = std::move(*Store::open(os, machine_.path(), TestMachine::small_store()));
  const auto put = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(writer.put("k" + std::to_string(i), std::string(2000, 'v')));
    }
  };
  put(300);  // makes pages, so that nothing need be applied for want of them
  ASSERT_TRUE(writer.update([](Transaction& txn) { return txn.del_range(KeyRange::all()); }));
  ASSERT_TRUE(writer.checkpoint());
  put(40);
  ASSERT_GT(unapplied(), 16u);  // of eight to a segment
  os.fault = [](const Attempt& attempt) {
    const bool writes =
        attempt.call == Call::kOpen && attempt.size != static_cast<uint64_t>(os::OpenMode::kRead);
    return writes ? Status(StatusCode::kPermissionDenied, "read-only") : Status::ok();
  };
  for (int i = 0; i < 40; ++i) {
    const auto found = reader.get("k" + std::to_string(i));
    ASSERT_TRUE(found) << found.status().to_string();
    EXPECT_EQ(found->value_or("").size(), 2000u);
  }
}

TEST_F(StrictTailTest, AHandleThatClosesLeavesLittleOfIt) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(machine_.open().put("k" + std::to_string(i % 7), std::to_string(i)));
  }
  Store store = machine_.open();
  EXPECT_LE(unapplied(), 32u);
  EXPECT_GT(store.stats()->applies, 0u);
  EXPECT_EQ(*store.get("k3"), "199");
}

TEST_F(StrictTailTest, WhereNobodyWritesReadingAppliesItInTheEnd) {
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "1"));
  Store reader = machine_.open();
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(*reader.get("a"), "1");
  EXPECT_EQ(unapplied(), 0u);
}

TEST_F(StrictTailTest, AColdStartHasAllOfIt) {
  {
    Store store = machine_.open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(store.put("k" + std::to_string(i), "v"));
    ASSERT_GT(unapplied(), 0u);
  }
  machine_.reboot();
  Store store = machine_.open();
  EXPECT_EQ(store.check()->keys, 20u);
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

}  // namespace
}  // namespace holdfast::store
