#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "store/attachment.h"
#include "store/test_machine.h"

namespace holdfast {
namespace {

using testing::IsEmpty;

TEST(MemoryStoreTest, AllWorksWithoutFiles) {
  auto store = Store::memory();
  ASSERT_TRUE(store) << store.status().to_string();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(store->put(std::to_string(i), "v"));
  ASSERT_TRUE(store->flush());
  ASSERT_TRUE(store->checkpoint());
  EXPECT_EQ(store::contents(*store).size(), 300u);
  EXPECT_EQ(store->stats()->durable_version, 300u);
  EXPECT_THAT(store->check()->problems, IsEmpty());
  EXPECT_TRUE(store->recovery().created);
}

TEST(MemoryStoreTest, TwoOfThemAreStrangers) {
  Store first = std::move(*Store::memory());
  Store second = std::move(*Store::memory());
  ASSERT_TRUE(first.put("a", "1"));
  EXPECT_EQ(*second.get("a"), std::nullopt);
}

TEST(MemoryStoreTest, SnapshotsKeepItAlive) {
  auto snapshot = [] {
    Store store = std::move(*Store::memory());
    EXPECT_TRUE(store.put("a", "1"));
    return std::move(*store.snapshot());
  }();
  EXPECT_EQ(*snapshot.get("a"), "1");
}

TEST(MemoryStoreTest, ThreadsShareIt) {
  StoreOptions options;
  options.durability = Durability::batched;
  Store store = std::move(*Store::memory(options));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto version = store.put(std::to_string(t * 100 + i), "v");
        EXPECT_TRUE(version) << version.status().to_string();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store::contents(store).size(), 400u);
  EXPECT_THAT(store.check()->problems, IsEmpty());
}

TEST(MemoryStoreTest, CommitsOfABatchedStoreBecomeDurableByThemselves) {
  StoreOptions options;
  options.durability = Durability::batched;
  options.helper_thread = false;
  Store store = std::move(*Store::memory(options));
  // Without a helper the commits do the work: at the latest once so many wait.
  for (int i = 0; i < 2100; ++i) ASSERT_TRUE(store.put("k", std::to_string(i)));
  EXPECT_GT(store.stats()->durable_version, 0u);
  ASSERT_TRUE(store.flush());
  EXPECT_EQ(store.stats()->durable_version, 2100u);
}

TEST(MemoryStoreTest, NobodyElseIsAlive) {
  Store memory = std::move(*Store::memory());
  HandleId id = memory.handle_id();
  EXPECT_TRUE(memory.handle_alive(id));
  id.owner = store::make_owner(0, (store::owner_slot(id.owner) + 1) % store::kProcessSlots);
  EXPECT_FALSE(memory.handle_alive(id));
}

}  // namespace
}  // namespace holdfast
