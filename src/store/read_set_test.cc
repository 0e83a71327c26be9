#include "store/read_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "store/published.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

// Keys of up to two letters, and what surrounds them.
std::string random_key(std::mt19937& random) {
  std::string key(random() % 3, 'a');
  for (char& letter : key) letter = "a\0\xff"[random() % 3];
  return key;
}

TEST(ReadSetTest, AnEmptySetHoldsNothing) {
  const ReadSet reads;
  EXPECT_TRUE(reads.empty());
  EXPECT_FALSE(reads.contains(""));
  EXPECT_FALSE(reads.contains("a"));
}

TEST(ReadSetTest, ARangeHoldsItsBeginButNotItsEnd) {
  ReadSet reads;
  reads.add_range("b", "d");
  EXPECT_FALSE(reads.contains("a"));
  EXPECT_TRUE(reads.contains("b"));
  EXPECT_TRUE(reads.contains("c\xff"));
  EXPECT_FALSE(reads.contains("d"));
}

TEST(ReadSetTest, ARangeWithoutAnEndHoldsAllAbove) {
  ReadSet reads;
  reads.add_range("m", "");
  reads.add_range("p", "");
  EXPECT_FALSE(reads.contains("l"));
  EXPECT_TRUE(reads.contains("m"));
  EXPECT_TRUE(reads.contains("\xff\xff\xff"));
}

TEST(ReadSetTest, AnEmptyRangeHoldsNothing) {
  ReadSet reads;
  reads.add_range("m", "m");
  reads.add_range("m", "a");
  EXPECT_TRUE(reads.empty());
}

TEST(ReadSetTest, RandomReadsMatchAListOfThem) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    ReadSet reads;
    std::vector<std::pair<std::string, std::string>> ranges;
    std::vector<std::string> keys;
    for (unsigned i = 0; i < 1 + random() % 12; ++i) {
      std::string a = random_key(random);
      std::string b = random_key(random);
      if (random() % 4 == 0) {
        reads.add_key(a);
        keys.push_back(std::move(a));
      } else {
        if (random() % 20 != 0 && b.empty()) b = "b";
        reads.add_range(a, b);
        ranges.emplace_back(std::move(a), std::move(b));
      }
    }
    for (int i = 0; i < 40; ++i) {
      const std::string key = random_key(random);
      bool expected = std::find(keys.begin(), keys.end(), key) != keys.end();
      for (const auto& [begin, end] : ranges) {
        expected = expected || (key >= begin && (end.empty() || key < end));
      }
      ASSERT_EQ(reads.contains(key), expected) << testing::PrintToString(key);
    }
  }
}

class ValidationTest : public testing::Test {
 protected:
  Tail tail() { return read_tail(context_->control().tail); }
  log::Position position() { return tail().position(); }
  Status validate_from(log::Position& from, const ReadSet& reads) {
    return validate(*context_, reads, from, tail());
  }
  TestMachine machine_;
  Store store_ = machine_.open();
  std::unique_ptr<Context> context_ = machine_.attach();
};

TEST_F(ValidationTest, CommitsOfOtherKeysDoNotConflict) {
  log::Position from = position();
  ASSERT_TRUE(store_.put("a", "1"));
  ASSERT_TRUE(store_.del("b"));
  ReadSet reads;
  reads.add_key("c");
  reads.add_range("d", "");
  EXPECT_TRUE(validate_from(from, reads));
  EXPECT_LE(from.lsn, position().lsn);  // a note may lie between
  EXPECT_EQ(from.version, 2u);
}

TEST_F(ValidationTest, AConflictNamesTheKeyAndTheCommit) {
  log::Position from = position();
  ASSERT_TRUE(store_.put("a", "1"));
  ASSERT_TRUE(store_.put(std::string("k\x01\xff", 3), "1"));
  ReadSet reads;
  reads.add_range("b", "z");
  const Status status = validate_from(from, reads);
  EXPECT_EQ(status.code(), StatusCode::kConflict);
  EXPECT_EQ(status.version(), 2u);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("\"k\\x01\\xff\""));
}

TEST_F(ValidationTest, ALongKeyIsShownInPart) {
  log::Position from = position();
  ASSERT_TRUE(store_.put(std::string(100, 'k'), "1"));
  ReadSet reads;
  reads.add_range("", "");
  EXPECT_THAT(std::string(validate_from(from, reads).message()),
              testing::HasSubstr("\"" + std::string(64, 'k') + "...\""));
}

TEST_F(ValidationTest, ADeletionConflicts) {
  ASSERT_TRUE(store_.put("a", "1"));
  log::Position from = position();
  ASSERT_TRUE(store_.del("a"));
  ReadSet reads;
  reads.add_key("a");
  EXPECT_EQ(validate_from(from, reads).code(), StatusCode::kConflict);
}

TEST_F(ValidationTest, ValidationGoesOnWhereItStopped) {
  log::Position from = position();
  ASSERT_TRUE(store_.put("a", "1"));
  ReadSet reads;
  reads.add_key("b");
  ASSERT_TRUE(validate_from(from, reads));
  reads.add_key("a");  // changed before; looked at already
  EXPECT_TRUE(validate_from(from, reads));
  ASSERT_TRUE(store_.put("a", "2"));
  EXPECT_EQ(validate_from(from, reads).code(), StatusCode::kConflict);
}

TEST_F(ValidationTest, ALogThatIsGoneMeansTooOld) {
  log::Position from = position();
  const std::string value(1000, 'v');
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(store_.put("a", value));
  ASSERT_TRUE(store_.checkpoint());
  ASSERT_TRUE(store_.put("a", value));
  ASSERT_TRUE(store_.checkpoint());
  ReadSet reads;
  reads.add_key("b");
  auto fresh = machine_.attach();  // remembers no open segment
  EXPECT_EQ(validate(*fresh, reads, from, tail()).code(), StatusCode::kTooOld);
}

TEST_F(ValidationTest, ADamagedLogMeansTooOld) {
  log::Position from = position();
  const uint64_t offset = log::lsn_offset(from.lsn);
  ASSERT_TRUE(store_.put("a", "1"));
  ASSERT_TRUE(store_.put("a", "2"));
  machine_.flip(machine_.log_path(1), offset + sizeof(log::RecordHeader));
  ReadSet reads;
  reads.add_key("b");
  EXPECT_EQ(validate_from(from, reads).code(), StatusCode::kTooOld);
}

}  // namespace
}  // namespace holdfast::store
