#include "holdfast/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "store/test_machine.h"

namespace holdfast {
namespace {

using store::contents;
using store::TestMachine;
using testing::ElementsAre;
using testing::IsEmpty;

// "a=1 b=2": what a cursor still shows.
std::string rest_of(Cursor& cursor) {
  std::string text;
  for (; cursor.valid(); cursor.next()) {
    text +=
        (text.empty() ? "" : " ") + std::string(cursor.key()) + "=" + std::string(cursor.value());
  }
  EXPECT_TRUE(cursor.status()) << cursor.status().to_string();
  return text;
}
std::string scan(Reader& reader, const KeyRange& range = KeyRange::all()) {
  Cursor cursor = reader.scan(range);
  return rest_of(cursor);
}

class TransactionTest : public testing::Test {
 protected:
  Transaction begin() {
    auto txn = store_.begin();
    EXPECT_TRUE(txn) << txn.status().to_string();
    return std::move(*txn);
  }
  void put_all(std::initializer_list<const char*> keys) {
    for (const char* key : keys) ASSERT_TRUE(store_.put(key, "1"));
  }
  TestMachine machine_;
  Store store_ = machine_.open();
};

TEST_F(TransactionTest, ATransactionSeesItsOwnWrites) {
  put_all({"a", "b"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("a", "2"));
  ASSERT_TRUE(txn.put("c", "3"));
  ASSERT_TRUE(txn.del("b"));
  EXPECT_EQ(*txn.get("a"), "2");
  EXPECT_EQ(*txn.get("b"), std::nullopt);
  EXPECT_EQ(*txn.get("c"), "3");
  EXPECT_EQ(scan(txn), "a=2 c=3");
  EXPECT_EQ(*store_.get("a"), "1");
}

TEST_F(TransactionTest, OwnWritesAreMergedIntoAScanInOrder) {
  put_all({"b", "d", "f"});
  Transaction txn = begin();
  for (const char* key : {"a", "c", "d", "g"}) ASSERT_TRUE(txn.put(key, "2"));
  for (const char* key : {"b", "e", "h"}) ASSERT_TRUE(txn.del(key));
  EXPECT_EQ(scan(txn), "a=2 c=2 d=2 f=1 g=2");
}

TEST_F(TransactionTest, DeletingAllThatWasScannedLeavesNothing) {
  put_all({"a", "b", "c"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bb", "2"));
  ASSERT_TRUE(txn.del("b"));
  EXPECT_EQ(scan(txn), "a=1 bb=2 c=1");
  for (const char* key : {"a", "bb", "c"}) ASSERT_TRUE(txn.del(key));
  EXPECT_EQ(scan(txn), "");
  ASSERT_TRUE(txn.commit());
  EXPECT_THAT(contents(store_), IsEmpty());
}

TEST_F(TransactionTest, EachKeyCanBeDeletedWhileItIsScanned) {
  put_all({"a", "b", "c"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bb", "2"));
  int count = 0;
  for (Cursor cursor = txn.scan(KeyRange::all()); cursor.valid(); cursor.next()) {
    ASSERT_TRUE(txn.del(cursor.key()));
    ++count;
  }
  EXPECT_EQ(count, 4);
  EXPECT_EQ(scan(txn), "");
}

TEST_F(TransactionTest, AScanSeesWhatIsWrittenAheadOfIt) {
  put_all({"a", "c", "e", "g"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("f", "2"));
  Cursor cursor = txn.scan(KeyRange::all());
  ASSERT_EQ(cursor.key(), "a");
  ASSERT_TRUE(txn.put("b", "3"));
  ASSERT_TRUE(txn.del("e"));
  ASSERT_TRUE(txn.put("A", "3"));  // behind it
  EXPECT_EQ(rest_of(cursor), "a=1 b=3 c=1 f=2 g=1");
}

TEST_F(TransactionTest, AScanSeesWhatIsDeletedAheadOfIt) {
  put_all({"a", "b", "c"});
  Transaction txn = begin();
  Cursor cursor = txn.scan(KeyRange::all());
  ASSERT_TRUE(txn.del("b"));
  EXPECT_EQ(rest_of(cursor), "a=1 c=1");
}

TEST_F(TransactionTest, AValueHoldsWhileItsKeyIsWrittenAgain) {
  Transaction txn = begin();
  const std::string large(5000, 'x');
  ASSERT_TRUE(txn.put("a", large));
  ASSERT_TRUE(txn.put("b", "2"));
  Cursor cursor = txn.scan(KeyRange::all());
  const std::string_view value = cursor.value();
  ASSERT_TRUE(txn.put("a", std::string(90'000, 'y')));
  EXPECT_TRUE(value == large);
  ASSERT_TRUE(txn.del("a"));
  EXPECT_TRUE(cursor.value() == large);
  cursor.next();
  EXPECT_EQ(cursor.key(), "b");
}

TEST_F(TransactionTest, ScansStayInTheirRange) {
  put_all({"a", "b", "ba", "bb", "c"});
  Snapshot snapshot = std::move(*store_.snapshot());
  EXPECT_EQ(scan(snapshot, {"b", "c"}), "b=1 ba=1 bb=1");
  EXPECT_EQ(scan(snapshot, {"", "b"}), "a=1");
  EXPECT_EQ(scan(snapshot, {"bb", ""}), "bb=1 c=1");
  EXPECT_EQ(scan(snapshot, {"b", "b"}), "");
  EXPECT_EQ(scan(snapshot, {"c", "a"}), "");
  EXPECT_EQ(scan(snapshot, KeyRange::prefix("b")), "b=1 ba=1 bb=1");
  EXPECT_EQ(scan(snapshot, KeyRange::prefix("")), "a=1 b=1 ba=1 bb=1 c=1");
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bz", "2"));
  ASSERT_TRUE(txn.put("cz", "2"));
  EXPECT_EQ(scan(txn, KeyRange::prefix("b")), "b=1 ba=1 bb=1 bz=2");
  EXPECT_EQ(scan(txn, {"c", "a"}), "");
}

TEST_F(TransactionTest, APrefixOfHighestBytesHasNoEnd) {
  put_all({"\xfe", "\xff", "\xff\xff", "\xff\xff\x01"});
  Snapshot snapshot = std::move(*store_.snapshot());
  EXPECT_EQ(KeyRange::prefix("\xff\xff").end, "");
  EXPECT_EQ(KeyRange::prefix("a\xff").end, "b");
  EXPECT_EQ(scan(snapshot, KeyRange::prefix("\xff\xff")), "\xff\xff=1 \xff\xff\x01=1");
}

TEST_F(TransactionTest, SeekGoesAnywhereInsideTheRange) {
  put_all({"a", "b", "d", "e", "f"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("c", "2"));
  ASSERT_TRUE(txn.del("d"));
  Cursor cursor = txn.scan({"b", "f"});
  cursor.seek("d");
  EXPECT_EQ(cursor.key(), "e");
  cursor.seek("");
  EXPECT_EQ(cursor.key(), "b");
  cursor.seek("bb");
  EXPECT_EQ(cursor.key(), "c");
  cursor.seek("f");
  EXPECT_FALSE(cursor.valid());
  EXPECT_TRUE(cursor.status());
  cursor.seek("a");
  EXPECT_EQ(rest_of(cursor), "b=1 c=2 e=1");
}

TEST_F(TransactionTest, SeekTakesTheCursorsOwnKey) {
  put_all({"a", "b", "c"});
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bb", "2"));
  Cursor cursor = txn.scan(KeyRange::all());
  for (const char* key : {"a", "b", "bb", "c"}) {
    cursor.seek(cursor.key());
    EXPECT_EQ(cursor.key(), key);
    cursor.next();
  }
  EXPECT_FALSE(cursor.valid());
}

TEST_F(TransactionTest, ScansMatchAMapWhileTheTransactionWrites) {
  std::mt19937 random(5);
  std::map<std::string, std::string> model;
  const auto random_key = [&] { return std::to_string(random() % 60); };
  for (int i = 0; i < 30; ++i) {
    const std::string key = random_key();
    ASSERT_TRUE(store_.put(key, "old"));
    model[key] = "old";
  }
  Transaction txn = begin();
  Cursor cursor = txn.scan(KeyRange::all());
  auto expected = model.begin();
  for (int i = 0; i < 2000; ++i) {
    if (random() % 2 == 0 && cursor.valid()) {
      const std::string at(cursor.key());
      cursor.next();
      expected = model.upper_bound(at);
    } else if (random() % 4 == 0) {
      const std::string key = random_key();
      cursor.seek(key);
      expected = model.lower_bound(key);
    } else {
      const std::string key = random_key();
      if (cursor.valid() && key == cursor.key()) continue;
      if (random() % 3 == 0) {
        ASSERT_TRUE(txn.del(key));
        model.erase(key);
      } else {
        ASSERT_TRUE(txn.put(key, std::to_string(i)));
        model[key] = std::to_string(i);
      }
      continue;
    }
    ASSERT_EQ(cursor.valid(), expected != model.end()) << i;
    if (!cursor.valid()) continue;
    ASSERT_EQ(cursor.key(), expected->first) << i;
    ASSERT_EQ(cursor.value(), expected->second) << i;
  }
  EXPECT_EQ(contents(txn), model);
}

// What another commit changes between the reads and the commit of `work`, and what comes of it.
class ConflictTest : public TransactionTest {
 protected:
  template <typename Reads>
  StatusCode commit_after(Reads reads, const char* changed_key) {
    Transaction txn = begin();
    reads(txn);
    EXPECT_TRUE(txn.put("written", "1"));
    EXPECT_TRUE(store_.put(changed_key, "2"));
    return txn.commit().status().code();
  }
};

TEST_F(ConflictTest, InsertingAKeyThatWasLookedForConflicts) {
  const auto reads = [](Transaction& txn) { EXPECT_EQ(*txn.get("m"), std::nullopt); };
  EXPECT_EQ(commit_after(reads, "m"), StatusCode::kConflict);
}

TEST_F(ConflictTest, OwnWritesAreNoReads) {
  const auto reads = [](Transaction& txn) {
    EXPECT_TRUE(txn.put("m", "1"));
    EXPECT_EQ(*txn.get("m"), "1");
  };
  EXPECT_EQ(commit_after(reads, "m"), StatusCode::kOk);
}

TEST_F(ConflictTest, PhantomsInAScannedRangeConflict) {
  put_all({"b", "d"});
  const auto reads = [](Transaction& txn) { EXPECT_EQ(scan(txn, {"a", "e"}), "b=1 d=1"); };
  for (const char* key : {"a", "c", "d0", "dzz"}) {
    EXPECT_EQ(commit_after(reads, key), StatusCode::kConflict) << key;
    ASSERT_TRUE(store_.del(key));
  }
  EXPECT_EQ(commit_after(reads, "e"), StatusCode::kOk);
  EXPECT_EQ(commit_after(reads, "A"), StatusCode::kOk);
}

TEST_F(ConflictTest, PhantomsInAnEmptyRangeConflict) {
  const auto reads = [](Transaction& txn) { EXPECT_EQ(scan(txn, {"m", "n"}), ""); };
  EXPECT_EQ(commit_after(reads, "m5"), StatusCode::kConflict);
}

TEST_F(ConflictTest, OnlyThePartThatWasScannedConflicts) {
  put_all({"b", "d", "f"});
  const auto reads = [](Transaction& txn) {
    Cursor cursor = txn.scan(KeyRange::all());
    EXPECT_EQ(cursor.key(), "b");
    cursor.next();
    EXPECT_EQ(cursor.key(), "d");
  };
  EXPECT_EQ(commit_after(reads, "e"), StatusCode::kOk);
  EXPECT_EQ(commit_after(reads, "d"), StatusCode::kConflict);
}

TEST_F(ConflictTest, WhatASeekLeapsOverDoesNotConflict) {
  put_all({"b", "d", "f"});
  const auto reads = [](Transaction& txn) {
    Cursor cursor = txn.scan(KeyRange::all());
    cursor.seek("e");
    EXPECT_EQ(cursor.key(), "f");
  };
  EXPECT_EQ(commit_after(reads, "c"), StatusCode::kOk);
  EXPECT_EQ(commit_after(reads, "e5"), StatusCode::kConflict);
}

TEST_F(ConflictTest, DeletedKeysThatAScanPassedWereRead) {
  put_all({"b", "c", "d"});
  const auto reads = [](Transaction& txn) {
    EXPECT_TRUE(txn.del("c"));
    EXPECT_EQ(scan(txn, {"b", "e"}), "b=1 d=1");
  };
  EXPECT_EQ(commit_after(reads, "c"), StatusCode::kConflict);
}

TEST_F(ConflictTest, ATransactionThatOnlyReadsCommits) {
  put_all({"a"});
  Transaction txn = begin();
  EXPECT_EQ(scan(txn), "a=1");
  ASSERT_TRUE(store_.put("a", "2"));
  const auto version = txn.commit();
  ASSERT_TRUE(version) << version.status().to_string();
  EXPECT_EQ(*version, 1u);
}

TEST_F(ConflictTest, ConflictsAreCounted) {
  const auto reads = [](Transaction& txn) { EXPECT_TRUE(txn.get("m")); };
  EXPECT_EQ(commit_after(reads, "m"), StatusCode::kConflict);
  EXPECT_EQ(store_.stats()->conflicts, 1u);
}

TEST_F(TransactionTest, UpdateTriesAgainAfterAConflict) {
  put_all({"n"});
  int runs = 0;
  const auto version = store_.update([&](Transaction& txn) -> Status {
    HOLDFAST_ASSIGN(const auto value, txn.get("n"));
    if (++runs <= 3) HOLDFAST_TRY(store_.put("n", *value + "x").status());
    return txn.put("n", *value + "!");
  });
  ASSERT_TRUE(version) << version.status().to_string();
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(*store_.get("n"), "1xxx!");
}

TEST_F(TransactionTest, UpdateTakesItsTurnWhenConflictsDoNotEnd) {
  put_all({"n"});
  int runs = 0;
  const auto version = store_.update([&](Transaction& txn) -> Status {
    HOLDFAST_ASSIGN(const auto value, txn.get("n"));
    if (++runs <= 9) {  // the last time although the turn is another's: it gives way for a while
      HOLDFAST_TRY(store_.put("n", *value + "x").status());
    }
    return txn.put("n", *value + "!");
  });
  ASSERT_TRUE(version) << version.status().to_string();
  EXPECT_EQ(runs, 10);
}

TEST_F(TransactionTest, UpdateReturnsTheErrorOfItsWork) {
  int runs = 0;
  const auto result = store_.update([&](Transaction& txn) -> Status {
    ++runs;
    HOLDFAST_TRY(txn.put("a", "1"));
    return Status(StatusCode::kConditionFalse, "no");
  });
  EXPECT_EQ(result.status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(*store_.get("a"), std::nullopt);
}

TEST_F(TransactionTest, NothingWorksBehindTheCommit) {
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("a", "1"));
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(txn.put("b", "1").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.del("b").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.get("a").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.commit().status().code(), StatusCode::kInvalidArgument);
  Cursor cursor = txn.scan(KeyRange::all());
  EXPECT_FALSE(cursor.valid());
  EXPECT_EQ(cursor.status().code(), StatusCode::kInvalidArgument);
  cursor.seek("a");
  EXPECT_FALSE(cursor.valid());
  txn.abort();
  EXPECT_THAT(contents(store_), ElementsAre(testing::Pair("a", "1")));
}

TEST_F(TransactionTest, AnAbortedTransactionLeavesNothing) {
  {
    Transaction aborted = begin();
    ASSERT_TRUE(aborted.put("a", "1"));
    aborted.abort();
    EXPECT_EQ(aborted.commit().status().code(), StatusCode::kInvalidArgument);
    Transaction dropped = begin();
    ASSERT_TRUE(dropped.put("b", "1"));
  }
  EXPECT_THAT(contents(store_), IsEmpty());
  EXPECT_EQ(store_.stats()->commits, 0u);
}

TEST_F(TransactionTest, AClosedStoreReadsAndWritesNothing) {
  Transaction txn = begin();
  Snapshot snapshot = std::move(*store_.snapshot());
  ASSERT_TRUE(store_.close());
  EXPECT_EQ(store_.put("a", "1").status().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.get("a").status().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.begin().status().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.stats().status().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.check().status().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.flush().code(), StatusCode::kClosed);
  EXPECT_EQ(store_.checkpoint().code(), StatusCode::kClosed);
  EXPECT_EQ(txn.put("a", "1").code(), StatusCode::kClosed);
  EXPECT_EQ(txn.commit().status().code(), StatusCode::kClosed);
  EXPECT_EQ(snapshot.get("a").status().code(), StatusCode::kClosed);
  EXPECT_EQ(snapshot.scan(KeyRange::all()).status().code(), StatusCode::kClosed);
  EXPECT_TRUE(store_.close());
}

TEST_F(TransactionTest, KeysHaveALeastAndALargestSize) {
  const std::string largest(128, 'k');  // of pages of 512 bytes
  ASSERT_TRUE(store_.put(largest, "1"));
  EXPECT_EQ(*store_.get(largest), "1");
  EXPECT_EQ(store_.put(largest + "k", "1").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.put("", "1").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.del("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.get("").status().code(), StatusCode::kInvalidArgument);
  Transaction txn = begin();
  EXPECT_EQ(txn.put("", "1").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.del(largest + "k").code(), StatusCode::kInvalidArgument);
}

TEST_F(TransactionTest, ValuesHaveALargestSize) {
  const std::string largest(1u << 20, 'v');
  ASSERT_TRUE(store_.put("a", largest));
  EXPECT_EQ(*store_.get("a"), largest);
  EXPECT_EQ(store_.put("a", largest + "v").status().code(), StatusCode::kTooLarge);
  Transaction txn = begin();
  EXPECT_EQ(txn.put("a", largest + "v").code(), StatusCode::kTooLarge);
  ASSERT_TRUE(txn.put("b", ""));
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(*store_.get("b"), "");
}

TEST_F(TransactionTest, ATransactionHasALargestSum) {
  Transaction txn = begin();
  const std::string largest(1u << 20, 'v');
  for (int i = 0; i < 63; ++i) ASSERT_TRUE(txn.put("k" + std::to_string(i), largest));
  // What takes the place of something counts once.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(txn.put("k0", largest));
  EXPECT_EQ(txn.put("last", largest).code(), StatusCode::kTooLarge);
  // What was refused does not count.
  ASSERT_TRUE(txn.put("last", "small"));
  ASSERT_TRUE(txn.del("k1"));
  ASSERT_TRUE(txn.put("k1b", largest));
}

TEST_F(TransactionTest, ATransactionHasALargestCountOfKeys) {
  Transaction txn = begin();
  for (uint32_t i = 0; i < 256u << 10; ++i) ASSERT_TRUE(txn.put(std::to_string(i), ""));
  EXPECT_EQ(txn.put("one more", "").code(), StatusCode::kTooLarge);
  EXPECT_TRUE(txn.put("7", "again"));
}

TEST_F(TransactionTest, AViewOfAValueNeedsNoCopy) {
  ASSERT_TRUE(store_.put("small", "value"));
  const std::string large(3000, 'x');
  ASSERT_TRUE(store_.put("large", large));
  Snapshot snapshot = std::move(*store_.snapshot());
  EXPECT_EQ(**snapshot.get_view("small"), "value");
  EXPECT_EQ(**snapshot.get_view("large"), large);
  EXPECT_EQ(*snapshot.get_view("none"), std::nullopt);
}

TEST_F(TransactionTest, ATransactionOlderThanTheKeptLogIsTooOld) {
  Transaction txn = begin();
  ASSERT_TRUE(txn.get("m"));
  const std::string value(1000, 'v');
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(store_.put("a", value));
    ASSERT_TRUE(store_.checkpoint());
  }
  ASSERT_TRUE(txn.put("b", "1"));
  EXPECT_EQ(txn.commit().status().code(), StatusCode::kTooOld);
}

TEST_F(TransactionTest, ALongTransactionValidatesAgainstSeveralSegments) {
  Transaction txn = begin();
  ASSERT_TRUE(txn.get("m"));
  const std::string value(1000, 'v');
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store_.put("a", value));
  ASSERT_TRUE(store_.checkpoint());
  ASSERT_TRUE(store_.put("a", value));
  ASSERT_TRUE(store_.checkpoint());
  ASSERT_TRUE(txn.put("b", "1"));
  const auto version = txn.commit();
  EXPECT_TRUE(version) << version.status().to_string();
}

}  // namespace
}  // namespace holdfast
