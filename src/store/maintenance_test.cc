// A handle with helper threads where none can be made: nothing is thrown out of a commit that is
// done, nothing is left undone, and the threads come when they are to be had again.
#include "store/maintenance.h"

#include <gtest/gtest.h>

#include "holdfast/store.h"
#include "support/no_threads.h"
#include "support/temporary_directory.h"

namespace holdfast::store {
namespace {

class MaintenanceTest : public testing::Test {
 protected:
  Store open(Durability durability) {
    StoreOptions options;
    options.durability = durability;
    return std::move(*Store::open(directory_.path_of("store"), options));
  }
  static void put(Store& store, const std::string& key) {
    EXPECT_TRUE(store.update([&](Transaction& txn) {
      return txn.put(key, std::string(4000, 'v'));
    })) << key;
  }
  static bool is_durable(Store& store) {
    const auto stats = store.stats();
    return stats && stats->durable_version == stats->version;
  }

  TemporaryDirectory directory_;
};

TEST_F(MaintenanceTest, WithoutThreadsABatchedCommitIsSyncedByItsCall) {
  Store store = open(Durability::batched);
  const NoThreads none;
  for (int i = 0; i < 3; ++i) {
    put(store, std::to_string(i));
    EXPECT_TRUE(is_durable(store)) << i;
  }
}

// Some of them ask for what is committed to be written into the tree.
TEST_F(MaintenanceTest, WithoutThreadsStrictCommitsAreAcknowledged) {
  Store store = open(Durability::strict);
  const NoThreads none;
  for (int i = 0; i < 200; ++i) put(store, std::to_string(i));
  EXPECT_TRUE(is_durable(store));
}

TEST_F(MaintenanceTest, AThreadIsMadeWhenOneIsToBeHadAgain) {
  Store store = open(Durability::batched);
  {
    const NoThreads none;
    put(store, "a");
  }
  put(store, "b");
  while (!is_durable(store)) std::this_thread::yield();  // though nobody calls any more
}

}  // namespace
}  // namespace holdfast::store
