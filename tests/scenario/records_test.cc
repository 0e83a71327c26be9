// Records and definitions of many processes that are really killed: what is counted, linked, told
// to the outbox and published agrees, whoever dies.
#include <gtest/gtest.h>

#include <random>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr size_t kProcesses = 16;
constexpr size_t kKilled = 8;

class LearningScenario : public testing::Test {
 protected:
  using Work = std::function<void(Store& store, const Space& space, uint32_t seed)>;

  // Sixteen do `work`, which tells of each step; eight of them are killed while they are at it.
  void run_crew(const Work& work) {
    std::vector<ChildProcess> crew;
    for (uint32_t i = 0; i < kProcesses; ++i) {
      crew.push_back(ChildProcess::start([&, i] {
        Store store = open_or_die(path_);
        work(store, *store.space("crew"), i);
      }));
    }
    for (size_t death = 0; death < kKilled; ++death) {
      ASSERT_TRUE(told_.receive(20));
      crew[death].kill();
      crew[death].wait();
    }
    told_.close_sending();
    for (size_t i = kKilled; i < kProcesses; ++i) {
      EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);
    }
    acknowledged_ = 20 * kKilled + told_.receive_all().size();
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel told_;
  size_t acknowledged_ = 0;
};

TEST_F(LearningScenario, EveryChangeOfARecordIsToldOnceThoughProcessesAreKilled) {
  std::vector<std::string> rules;
  {
    Store store = open_or_die(path_);
    for (int i = 0; i < 3; ++i) {
      const auto rule = store.space("crew")->records().add(
          {.kind = RecordKind::heuristic, .title = "rule", .fields = {{"rule", "look first"}}});
      ASSERT_TRUE(rule) << rule.status().to_string();
      rules.push_back(rule->id);
    }
  }
  run_crew([&](Store&, const Space& space, uint32_t seed) {
    std::mt19937 random(seed);
    for (int step = 0; step < 30; ++step) {
      const std::string run = "run/" + std::to_string(seed) + "/" + std::to_string(step / 2);
      if (random() % 4 == 0) {
        ASSERT_TRUE(space.records().add({.kind = RecordKind::failure,
                                         .title = run,
                                         .fields = {{"cause", "a kill"}},
                                         .key = run}));
      } else {
        ASSERT_TRUE(space.records().confirm(rules[random() % 3], {.evidence = run}));
      }
      told_.send("x");
    }
  });
  Store store = open_or_die(path_);
  const Space space = *store.space("crew");
  const auto records = space.records().list({.limit = kRecordListMax});
  std::map<std::string, size_t> told;
  const auto waiting = space.outbox(kRecordOutbox).waiting(kOutboxListMax);
  for (const OutboxEntry& entry : *waiting) ++told[entry.payload.substr(7, 36)];
  size_t changes = 0;
  for (const Record& record : *records) {
    const auto links = space.links().of(link_end(record.id), {.limit = 10'000});
    EXPECT_EQ(links->size(), record.confirmations);
    EXPECT_EQ(record.revision, record.confirmations);
    EXPECT_EQ(told[record.id], record.revision + 1);
    changes += record.revision + 1;
  }
  EXPECT_EQ(waiting->size(), changes);
  expect_sound(store);
}

TEST_F(LearningScenario, UsesAreCountedAndOneVersionIsPublishedThoughProcessesAreKilled) {
  {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.space("crew")->registry().put(
        {.kind = "agent", .name = "a", .body = "1", .publish = true}));
  }
  run_crew([&](Store&, const Space& space, uint32_t seed) {
    for (int step = 0; step < 30; ++step) {
      if (seed % 8 == 0 && step % 5 == 0) {
        ASSERT_TRUE(space.registry().put(
            {.kind = "agent", .name = "a", .body = std::to_string(step), .publish = true}));
      }
      ASSERT_TRUE(space.registry().take("agent", "a"));
      told_.send("x");
    }
  });
  Store store = open_or_die(path_);
  const Registry registry = store.space("crew")->registry();
  const auto entry = registry.find("agent", "a");
  const auto publications = registry.publications("agent", "a");
  EXPECT_EQ(publications->size(), entry->publications);
  EXPECT_EQ(publications->front().version, entry->published);
  EXPECT_EQ(entry->published, entry->latest);
  uint64_t counted = 0;
  const auto uses = registry.uses("agent", "a");
  for (const auto& [version, count] : *uses) counted += count;
  // Of each that was killed one use may be counted that it did not live to tell.
  EXPECT_GE(counted, acknowledged_);
  EXPECT_LE(counted, acknowledged_ + kKilled);
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
