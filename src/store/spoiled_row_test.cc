// Rows of the store itself whose checksums are right and whose contents are not, as a bug or
// another program would have left them: what reads them says so, and nothing else suffers. And
// transactions that are nearly full, at each write that does not fit any more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "holdfast/history.h"
#include "store/history_rows.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

class SpoiledRowTest : public testing::Test {
 protected:
  SpoiledRowTest() {
    for (uint64_t round = 0; round < 4; ++round) {
      CHECK(change([&](Transaction& txn) -> Status {
        if (round == 0) HOLDFAST_TRY(history_.keep(txn, {std::chrono::seconds(0), 2}));
        HOLDFAST_TRY(history_.put(txn, "a", std::to_string(round)));
        HOLDFAST_TRY(history_.put(txn, "b", std::to_string(round)));
        return history_.put(txn, "c" + std::to_string(round), "x");
      }));
    }
    CHECK(history_.trim_step(*store_, {std::chrono::seconds(0), 3}, now()).is_ok());
    CHECK(store_->put("other", "1").is_ok());
  }

  static uint64_t now() { return 4'000'000'000'000'000; }
  bool change(const Store::Work& work) { return store_->update(work).is_ok(); }
  // The rows of the history and those about it.
  std::vector<std::pair<std::string, std::string>> rows() {
    std::vector<std::pair<std::string, std::string>> found;
    Snapshot all = std::move(*store_->snapshot());
    for (const std::string& prefix : {history_.prefix(), retention_key("")}) {
      Cursor cursor = all.scan(KeyRange::prefix(prefix));
      for (; cursor.valid(); cursor.next()) found.emplace_back(cursor.key(), cursor.value());
    }
    return found;
  }

  static Status walk(HistoryCursor cursor) {
    while (cursor.valid()) cursor.next();
    return cursor.status();
  }
  // The first error of all that reads or writes the history. Each is asked.
  std::vector<Status> ask_all() {
    Snapshot reader = std::move(*store_->snapshot());
    std::vector<Status> answers;
    for (const AsOf& as_of : {AsOf::latest(), AsOf::version(reader.version()), AsOf::version(2),
                              AsOf::time_us(now()), AsOf::time_us(5)}) {
      for (const char* key : {"a", "c1", "none"}) {
        answers.push_back(history_.find(reader, key, as_of).status());
      }
      answers.push_back(walk(history_.scan(reader, KeyRange::all(), as_of)));
    }
    answers.push_back(history_.versions(reader, "a", 10).status());
    answers.push_back(history_.floor(reader).status());
    answers.push_back(history_.kept(reader).status());
    answers.push_back(list_histories(reader, 10).status());
    answers.push_back(store_->stats().status());
    answers.push_back(store_->trim_histories().status());
    for (const Retention& retention :
         {Retention{std::chrono::seconds(0), 1}, Retention{std::chrono::seconds(1), 0},
          Retention{std::chrono::seconds(1), 2}}) {
      answers.push_back(history_.trim_step(*store_, retention, now()).status());
    }
    answers.push_back(
        store_->update([&](Transaction& txn) { return history_.put(txn, "d", "1"); }).status());
    answers.push_back(
        store_->update([&](Transaction& txn) { return history_.stop_keeping(txn); }).status());
    return answers;
  }

  TestMachine machine_;
  std::optional<Store> store_{machine_.open()};
  const History history_{"kept/"};
};

TEST_F(SpoiledRowTest, EachRowOfAHistoryIsToldOfAndTheOthersAreRead) {
  const std::set<StatusCode> expected = {StatusCode::kOk, StatusCode::kCorruption,
                                         StatusCode::kUnsupported, StatusCode::kTooOld,
                                         StatusCode::kInvalidArgument};
  const auto all = rows();
  ASSERT_GT(all.size(), 10u);
  for (const auto& row : all) {
    const std::string &key = row.first, &value = row.second;
    int told = 0;
    for (const std::string& spoiled :
         {std::string(), std::string("x"), std::string(value.size(), '\xff'),
          value.substr(0, value.size() / 2), value + "and more", std::string(8, '\0'),
          std::string(value.size(), '\x02')}) {
      // Everything as it was first, for the questions change what they can.
      ASSERT_TRUE(change([&](Transaction& txn) -> Status {
        HOLDFAST_TRY(txn.del_range(KeyRange::prefix(history_.prefix())));
        for (const auto& [each, whole] : all) HOLDFAST_TRY(txn.put(each, whole));
        return txn.put(key, spoiled);
      }));
      for (const Status& answer : ask_all()) {
        EXPECT_TRUE(expected.contains(answer.code())) << answer.to_string();
        told +=
            answer.code() == StatusCode::kCorruption || answer.code() == StatusCode::kUnsupported;
      }
      EXPECT_EQ(*store_->get("other"), "1");
    }
    // Any number may be how many there are.
    const bool is_count = key == version_count_key("kept/") || key == byte_count_key("kept/");
    EXPECT_TRUE(told > 0 || is_count) << "row " << testing::PrintToString(key);
  }
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(SpoiledRowTest, AKeyThatNoHistoryWritesIsToldOf) {
  for (const std::string& tail :
       {std::string("x"), std::string(3, '\x01'), std::string(8, '\x01'), std::string(9, '\x01'),
        std::string("a\0\x01\xff\xff\xff\xff\xff\xff\xff", 10), "zz" + std::string(8, '\x01')}) {
    ASSERT_TRUE(store_->put(history_.prefix() + tail, std::string(9, '\0')));
    bool told = false;
    for (const Status& answer : ask_all()) told |= answer.code() == StatusCode::kCorruption;
    EXPECT_TRUE(told) << testing::PrintToString(tail);
    ASSERT_TRUE(store_->del(history_.prefix() + tail));
  }
}

// The names of snapshots are such rows, too: who cannot tell what they pin lets nothing go.
TEST_F(SpoiledRowTest, ANamedSnapshotWhoseRowIsSpoiledKeepsTheStoreOpenable) {
  ASSERT_TRUE(store_->create_snapshot("name"));
  std::string key;
  std::string value;
  {
    Snapshot all = std::move(*store_->snapshot());
    const std::string own("\x0f", 1);
    Cursor cursor = all.scan(KeyRange::prefix(own));
    for (; cursor.valid(); cursor.next()) {
      if (!cursor.key().ends_with("name")) continue;
      key = cursor.key();
      value = cursor.value();
    }
  }
  ASSERT_FALSE(key.empty());
  for (const std::string& spoiled :
       {std::string("x"), std::string(value.size(), '\0'), value + "x"}) {
    ASSERT_TRUE(store_->put(key, spoiled));
    EXPECT_EQ(store_->open_snapshot("name").status().code(), StatusCode::kCorruption);
    EXPECT_FALSE(store_->check()->problems.empty());
    for (const bool cold : {false, true}) {
      store_.reset();
      if (cold) machine_.reboot();
      store_.emplace(machine_.open());
      for (int i = 0; i < 30; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i % 5), "v"));
      EXPECT_TRUE(store_->checkpoint());
      EXPECT_EQ(*store_->get("other"), "1");
      EXPECT_FALSE(store_->check()->problems.empty());
    }
  }
  ASSERT_TRUE(store_->put(key, value));
  EXPECT_THAT(store_->check()->problems, IsEmpty());
  EXPECT_TRUE(store_->drop_snapshot("name"));
}

