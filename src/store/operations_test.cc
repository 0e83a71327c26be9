// Stamped puts, numbers and deleted ranges: what a transaction sees of its own, what others see of
// them, what conflicts, and random ones against a map.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "base/ordered_key.h"
#include "store/test_machine.h"

namespace holdfast {
namespace {

using store::contents;
using store::TestMachine;
using testing::HasSubstr;
using testing::IsEmpty;

std::string big_endian(uint64_t value) {
  std::string bytes;
  append_ordered_u64(bytes, value);
  return bytes;
}

std::string keys_of(Reader& reader, const KeyRange& range = KeyRange::all()) {
  std::string text;
  Cursor cursor = reader.scan(range);
  for (; cursor.valid(); cursor.next()) text += std::string(cursor.key()) + " ";
  EXPECT_TRUE(cursor.status()) << cursor.status().to_string();
  return text;
}

class OperationsTest : public testing::Test {
 protected:
  explicit OperationsTest(const StoreOptions& options = TestMachine::small_store())
      : store_(machine_.open(options)) {}
  Transaction begin() {
    auto txn = store_.begin();
    EXPECT_TRUE(txn) << txn.status().to_string();
    return std::move(*txn);
  }
  std::optional<int64_t> number(const std::string& key) {
    const auto value = store_.get(key);
    EXPECT_TRUE(value);
    return *value ? decode_number(**value) : std::nullopt;
  }
  void expect_sound() { EXPECT_THAT(store_.check()->problems, IsEmpty()); }
  TestMachine machine_;
  Store store_;
};

// --- Numbers

TEST_F(OperationsTest, AdditionsOfConcurrentTransactionsNeverConflict) {
  std::vector<Transaction> open;
  for (int i = 0; i < 16; ++i) {
    open.push_back(begin());
    ASSERT_TRUE(open.back().add("n", i));
    ASSERT_TRUE(open.back().raise("m", i));
  }
  for (Transaction& txn : open) EXPECT_TRUE(txn.commit());
  EXPECT_EQ(number("n"), 120);
  EXPECT_EQ(number("m"), 15);
}

TEST_F(OperationsTest, WhoReadsANumberConflictsWithItsChanges) {
  ASSERT_TRUE(store_.add("n", 1));
  Transaction reader = begin();
  ASSERT_TRUE(reader.add("n", 10));
  EXPECT_EQ(decode_number(**reader.get("n")), 11);
  ASSERT_TRUE(store_.add("n", 1));
  EXPECT_EQ(reader.commit().status().code(), StatusCode::kConflict);
  EXPECT_EQ(number("n"), 2);
}

TEST_F(OperationsTest, OwnReadsSeeChangedNumbers) {
  ASSERT_TRUE(store_.add("a", 5));
  ASSERT_TRUE(store_.put("t", "text"));
  Transaction txn = begin();
  ASSERT_TRUE(txn.add("a", 2));
  ASSERT_TRUE(txn.add("b", 3));
  ASSERT_TRUE(txn.add("t", 3));
  EXPECT_EQ(decode_number(**txn.get("a")), 7);
  EXPECT_EQ(decode_number(**txn.get("b")), 3);
  EXPECT_EQ(**txn.get("t"), "text");
  Cursor cursor = txn.scan({});
  EXPECT_EQ(decode_number(cursor.value()), 7);
  cursor.next();
  EXPECT_EQ(decode_number(cursor.value()), 3);
  cursor.next();
  EXPECT_EQ(cursor.value(), "text");
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(number("a"), 7);
  EXPECT_EQ(number("b"), 3);
  EXPECT_EQ(**store_.get("t"), "text");
}

TEST_F(OperationsTest, AChangeBehindAPutOrADeletionOfTheSameTransactionIsKnown) {
  ASSERT_TRUE(store_.add("a", 100));
  ASSERT_TRUE(store_.add("b", 100));
  ASSERT_TRUE(store_.add("c", 100));
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("a", encode_number(1)));
  ASSERT_TRUE(txn.add("a", 1));
  ASSERT_TRUE(txn.del("b"));
  ASSERT_TRUE(txn.raise("b", -4));
  ASSERT_TRUE(txn.del_range({"c", "d"}));
  ASSERT_TRUE(txn.add("c", 7));
  ASSERT_TRUE(txn.put("t", "text"));
  EXPECT_EQ(txn.add("t", 1).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(txn.commit());
  EXPECT_EQ(number("a"), 2);
  EXPECT_EQ(number("b"), -4);
  EXPECT_EQ(number("c"), 7);
}

// --- Stamps

TEST_F(OperationsTest, AStampIsTheVersionOfTheCommit) {
  Transaction txn = begin();
  ASSERT_TRUE(txn.put_stamped("a/", "/x", "1"));
  ASSERT_TRUE(txn.put_stamped("d/", "", "2", {.descending = true, .has_time = true}));
  EXPECT_EQ(**txn.get("a/" + big_endian(~0ull) + "/x"), "1");
  EXPECT_EQ(**txn.get("d/" + big_endian(0)), std::string(8, '\xff') + "2");
  const auto version = txn.commit();
  ASSERT_TRUE(version);
  EXPECT_EQ(**store_.get("a/" + big_endian(*version) + "/x"), "1");
  const auto timed = store_.get("d/" + big_endian(~*version));
  EXPECT_EQ((*timed)->substr(8), "2");
  const uint64_t time_us = static_cast<uint64_t>(*decode_number((*timed)->substr(0, 8)));
  EXPECT_LE(time_us, machine_.os().wall_time_us());
  EXPECT_GT(time_us, machine_.os().wall_time_us() - 10'000'000);
  EXPECT_EQ(contents(store_).size(), 2u);
  expect_sound();
}

TEST_F(OperationsTest, AppendingNeverConflictsAndKeepsTheOrderOfCommits) {
  std::vector<Transaction> open;
  for (int i = 0; i < 16; ++i) {
    open.push_back(begin());
    ASSERT_TRUE(open.back().put_stamped("log/", "", std::to_string(15 - i)));
  }
  for (size_t i = 16; i-- > 0;) EXPECT_TRUE(open[i].commit());
  std::string order;
  for (const auto& [key, value] : contents(store_)) order += value + " ";
  EXPECT_EQ(order, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ");
}

TEST_F(OperationsTest, AStampedKeyConflictsWithReadsOfItsPlaceOnly) {
  Transaction elsewhere = begin();
  ASSERT_TRUE(elsewhere.get("log/" + big_endian(7)));
  ASSERT_TRUE(elsewhere.put("a", "1"));
  Transaction there = begin();
  EXPECT_EQ(keys_of(there, KeyRange::prefix("log/")), "");
  ASSERT_TRUE(there.put("b", "1"));
  Transaction txn = begin();
  ASSERT_TRUE(txn.put_stamped("log/", "", "1"));
  EXPECT_EQ(*txn.commit(), 1u);
  EXPECT_TRUE(elsewhere.commit());
  EXPECT_EQ(there.commit().status().code(), StatusCode::kConflict);
}

TEST_F(OperationsTest, StampedKeysHaveTheLimitsOfOthers) {
  Transaction txn = begin();
  EXPECT_TRUE(txn.put_stamped(std::string(120, 'k'), "", ""));
  EXPECT_EQ(txn.put_stamped(std::string(120, 'k'), "x", "").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(txn.put_stamped("k", "", std::string(1u << 20, 'v'), {.has_time = true}).code(),
            StatusCode::kTooLarge);
}

// --- Ranges

TEST_F(OperationsTest, ADeletedRangeIsGoneAndWhatIsWrittenBehindItStays) {
  for (const char* key : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(store_.put(key, "1"));
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bb", "2"));
  ASSERT_TRUE(txn.del_range({"b", "d"}));
  ASSERT_TRUE(txn.put("c", "3"));
  EXPECT_EQ(*txn.get("b"), std::nullopt);
  EXPECT_EQ(*txn.get("bb"), std::nullopt);
  EXPECT_EQ(keys_of(txn), "a c d e ");
  ASSERT_TRUE(txn.commit());
  EXPECT_THAT(contents(store_),
              testing::ElementsAre(testing::Pair("a", "1"), testing::Pair("c", "3"),
                                   testing::Pair("d", "1"), testing::Pair("e", "1")));
  ASSERT_TRUE(begin().del_range({"b", "b"}));
  Transaction rest = begin();
  ASSERT_TRUE(rest.del_range(KeyRange::all()));
  EXPECT_EQ(keys_of(rest), "");
  ASSERT_TRUE(rest.commit());
  EXPECT_THAT(contents(store_), IsEmpty());
  expect_sound();
}

TEST_F(OperationsTest, ARangeDeletedBelowACursorIsPassedOver) {
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(store_.put(key, "1"));
  Transaction txn = begin();
  ASSERT_TRUE(txn.put("bb", "2"));
  Cursor cursor = txn.scan({});
  cursor.next();
  cursor.next();
  EXPECT_EQ(cursor.key(), "bb");
  ASSERT_TRUE(txn.del_range({"b", "cc"}));
  EXPECT_EQ(cursor.key(), "bb");
  cursor.next();
  ASSERT_TRUE(cursor.valid());
  EXPECT_EQ(cursor.key(), "d");
}

TEST_F(OperationsTest, DeletingARangeConflictsWithReadsInIt) {
  ASSERT_TRUE(store_.put("b", "1"));
  std::vector<Transaction> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(begin());
  ASSERT_TRUE(readers[0].get("c"));  // absent, but in the range
  EXPECT_EQ(keys_of(readers[1], {"cc", "x"}), "");
  ASSERT_TRUE(readers[2].get("d"));
  Transaction txn = begin();
  ASSERT_TRUE(txn.del_range({"b", "d"}));
  ASSERT_TRUE(txn.commit());
  for (Transaction& reader : readers) ASSERT_TRUE(reader.put("z", "1"));
  EXPECT_EQ(readers[0].commit().status().code(), StatusCode::kConflict);
  EXPECT_EQ(readers[1].commit().status().code(), StatusCode::kConflict);
  EXPECT_TRUE(readers[2].commit());
}

TEST_F(OperationsTest, ALargeRangeTakesOneOperationAndGivesItsPagesBack) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(store_.update([&](Transaction& txn) -> Status {
      for (int k = 0; k < 200; ++k) {
        HOLDFAST_TRY(txn.put("k" + std::to_string(i * 200 + k), std::string(k % 50 * 20, 'v')));
      }
      return Status::ok();
    }));
  }
  ASSERT_TRUE(store_.checkpoint());
  ASSERT_TRUE(store_.checkpoint());
  const auto pages_used = [&] {
    const auto stats = store_.stats();
    return stats->file_pages - stats->free_pages - stats->retired_pages;
  };
  const uint64_t before = pages_used();
  ASSERT_TRUE(store_.update([](Transaction& txn) { return txn.del_range({"k1", "k9"}); }));
  expect_sound();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(store_.put("x", "1"));
    ASSERT_TRUE(store_.checkpoint());
  }
  EXPECT_LT(pages_used(), before / 4);
  EXPECT_EQ(store_.stats()->leaked_pages, 0u);
  expect_sound();
}

// --- Random transactions against a map, several of them folded into one batch.

class RandomOperationsTest : public OperationsTest {
 protected:
  RandomOperationsTest() : OperationsTest(options()) {}
  static StoreOptions options() {
    StoreOptions options = TestMachine::small_store();
    options.durability = Durability::batched;
    return options;
  }

