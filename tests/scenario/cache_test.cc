// Processes that share a cache and are really killed: one of all computes, the dead are replaced,
// and the bound and the counts hold.
#include <gtest/gtest.h>

#include <random>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kProcesses = 16;

class CacheScenario : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(CacheScenario, SixteenAskAndEachValueIsComputedOnceThoughComputersAreKilled) {
  constexpr int kKeys = 12;
  Channel begun;
  const auto ask = [&](bool dies) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const Cache cache = space.cache("answers");
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = "key" + std::to_string(i);
      const auto computed =
          cache.get_or_compute(key,
                               [&]() -> Result<std::string> {
                                 begun.send("x");
                                 if (dies) await_kill();
                                 HOLDFAST_TRY(store.add("computed/" + key, 1).status());
                                 return "value of " + key;
                               },
                               {.wait = milliseconds(60'000)});
      ASSERT_TRUE(computed) << computed.status().to_string();
      EXPECT_EQ(computed->value, "value of " + key);
    }
  };
  // One takes the first computation and hangs in it; all others wait for it.
  ChildProcess first = ChildProcess::start([&] { ask(true); });
  ASSERT_TRUE(begun.receive(1));
  std::vector<ChildProcess> crew;
  for (int i = 1; i < kProcesses; ++i) crew.push_back(ChildProcess::start([&] { ask(false); }));
  first.kill();
  first.wait();
  for (ChildProcess& process : crew) EXPECT_EQ(process.wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  for (int i = 0; i < kKeys; ++i) {
    const auto count = store.get("computed/key" + std::to_string(i));
    ASSERT_TRUE(count && *count);
    EXPECT_EQ(decode_number(**count), 1) << i;
  }
  EXPECT_EQ(store.space("crew")->cache("answers").stats()->computations, uint64_t{kKeys});
  expect_sound(store);
}

TEST_F(CacheScenario, TheBoundAndTheCountsHoldThoughWritersAreKilled) {
  Channel told;
  const auto write = [&](uint32_t seed) {
    std::mt19937 random(seed);
    Store store = open_or_die(path_);
    const Cache cache = store.space("crew")->cache("pages");
    ASSERT_TRUE(cache.configure({.bytes_max = 100'000, .touch_every = milliseconds(0)}));
    for (int i = 0; i < 150; ++i) {
      std::string value(random() % 3000, '\0');
      for (char& c : value) c = static_cast<char>(random());
      const std::string key = std::to_string(random() % 200);
      ASSERT_TRUE(cache.put(key, value, {.tags = {"tag" + std::to_string(random() % 5)}}));
      ASSERT_TRUE(cache.get(std::to_string(random() % 200)));
      if (random() % 40 == 0) {
        ASSERT_TRUE(cache.remove_tagged("tag" + std::to_string(random() % 5)));
      }
      told.send("x");
    }
  };
  std::vector<ChildProcess> crew;
  for (uint32_t i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] { write(i); }));
  }
  for (size_t death = 0; death < 6; ++death) {
    ASSERT_TRUE(told.receive(100));
    crew[death].kill();
    crew[death].wait();
  }
  told.close_sending();
  for (size_t i = 6; i < crew.size(); ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  const Cache cache = store.space("crew")->cache("pages");
  ASSERT_TRUE(cache.put("last", "x"));
  const auto entries = cache.list({}, {}, kCacheListMax);
  uint64_t bytes = 0;
  for (const CacheEntry& entry : *entries) {
    bytes += entry.bytes;
    EXPECT_TRUE(cache.get(entry.key));
  }
  const auto stats = cache.stats();
  EXPECT_EQ(stats->entries, entries->size());
  EXPECT_EQ(stats->bytes, bytes);
  EXPECT_LE(bytes, 100'000u);
  EXPECT_GT(stats->evictions, 0u);
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
