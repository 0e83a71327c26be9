// Cold starts: everything acknowledged is there with the versions it had, and the report says what
// was done. A cold start is made by removing the control block while nobody is attached, which is
// all that a reboot leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <random>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/log_file.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using Contents = std::map<std::string, std::string>;
using testing::IsEmpty;

StoreOptions batched() {
  StoreOptions options;
  options.durability = Durability::batched;
  return options;
}

class RecoveryTest : public testing::Test {
 protected:
  Store open(const StoreOptions& options = {}) const { return open_or_die(path_, options); }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(RecoveryTest, OpenMakesTheDirectoryAndAReadyStore) {
  const std::string path = directory_.path_of("not/yet/there");
  Store store = open_or_die(path);
  EXPECT_TRUE(store.recovery().created);
  EXPECT_EQ(store.recovery().version, 0u);
  EXPECT_TRUE(store.put("key", "value"));
  expect_sound(store);
}

TEST_F(RecoveryTest, AnEmptyStoreRecoversToAnEmptyStore) {
  { Store store = open(); }
  reboot(path_);
  Store store = open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_FALSE(store.recovery().created);
  EXPECT_EQ(store.recovery().version, 0u);
  EXPECT_EQ(store.recovery().transactions_applied, 0u);
  EXPECT_EQ(store.recovery().bytes_discarded, 0u);
  EXPECT_THAT(store.recovery().warnings, IsEmpty());
  EXPECT_THAT(contents(store), IsEmpty());
  expect_sound(store);
}

TEST_F(RecoveryTest, TheReportCountsWhatWasApplied) {
  {
    Store store = open();
    ASSERT_TRUE(store.put("a", "1"));
    Transaction txn = std::move(*store.begin());
    for (const char* key : {"b", "c", "d"}) ASSERT_TRUE(txn.put(key, "2"));
    ASSERT_TRUE(txn.del("a"));
    ASSERT_TRUE(txn.commit());
    ASSERT_TRUE(store.del("b"));
    Transaction range = std::move(*store.begin());
    ASSERT_TRUE(range.del_range({"x", "z"}));
    ASSERT_TRUE(range.commit());
    Transaction aborted = std::move(*store.begin());
    ASSERT_TRUE(aborted.put("e", "3"));
    aborted.abort();
  }
  reboot(path_);
  {
    Store store = open();
    const RecoveryReport& report = store.recovery();
    EXPECT_TRUE(report.cold);
    EXPECT_EQ(report.transactions_applied, 4u);
    EXPECT_EQ(report.writes_applied, 4u);
    EXPECT_EQ(report.deletes_applied, 3u) << "a range is one";
    EXPECT_EQ(report.transactions_discarded, 0u);
    EXPECT_EQ(report.orphaned_entries, 0u);
    EXPECT_EQ(report.bytes_discarded, 0u);
    EXPECT_EQ(report.version, 4u);
    EXPECT_GT(report.duration_us, 0u);
    EXPECT_LT(report.duration_us, 600'000'000u);
    EXPECT_THAT(report.warnings, IsEmpty());
    EXPECT_EQ(contents(store), (Contents{{"c", "2"}, {"d", "2"}}));
  }
  // The first recovery wrote a checkpoint: the second has nothing to do.
  reboot(path_);
  Store store = open();
  EXPECT_EQ(store.recovery().transactions_applied, 0u);
  EXPECT_EQ(store.recovery().version, 4u);
}

TEST_F(RecoveryTest, AWarmOpenRecoversNothingBecauseNothingIsLost) {
  { ASSERT_TRUE(open().put("a", "1")); }
  Store store = open();
  EXPECT_FALSE(store.recovery().cold);
  EXPECT_FALSE(store.recovery().created);
  EXPECT_EQ(store.recovery().version, 1u);
}

TEST_F(RecoveryTest, VersionsAreExactAfterAColdStartAndNeverReused) {
  Contents expected;
  uint64_t version = 0;
  for (int round = 0; round < 6; ++round) {
    if (round % 3 != 0) reboot(path_);
    Store store = open(round % 2 == 0 ? StoreOptions() : batched());
    EXPECT_EQ(store.recovery().version, version) << round;
    EXPECT_EQ(store.stats()->version, version);
    EXPECT_EQ(store.snapshot()->version(), version);
    for (int i = 0; i < 7; ++i) {
      const std::string key = "key" + std::to_string(i % 5);
      const auto given = i == 6 ? store.del(key) : store.put(key, std::to_string(round));
      ASSERT_TRUE(given) << given.status().to_string();
      EXPECT_EQ(*given, ++version) << round;
      expected[key] = std::to_string(round);
      if (i == 6) expected.erase(key);
    }
    EXPECT_EQ(contents(store), expected);
  }
}

TEST_F(RecoveryTest, DeletedKeysStayDeletedAndTheirDeletionHasAVersion) {
  {
    Store store = open();
    ASSERT_TRUE(store.put("key", "1"));
    EXPECT_EQ(*store.del("key"), 2u);
    EXPECT_EQ(*store.del("never there"), 3u);
  }
  reboot(path_);
  Store store = open();
  EXPECT_EQ(store.recovery().version, 3u);
  EXPECT_EQ(store.recovery().deletes_applied, 2u);
  EXPECT_EQ(*store.get("key"), std::nullopt);
  ASSERT_TRUE(store.put("key", "again"));
  EXPECT_EQ(store.get("key")->value(), "again");
}

TEST_F(RecoveryTest, FiveRapidReopensChangeNothing) {
  Contents expected;
  {
    Store store = open();
    for (int i = 0; i < 20; ++i) {
      const std::string key = "key" + std::to_string(i);
      expected[key] = std::string(i * 40, 'v');
      ASSERT_TRUE(store.put(key, expected[key]));
    }
  }
  for (int round = 0; round < 5; ++round) {
    reboot(path_);
    const auto end = run_in_child([&] {
      Store store = open();
      EXPECT_TRUE(store.recovery().cold);
      EXPECT_EQ(store.recovery().version, 20u);
      EXPECT_EQ(contents(store), expected);
      expect_sound(store);
      if (!HasFailure() && round % 2 == 0) die_by_kill();
    });
    EXPECT_NE(end.exit_code, 1);
  }
}

TEST_F(RecoveryTest, StrictCommitsAreDurableWhenAcknowledged) {
  Store store = open();
  for (int i = 1; i <= 20; ++i) {
    const auto version = store.put("key", std::to_string(i));
    ASSERT_TRUE(version);
    EXPECT_GE(store.stats()->durable_version, *version);
  }
}

TEST_F(RecoveryTest, FlushMakesBatchedCommitsDurable) {
  StoreOptions options = batched();
  options.helper_thread = false;
  Store store = open(options);
  uint64_t version = 0;
  for (int i = 0; i < 100; ++i) version = *store.put("key" + std::to_string(i), "v");
  const Status flushed = store.flush();
  ASSERT_TRUE(flushed) << flushed.to_string();
  EXPECT_EQ(store.stats()->durable_version, version);
}

TEST_F(RecoveryTest, CloseMakesBatchedCommitsDurableAndEndsTheHandle) {
  Store watcher = open();
  Store store = open(batched());
  uint64_t version = 0;
  for (int i = 0; i < 100; ++i) version = *store.put("key" + std::to_string(i), "v");
  ASSERT_TRUE(store.close());
  EXPECT_EQ(watcher.stats()->durable_version, version);
  EXPECT_EQ(store.put("key", "v").status().code(), StatusCode::kClosed);
  EXPECT_EQ(store.get("key").status().code(), StatusCode::kClosed);
  EXPECT_EQ(store.flush().code(), StatusCode::kClosed);
  EXPECT_TRUE(store.close());
  EXPECT_EQ(watcher.get("key99")->value(), "v");
}

TEST_F(RecoveryTest, AStoreInMemoryMakesNoFiles) {
  const auto before = files_below(directory_.path());
  {
    Store store = std::move(*Store::memory());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
    ASSERT_TRUE(store.flush());
    EXPECT_EQ(contents(store).size(), 100u);
    expect_sound(store);
    ASSERT_TRUE(store.close());
  }
  EXPECT_EQ(files_below(directory_.path()), before);
  Store another = std::move(*Store::memory());
  EXPECT_THAT(contents(another), IsEmpty());
}

TEST_F(RecoveryTest, EverythingOfAnObservationIsReadByTheNextSessionByteForByte) {
  NewObservation full;
  full.content = "caf\u00e9 \u4f60\u597d\n\ttabs, \"quotes\" and a \\ at the end\\";
  full.title = "a title";
  full.source = "";  // empty is not absent
  full.metadata = "{ \"a\" : [1, 2.50, null],  \"b\":\"\\u00e9\" }";
  full.tags = {"one", "two"};
  full.confidence = 0.1;
  full.happened_us = -1;
  full.embedding = Embedding{"model", "", {0.1f, -2.5f, 3e-38f}};
  NewObservation bare;
  bare.content = "bare";
  Channel ids;
  ASSERT_EQ(run_in_child([&] {
              Store store = open();
              const Space space = *store.space("project");
              for (const NewObservation& observation : {full, bare}) {
                ids.send(*space.observations().add(observation));
                const auto added = *space.observations().list({.limit = 1});
                const int64_t created_us = added.front().created_us;
                ids.send({reinterpret_cast<const char*>(&created_us), sizeof(created_us)});
              }
            }),
            ChildProcess::kSuccess);
  const std::string full_id = *ids.receive(36), full_created = *ids.receive(8);
  const std::string bare_id = *ids.receive(36), bare_created = *ids.receive(8);
  for (const bool cold : {false, true}) {
    if (cold) reboot(path_);
    Store store = open();
    const Space space = *store.space("project");
    const auto read = space.observations().get(full_id);
    ASSERT_TRUE(read) << read.status().to_string();
    EXPECT_EQ(read->content, full.content);
    EXPECT_EQ(read->title, full.title);
    EXPECT_EQ(read->source, std::optional<std::string>(""));
    EXPECT_EQ(read->metadata, full.metadata);
    EXPECT_EQ(read->tags, full.tags);
    EXPECT_EQ(read->confidence, full.confidence);
    EXPECT_EQ(read->happened_us, full.happened_us);
    EXPECT_EQ(read->kind, std::nullopt);
    ASSERT_TRUE(read->embedding);
    EXPECT_EQ(read->embedding->model, "model");
    EXPECT_EQ(read->embedding->model_version, "");
    EXPECT_EQ(read->embedding->values, full.embedding->values);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(&read->created_us), 8), full_created);
    const auto null = space.observations().get(bare_id);
    ASSERT_TRUE(null) << null.status().to_string();
    EXPECT_EQ(null->content, "bare");
    EXPECT_FALSE(null->title || null->source || null->kind || null->session || null->run ||
                 null->metadata || null->confidence || null->happened_us || null->embedding ||
                 null->key);
    EXPECT_THAT(null->tags, IsEmpty());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(&null->created_us), 8), bare_created);
  }
}