  using Model = std::map<std::string, std::string>;
  // What a transaction did, to be done to the model at its version.
  using Effect = std::function<void(Model&, uint64_t version)>;

  // The first key on which they differ, "" if none.
  static std::string difference(const Model& a, const Model& b) {
    for (const auto* one : {&a, &b}) {
      for (const auto& [key, value] : *one) {
        const auto in_a = a.find(key), in_b = b.find(key);
        if (in_a == a.end()) return key + " is missing";
        if (in_b == b.end()) return key + " is too many";
        if (in_a->second != in_b->second) return key + " differs: " + in_a->second;
      }
    }
    return "";
  }

  std::string random_key() {
    const uint64_t number = random_() % 400;
    return (number % 3 == 0 ? "n" : "k") + std::to_string(number);
  }

  static void change(Model& model, const std::string& key, int64_t operand, bool is_addition) {
    const auto found = model.find(key);
    std::optional<int64_t> base;
    if (found != model.end()) {
      base = decode_number(found->second);
      if (!base) return;
    }
    const int64_t sum = static_cast<int64_t>(static_cast<uint64_t>(base.value_or(0)) +
                                             static_cast<uint64_t>(operand));
    model[key] = encode_number(is_addition ? sum : std::max(base.value_or(operand), operand));
  }