// --- Transactions that are nearly full.

constexpr uint64_t kTransactionBytesMax = 64u << 20;

// A transaction that has room for so many bytes.
Transaction nearly_full(Store& store, uint64_t room) {
  constexpr uint64_t kKeySize = 8, kValueMax = 1u << 20;
  Transaction txn = std::move(*store.begin());
  const std::string value(kValueMax, 'f');
  uint64_t left = kTransactionBytesMax - room;
  for (int i = 0; left > 0; ++i) {
    const uint64_t size = left >= 2 * kValueMax ? kValueMax : std::min(left / 2, left - kKeySize);
    const uint64_t taken = left <= kValueMax ? left - kKeySize : size;
    CHECK(txn.put(std::to_string(10'000'000 + i), std::string_view(value).substr(0, taken)));
    left -= kKeySize + taken;
  }
  return txn;
}

TEST_F(SpoiledRowTest, AWriteThatDoesNotFitAnyMoreIsRefused) {
  const std::pair<const char*, std::function<Status(Transaction&)>> writes[] = {
      {"put", [](Transaction& txn) { return txn.put("key", "value"); }},
      {"del", [](Transaction& txn) { return txn.del("key"); }},
      {"add", [](Transaction& txn) { return txn.add("key", 1); }},
      {"raise", [](Transaction& txn) { return txn.raise("key", 1); }},
      {"stamp", [](Transaction& txn) { return txn.put_stamped("key", "", "value"); }},
      {"range",
       [](Transaction& txn) {
         return txn.del_range({"key", "kez"});
       }},
      {"history put", [&](Transaction& txn) { return history_.put(txn, "a", "value"); }},
      {"history del", [&](Transaction& txn) { return history_.del(txn, "a"); }},
      {"keep",
       [&](Transaction& txn) {
         return history_.keep(txn, {std::chrono::seconds(5), 0});
       }},
      {"stop", [&](Transaction& txn) { return history_.stop_keeping(txn); }},
      {"begin here", [&](Transaction& txn) { return history_.begin_here(txn); }},
      {"erase", [&](Transaction& txn) { return history_.erase(txn); }},
  };
  for (const auto& [name, write] : writes) {
    SCOPED_TRACE(name);
    int refused = 0;
    Status status;
    for (uint64_t room = 0; room < 400; room += room < 40 ? 3 : 14) {
      Transaction txn = nearly_full(*store_, room);
      status = write(txn);
      if (status) break;
      EXPECT_EQ(status.code(), StatusCode::kTooLarge) << status.to_string();
      ++refused;
    }
    EXPECT_TRUE(status) << "it fits into 400 bytes";
    EXPECT_GT(refused, 0);
  }
}

}  // namespace
}  // namespace holdfast::store