// Amounts of work that must be recovered right; their times are for reading, not for judging.
class RecoveryFloorTest : public RecoveryTest {
 protected:
  // Recovers in a fresh process, from the log alone, and looks at the result there.
  void expect_recovered(const char* what, const Contents& expected, uint64_t version) {
    reboot(path_);
    const auto end = run_in_child([&] {
      Store store = open();
      const RecoveryReport& report = store.recovery();
      EXPECT_TRUE(report.cold);
      EXPECT_EQ(report.version, version);
      EXPECT_EQ(contents(store), expected);
      expect_sound(store);
      std::printf("%s: %llu transactions in %.1f ms\n", what,
                  static_cast<unsigned long long>(report.transactions_applied),
                  static_cast<double>(report.duration_us) / 1000);
    });
    EXPECT_EQ(end, ChildProcess::kSuccess);
  }
};

TEST_F(RecoveryFloorTest, TenThousandTransactions) {
  Contents expected;
  {
    Store store = open(batched());
    for (int i = 0; i < 10'000; ++i) {
      const std::string key = "key" + std::to_string(i);
      expected[key] = "value " + std::to_string(i);
      ASSERT_TRUE(store.put(key, expected[key]));
    }
    EXPECT_LT(store.stats()->log_bytes, 100u << 20);
  }
  expect_recovered("small", expected, 10'000);
}

TEST_F(RecoveryFloorTest, AThousandIncompleteTransactionsAreDiscarded) {
  ASSERT_EQ(run_in_child([&] {
              Store store = open();
              ASSERT_TRUE(store.put("kept", "1"));
              std::vector<Transaction> open_ones;
              for (int i = 0; i < 1000; ++i) {
                open_ones.push_back(std::move(*store.begin()));
                ASSERT_TRUE(open_ones.back().put("gone" + std::to_string(i), "2"));
              }
              die_by_kill();
            }),
            (ChildProcess::End{-1, SIGKILL}));
  expect_recovered("incomplete", {{"kept", "1"}}, 1);
}

TEST_F(RecoveryFloorTest, AThousandValuesOfTenKilobytes) {
  Contents expected;
  {
    Store store = open(batched());
    std::mt19937 random(1);
    for (int i = 0; i < 1000; ++i) {
      const std::string key = "key" + std::to_string(i);
      std::string& value = expected[key];
      for (int j = 0; j < 2500; ++j) {
        const uint32_t word = static_cast<uint32_t>(random());
        value.append(reinterpret_cast<const char*>(&word), sizeof(word));
      }
      ASSERT_TRUE(store.put(key, value));
    }
  }
  expect_recovered("values of 10 KB", expected, 1000);
}

TEST_F(RecoveryFloorTest, FiveThousandMixedTransactions) {
  Contents expected;
  {
    Store store = open(batched());
    for (int i = 0; i < 5000; ++i) {
      Transaction txn = std::move(*store.begin());
      for (int j = 0; j < 3; ++j) {
        const std::string key = "key" + std::to_string((i * 3 + j) % 4000);
        expected[key] = std::to_string(i);
        ASSERT_TRUE(txn.put(key, expected[key]));
      }
      const std::string gone = "key" + std::to_string(i * 7 % 4000);
      expected.erase(gone);
      ASSERT_TRUE(txn.del(gone));
      const auto version = txn.commit();
      ASSERT_TRUE(version) << version.status().to_string();
    }
  }
  expect_recovered("mixed", expected, 5000);
}

}  // namespace
}  // namespace holdfast