  Effect put(Transaction& txn, const std::string& key) {
    std::string value(random_() % 60, 'v');
    if (random_() % 30 == 0) value.resize(1500, 'w');
    if (random_() % 3 == 0) value = encode_number(static_cast<int32_t>(random_()));
    EXPECT_TRUE(txn.put(key, value));
    return [=](Model& model, uint64_t) { model[key] = value; };
  }
  Effect change(Transaction& txn, const std::string& key) {
    const int64_t operand = static_cast<int32_t>(random_());
    const bool is_addition = random_() % 3 != 0;
    const Status status = is_addition ? txn.add(key, operand) : txn.raise(key, operand);
    if (!status) return [](Model&, uint64_t) {};  // its own value there is no number
    return [=](Model& model, uint64_t) { change(model, key, operand, is_addition); };
  }
  Effect put_stamped(Transaction& txn) {
    const bool descending = random_() % 2 == 0;
    const std::string before = descending ? "d/" : "a/";
    const std::string after = std::to_string(random_() % 3);
    EXPECT_TRUE(txn.put_stamped(before, after, after, {.descending = descending}));
    return [=](Model& model, uint64_t version) {
      model[before + big_endian(descending ? ~version : version) + after] = after;
    };
  }
  Effect del_range(Transaction& txn) {
    std::string begin = random_key(), end = random_() % 15 == 0 ? "" : random_key();
    if (random_() % 15 == 0) begin.clear();
    if (random_() % 2 == 0 && end > begin) end = begin + "5";  // a small one
    EXPECT_TRUE(txn.del_range({begin, end}));
    return [=](Model& model, uint64_t) {
      if (!end.empty() && begin >= end) return;
      model.erase(model.lower_bound(begin), end.empty() ? model.end() : model.lower_bound(end));
    };
  }

