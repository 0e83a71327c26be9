// Watchers that are really killed, beside writers that are too: each counts every event exactly
// once, because it keeps its cursor in the store, in the same commit as what it made of the events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr int kWatchers = 16;
constexpr int kWriters = 2;

Result<uint64_t> number_at(Reader& reader, const std::string& key) {
  HOLDFAST_ASSIGN(const auto value, reader.get(key));
  return value ? std::stoull(*value) : 0;
}

std::string cursor_key(int watcher) {
  return "cursor/" + std::to_string(watcher);
}
std::string count_key(int watcher) {
  return "count/" + std::to_string(watcher);
}

// Writes events from where its predecessor was killed, until it is killed too.
void write_events(const std::string& path, int writer, Channel& written) {
  auto store = Store::open(path);
  ASSERT_TRUE(store) << store.status().to_string();
  const std::string last = "last/" + std::to_string(writer);
  while (true) {
    const auto version = store->update([&](Transaction& txn) -> Status {
      HOLDFAST_ASSIGN(const uint64_t number, number_at(txn, last));
      HOLDFAST_TRY(txn.put(last, std::to_string(number + 1)));
      return txn.put("event/" + std::to_string(writer) + "/" + std::to_string(number), "e");
    });
    ASSERT_TRUE(version) << version.status().to_string();
    written.send("e");
  }
}

struct Counted {
  bool stale = false;  // its predecessor had come further: start again from there
  bool last = false;   // the last event was among them
};

Result<Counted> count(Store& store, int watcher, uint64_t before, const WatchResult& result) {
  Counted counted;
  uint64_t events = 0;
  for (const WatchedCommit& commit : result.commits) {
    for (const WatchedKey& key : commit.keys) {
      ++events;
      counted.last = counted.last || key.key == "event/last";
    }
  }
  const auto version = store.update([&](Transaction& txn) -> Status {
    HOLDFAST_ASSIGN(const uint64_t kept, number_at(txn, cursor_key(watcher)));
    counted.stale = kept != before;
    if (counted.stale) return Status::ok();
    HOLDFAST_ASSIGN(const uint64_t sum, number_at(txn, count_key(watcher)));
    HOLDFAST_TRY(txn.put(count_key(watcher), std::to_string(sum + events)));
    return txn.put(cursor_key(watcher), std::to_string(result.cursor));
  });
  HOLDFAST_TRY(version.status());
  return counted;
}

// Counts events until it has seen the last one, or is killed.
void count_events(const std::string& path, int watcher) {
  auto store = Store::open(path);
  ASSERT_TRUE(store) << store.status().to_string();
  while (true) {
    Transaction now = std::move(*store->begin());
    const auto kept = number_at(now, cursor_key(watcher));
    ASSERT_TRUE(kept) << kept.status().to_string();
    now.abort();
    auto watch = store->watch(KeyRange::prefix("event/"), *kept);
    ASSERT_TRUE(watch) << watch.status().to_string();
    uint64_t cursor = *kept;
    while (true) {
      const auto result = watch->wait(std::chrono::seconds(60));
      ASSERT_TRUE(result) << result.status().to_string();
      ASSERT_FALSE(result->missed);
      ASSERT_FALSE(result->commits.empty()) << "nothing came for a minute";
      const auto counted = count(*store, watcher, cursor, *result);
      ASSERT_TRUE(counted) << counted.status().to_string();
      if (counted->stale) break;
      if (counted->last) return;
      cursor = result->cursor;
    }
  }
}

TEST(WatchScenario, SixteenWatchersCountEveryEventOnceWhoeverIsKilled) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  ASSERT_TRUE(Store::open(path));
  Channel written;
  std::mt19937 random(1);
  std::vector<ChildProcess> watchers;
  std::vector<ChildProcess> writers;
  const auto start_watcher = [&](int i) {
    return ChildProcess::start([&, i] { count_events(path, i); });
  };
  const auto start_writer = [&](int i) {
    return ChildProcess::start([&, i] { write_events(path, i, written); });
  };
  for (int i = 0; i < kWatchers; ++i) watchers.push_back(start_watcher(i));
  for (int i = 0; i < kWriters; ++i) writers.push_back(start_writer(i));
  for (int round = 0; round < 12; ++round) {
    ASSERT_TRUE(written.receive(10 + random() % 20));
    for (int k = 0; k < 3; ++k) {
      const int victim = static_cast<int>(random() % kWatchers);
      watchers[victim].kill();
      (void)watchers[victim].wait();
      watchers[victim] = start_watcher(victim);
    }
    const int victim = round % kWriters;
    writers[victim].kill();
    (void)writers[victim].wait();
    writers[victim] = start_writer(victim);
  }
  for (ChildProcess& writer : writers) {
    writer.kill();
    (void)writer.wait();
  }
  auto store = Store::open(path);
  ASSERT_TRUE(store) << store.status().to_string();
  ASSERT_TRUE(store->put("event/last", "e"));
  for (ChildProcess& watcher : watchers) EXPECT_EQ(watcher.wait(), ChildProcess::kSuccess);
  Snapshot snapshot = std::move(*store->snapshot());
  uint64_t events = 0;
  for (Cursor cursor = snapshot.scan(KeyRange::prefix("event/")); cursor.valid(); cursor.next()) {
    ++events;
  }
  EXPECT_GE(events, 120u);
  for (int i = 0; i < kWatchers; ++i) EXPECT_EQ(*number_at(snapshot, count_key(i)), events) << i;
  EXPECT_THAT(store->check()->problems, testing::IsEmpty());
}

}  // namespace
}  // namespace holdfast
