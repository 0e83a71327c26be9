#include "holdfast/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "store/test_machine.h"

namespace holdfast {
namespace {

using store::TestMachine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HistoryTest : public testing::Test {
 protected:
  uint64_t put(const std::string& key, const std::string& value) {
    const auto version =
        store_.update([&](Transaction& txn) { return history_.put(txn, key, value); });
    EXPECT_TRUE(version) << version.status().to_string();
    return *version;
  }
  uint64_t del(const std::string& key) {
    return *store_.update([&](Transaction& txn) { return history_.del(txn, key); });
  }
  // "-" for none, the code's name for an error.
  std::string get(const std::string& key, const AsOf& as_of = {}) {
    auto snapshot = store_.snapshot();
    const auto value = history_.get(*snapshot, key, as_of);
    if (!value) return std::string(status_code_name(value.status().code()));
    return value->value_or("-");
  }
  std::string scan(const KeyRange& range = {}, const AsOf& as_of = {}) {
    auto snapshot = store_.snapshot();
    std::string text;
    HistoryCursor cursor = history_.scan(*snapshot, range, as_of);
    for (; cursor.valid(); cursor.next()) {
      text += std::string(cursor.key()) + "=" + std::string(cursor.value()) + " ";
    }
    if (!cursor.status()) text += status_code_name(cursor.status().code());
    return text;
  }
  std::vector<std::string> versions(const std::string& key, size_t limit = 100,
                                    uint64_t before = ~0ull) {
    auto snapshot = store_.snapshot();
    std::vector<std::string> all;
    const auto kept = history_.versions(*snapshot, key, limit, before);
    EXPECT_TRUE(kept);
    for (const KeyVersion& version : *kept) {
      all.push_back(std::to_string(version.version) + (version.is_deletion ? "-" : "=") +
                    version.value);
    }
    return all;
  }
  uint64_t time_of(const std::string& key, uint64_t version) {
    auto snapshot = store_.snapshot();
    const auto all = history_.versions(*snapshot, key, 1000);
    EXPECT_TRUE(all);
    for (const KeyVersion& kept : *all) {
      if (kept.version == version) return kept.time_us;
    }
    return 0;
  }
  // Until there is nothing more to do; returns how many keys were trimmed.
  uint64_t trim(const Retention& retention, uint64_t now_us, size_t keys_max = 2) {
    uint64_t trimmed = 0;
    std::string from;
    do {
      const auto step = history_.trim_step(store_, retention, now_us, from, keys_max);
      EXPECT_TRUE(step) << step.status().to_string();
      if (!step) break;
      EXPECT_LE(step->keys_seen, keys_max);
      trimmed += step->keys_trimmed;
      from = step->next;
    } while (!from.empty());
    return trimmed;
  }

  TestMachine machine_;
  Store store_ = machine_.open();
  History history_{"h/"};
};

TEST_F(HistoryTest, EveryVersionStaysReadable) {
  EXPECT_EQ(put("a", "1"), 1u);
  EXPECT_EQ(put("a", "2"), 2u);
  EXPECT_EQ(del("a"), 3u);
  EXPECT_EQ(put("a", "4"), 4u);
  EXPECT_EQ(get("a"), "4");
  EXPECT_EQ(get("a", AsOf::version(0)), "-");
  EXPECT_EQ(get("a", AsOf::version(1)), "1");
  EXPECT_EQ(get("a", AsOf::version(2)), "2");
  EXPECT_EQ(get("a", AsOf::version(3)), "-");
  EXPECT_EQ(get("a", AsOf::version(4)), "4");
  EXPECT_EQ(get("a", AsOf::version(5)), "invalid argument");
  EXPECT_THAT(versions("a"), ElementsAre("4=4", "3-", "2=2", "1=1"));
  EXPECT_THAT(versions("a", 2), ElementsAre("4=4", "3-"));
  EXPECT_THAT(versions("a", 2, 3), ElementsAre("2=2", "1=1"));
}

TEST_F(HistoryTest, ATimeMeansTheLastCommitThatIsNotLater) {
  std::vector<uint64_t> times;
  for (int i = 0; i < 40; ++i) times.push_back(time_of("a", put("a", std::to_string(i))));
  for (int i = 0; i < 40; ++i) {
    const std::string here = std::to_string(i), before = i == 0 ? "-" : std::to_string(i - 1);
    EXPECT_EQ(get("a", AsOf::time_us(times[i])), here);
    EXPECT_EQ(get("a", AsOf::time_us(times[i] - 1)), before);
  }
  EXPECT_EQ(get("a", AsOf::time_us(~0ull)), "39");
}

TEST_F(HistoryTest, AScanShowsAllKeysAsOfOneState) {
  put("a", "1");
  put("b", "2");
  put(std::string("a\0z", 3), "3");
  put("a", "4");
  del("b");
  put("c", "6");
  EXPECT_EQ(scan(), std::string("a=4 a\0z=3 c=6 ", 14));
  EXPECT_EQ(scan({}, AsOf::version(3)), std::string("a=1 a\0z=3 b=2 ", 14));
  EXPECT_EQ(scan({}, AsOf::version(1)), "a=1 ");
  EXPECT_EQ(scan({"b", "c"}, AsOf::version(4)), "b=2 ");
  EXPECT_EQ(scan({std::string("a\0", 2), "b"}), std::string("a\0z=3 ", 6));
}

TEST_F(HistoryTest, OwnWritesAreTheNewestVersion) {
  put("a", "1");
  auto txn = store_.begin();
  ASSERT_TRUE(history_.put(*txn, "a", "2"));
  ASSERT_TRUE(history_.put(*txn, "b", "3"));
  EXPECT_EQ(*history_.get(*txn, "a"), "2");
  EXPECT_EQ(*history_.get(*txn, "a", AsOf::version(1)), "1");
  EXPECT_EQ((*history_.versions(*txn, "a", 10)).size(), 2u);
  ASSERT_TRUE(history_.del(*txn, "a"));
  EXPECT_EQ(*history_.get(*txn, "a"), std::nullopt);
  ASSERT_TRUE(txn->commit());
  EXPECT_EQ(scan(), "b=3 ");
}

TEST_F(HistoryTest, WritersDoNotConflictButReadersDo) {
  put("a", "1");
  auto one = store_.begin(), two = store_.begin(), reader = store_.begin();
  EXPECT_EQ(*history_.get(*reader, "a"), "1");
  ASSERT_TRUE(history_.put(*reader, "b", "x"));
  ASSERT_TRUE(history_.put(*one, "a", "2"));
  ASSERT_TRUE(history_.put(*two, "a", "3"));
  EXPECT_TRUE(one->commit());
  EXPECT_TRUE(two->commit());
  EXPECT_EQ(reader->commit().status().code(), StatusCode::kConflict);
  EXPECT_THAT(versions("a"), ElementsAre("3=3", "2=2", "1=1"));
}

TEST_F(HistoryTest, AgeKeepsWhatTheOldestReadNeeds) {
  put("a", "1");
  const uint64_t second = put("a", "2");
  const uint64_t time_us = time_of("a", second);
  put("a", "3");
  put("b", "4");
  EXPECT_EQ(trim({.age = std::chrono::seconds(5)}, time_us + 5'000'000), 1u);
  EXPECT_THAT(versions("a"), ElementsAre("3=3", "2=2"));
  EXPECT_EQ(get("a", AsOf::version(2)), "2");
  EXPECT_EQ(get("a", AsOf::time_us(time_us)), "2");
  EXPECT_EQ(get("a", AsOf::version(1)), "too old");
  EXPECT_EQ(get("b", AsOf::version(1)), "too old");
  EXPECT_EQ(scan({}, AsOf::version(1)), "too old");
  EXPECT_EQ(get("a", AsOf::time_us(time_us - 1)), "too old");
  auto snapshot = store_.snapshot();
  EXPECT_THAT(std::string(history_.get(*snapshot, "a", AsOf::version(1)).status().message()),
              HasSubstr("version 1 is older than what is kept: version 2"));
  EXPECT_EQ(trim({.age = std::chrono::seconds(5)}, time_us + 5'000'000), 0u);
}

TEST_F(HistoryTest, ADeletionThatIsAllThatIsLeftGoes) {
  put("a", "1");
  const uint64_t version = del("a");
  const uint64_t time_us = time_of("a", version);
  put("b", "2");
  EXPECT_EQ(trim({.age = std::chrono::seconds(1)}, time_us + 1'000'000), 1u);
  EXPECT_THAT(versions("a"), IsEmpty());
  EXPECT_EQ(get("a", AsOf::version(1)), "too old");
  EXPECT_EQ(get("a", AsOf::version(2)), "-");
}

TEST_F(HistoryTest, CountIsAKeysOwnFloor) {
  for (int i = 1; i <= 6; ++i) put("a", std::to_string(i));
  put("b", "7");
  EXPECT_EQ(trim({.count = 2}, 0), 1u);
  EXPECT_THAT(versions("a"), ElementsAre("6=6", "5=5"));
  EXPECT_EQ(get("a", AsOf::version(5)), "5");
  EXPECT_EQ(get("a", AsOf::version(4)), "too old");
  EXPECT_EQ(get("b", AsOf::version(4)), "-");
  EXPECT_EQ(scan({}, AsOf::version(4)), "too old");
  EXPECT_EQ(scan({"b", ""}, AsOf::version(7)), "b=7 ");
  EXPECT_EQ(scan(), "a=6 b=7 ");
  EXPECT_EQ(trim({.count = 2}, 0), 0u);
  const uint64_t gone = del("a");
  EXPECT_EQ(trim({.count = 2}, 0), 1u);
  EXPECT_THAT(versions("a"), ElementsAre(std::to_string(gone) + "-", "6=6"));
  // The whole key, its floor too, once it is old.
  EXPECT_EQ(trim({.age = std::chrono::seconds(1)}, time_of("a", gone) + 1'000'000), 1u);
  EXPECT_THAT(versions("a"), IsEmpty());
  EXPECT_EQ(get("a"), "-");
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

TEST_F(HistoryTest, KeysHaveLimits) {
  auto txn = store_.begin();
  EXPECT_EQ(history_.put(*txn, "", "1").code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(history_.put(*txn, std::string(128 - 2 - 10, 'k'), "1"));
  EXPECT_EQ(history_.put(*txn, std::string(128 - 2 - 9, 'k'), "1").code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(history_.put(*txn, std::string(64, '\0'), "1").code(), StatusCode::kInvalidArgument);
}

// --- Random histories against a map of versions.

class RandomHistoryTest : public HistoryTest {
 protected:
  struct Kept {
    uint64_t version;
    uint64_t time_us;
    std::optional<std::string> value;
  };

  std::string random_key() {
    static const std::string keys[] = {
        "a",     "aa",   std::string("a\0", 2), std::string("\0", 1), "b", "b\xff", "\xff", "key/1",
        "key/2", "key/3"};
    return keys[random_() % std::size(keys)];
  }
  void commit() {
    std::map<std::string, std::optional<std::string>> changes;
    const auto version = store_.update([&](Transaction& txn) -> Status {
      for (uint64_t i = 0; i < 1 + random_() % 4; ++i) {
        const std::string key = random_key();
        auto& change = changes[key];
        change.reset();
        if (random_() % 4 == 0) {
          HOLDFAST_TRY(history_.del(txn, key));
        } else {
          change = std::string(random_() % 90, static_cast<char>('a' + random_() % 26));
          HOLDFAST_TRY(history_.put(txn, key, *change));
        }
      }
      return Status::ok();
    });
    ASSERT_TRUE(version) << version.status().to_string();
    for (const auto& [key, value] : changes) {
      model_[key].push_back({*version, time_of(key, *version), value});
    }
    versions_.push_back(model_[changes.begin()->first].back());
  }
  // The state as of `version`, as text.
  std::string expected(uint64_t version) {
    std::string text;
    for (const auto& [key, all] : model_) {
      const Kept* valid = nullptr;
      for (const Kept& kept : all) {
        if (kept.version <= version) valid = &kept;
      }
      if (valid != nullptr && valid->value) text += key + "=" + *valid->value + " ";
    }
    return text;
  }
  void expect_state(const Kept& at, uint64_t time_us) {
    const std::string state = expected(at.version);
    for (const AsOf& as_of : {AsOf::version(at.version), AsOf::time_us(time_us)}) {
      const std::string found = scan({}, as_of);
      if (found.find("too old") != std::string::npos) {
        ++refused_;
        continue;
      }
      EXPECT_EQ(found, state) << "as of " << at.version;
      for (int i = 0; i < 3; ++i) {
        const std::string key = random_key();
        const std::string value = get(key, as_of);
        EXPECT_EQ(scan({key, key + '\0'}, as_of), value == "-" ? "" : key + "=" + value + " ");
      }
    }
  }

  std::mt19937_64 random_{23};
  std::map<std::string, std::vector<Kept>> model_;
  std::vector<Kept> versions_;
  uint64_t refused_ = 0;
};

TEST_F(RandomHistoryTest, ShowEveryStateTheyHaveBeenIn) {
  for (int i = 0; i < 250; ++i) commit();
  for (size_t i = 0; i < versions_.size(); ++i) {
    const uint64_t until = i + 1 < versions_.size() ? versions_[i + 1].time_us : ~0ull;
    expect_state(versions_[i], versions_[i].time_us);
    expect_state(versions_[i], until - 1);
    if (HasFailure()) return;
  }
  EXPECT_EQ(refused_, 0u);
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

TEST_F(RandomHistoryTest, AreExactOrTooOldWhateverIsTrimmed) {
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 12; ++i) commit();
    Retention retention;
    if (random_() % 2 == 0) retention.count = 1 + random_() % 6;
    if (random_() % 2 == 0) retention.age = std::chrono::seconds(1);
    const Kept& at = versions_[versions_.size() - 1 - random_() % 20 % versions_.size()];
    trim(retention, at.time_us + 1'000'000, 1 + random_() % 5);
    const bool by_age_only = retention.count == 0;
    for (const Kept& kept : versions_) {
      const uint64_t refused_before = refused_;
      expect_state(kept, kept.time_us);
      if (by_age_only && round == 0 && kept.version >= at.version) {
        EXPECT_EQ(refused_, refused_before) << "kept versions were refused";
      }
      if (HasFailure()) return;
    }
    EXPECT_EQ(scan(), expected(~0ull));
  }
  EXPECT_GT(refused_, 100u);
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

// A step lets go of so many versions at most, of one key as of many.
TEST(HistoryTrimTest, AKeyWithVeryManyVersionsIsTrimmedInParts) {
  TestMachine machine;
  Store store = machine.open();
  const History history("h/");
  constexpr uint64_t kVersions = History::kTrimVersionsMax + 500;
  for (uint64_t i = 0; i < kVersions; ++i) {
    ASSERT_TRUE(store.update([&](Transaction& txn) { return history.put(txn, "a", "1"); }));
  }
  uint64_t gone = 0;
  int steps = 0;
  std::string from;
  do {
    const auto trim = history.trim_step(store, {std::chrono::seconds(0), 3}, 0, from);
    ASSERT_TRUE(trim) << trim.status().to_string();
    EXPECT_LE(trim->versions_trimmed, History::kTrimVersionsMax);
    gone += trim->versions_trimmed;
    from = trim->next;
    ASSERT_LT(++steps, 10);
  } while (!from.empty() || gone < kVersions - 3);
  EXPECT_GT(steps, 1);
  EXPECT_EQ(gone, kVersions - 3);
  Snapshot now = std::move(*store.snapshot());
  EXPECT_EQ(history.versions(now, "a", 10)->size(), 3u);
}

// What one retention has let go of another does not look for: the key says from where on it is
// known.
TEST(HistoryTrimTest, AnAgeBelowWhatACountHasLeftTakesNothing) {
  TestMachine machine;
  Store store = machine.open();
  const History history("h/");
  uint64_t first_us = 0;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(store.update([&](Transaction& txn) { return history.put(txn, "a", "1"); }));
    Snapshot reader = std::move(*store.snapshot());
    if (i == 0) first_us = (*history.find(reader, "a"))->time_us;
  }
  ASSERT_EQ(history.trim_step(store, {std::chrono::seconds(0), 2}, 0)->versions_trimmed, 4u);
  // As of then the key had a version that has gone.
  const auto trim = history.trim_step(store, {std::chrono::seconds(1), 0}, first_us + 1'000'001);
  ASSERT_TRUE(trim) << trim.status().to_string();
  EXPECT_EQ(trim->versions_trimmed, 0u);
  Snapshot now = std::move(*store.snapshot());
  EXPECT_EQ(history.versions(now, "a", 10)->size(), 2u);
  EXPECT_EQ(history.get(now, "a", AsOf::time_us(first_us)).status().code(), StatusCode::kTooOld);
}

}  // namespace
}  // namespace holdfast