  Effect act(Transaction& txn) {
    switch (random_() % 12) {
      case 0:
        return del_range(txn);
      case 1:
      case 2:
        return put_stamped(txn);
      case 3:
      case 4: {
        const std::string key = random_key();
        EXPECT_TRUE(txn.del(key));
        return [=](Model& model, uint64_t) { model.erase(key); };
      }
      case 5:
      case 6:
      case 7:
        return put(txn, random_key());
      default:
        return change(txn, random_key());
    }
  }

  std::mt19937 random_{17};
};

TEST_F(RandomOperationsTest, HaveTheEffectOfOneAfterTheOther) {
  Model model;
  for (int round = 0; round < 150; ++round) {
    std::vector<Transaction> open;
    std::vector<std::vector<Effect>> effects;
    for (unsigned i = 0; i < 1 + random_() % 6; ++i) {
      open.push_back(begin());
      effects.emplace_back();
      for (unsigned k = 0; k < 1 + random_() % 20; ++k) effects.back().push_back(act(open.back()));
    }
    for (size_t i = 0; i < open.size(); ++i) {
      const auto version = open[i].commit();
      ASSERT_TRUE(version) << version.status().to_string();
      for (const Effect& effect : effects[i]) effect(model, *version);
    }
    ASSERT_EQ(difference(contents(store_), model), "") << "round " << round;
    if (round % 10 == 0) expect_sound();
    if (HasFailure()) return;
  }
}

// The same log, replayed in other batches, onto the tree of an older checkpoint.
TEST_F(RandomOperationsTest, AreReplayedToTheSameState) {
  for (int round = 0; round < 12; ++round) {
    for (int i = 0; i < 30; ++i) {
      Transaction txn = begin();
      for (int k = 0; k < 8; ++k) act(txn);
      ASSERT_TRUE(txn.commit());
    }
    const Model before = contents(store_);
    if (round % 3 == 2) {
      ASSERT_TRUE(store_.checkpoint());
    } else {
      { const Store gone = std::move(store_); }
      machine_.reboot();
      store_ = machine_.open(options());
      EXPECT_TRUE(store_.recovery().cold);
    }
    ASSERT_EQ(difference(contents(store_), before), "") << "round " << round;
    expect_sound();
  }
}

}  // namespace
}  // namespace holdfast
