// check() of real processes, beside others that write, checkpoint and name snapshots all the while:
// it finds nothing, and then exactly the one page that is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "holdfast/care.h"
#include "holdfast/holdfast.h"
#include "os/os.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int kWriters = 3;
constexpr uint64_t kPageSize = 4096;

std::string still_key(int i) {
  char key[32];
  std::snprintf(key, sizeof(key), "still/%06d", i);
  return key;
}

class CheckOnlineTest : public testing::Test {
 protected:
  CheckOnlineTest() {
    StoreOptions options;
    options.segment_size_bytes = 256u << 10;
    options.durability = Durability::batched;
    Store store = open_or_die(path_, options);
    EXPECT_TRUE(store.update([](Transaction& txn) -> Status {
      for (int i = 0; i < 3000; ++i) HOLDFAST_TRY(txn.put(still_key(i), std::string(40, 's')));
      return Status::ok();
    }));
    EXPECT_TRUE(store.close());
  }

  static void look_after(Store& store, uint64_t number, const std::string& name) {
    Status status;
    if (number % 20 == 19) status = store.checkpoint();
    if (number % 50 == 10) status = store.create_snapshot(name).status();
    if (number % 50 == 40) status = store.drop_snapshot(name);
    EXPECT_TRUE(status) << status.to_string();
  }
  // Until it is told to end; then it says how far it got.
  void write(int writer) {
    Store store = open_or_die(path_);
    const std::string prefix = "w" + std::to_string(writer) + "/";
    uint64_t number = 0;
    for (; !end_.has_ended(); ++number) {
      const auto version = store.update([&](Transaction& txn) -> Status {
        const std::string key = prefix + std::to_string(number * 7919 % 300);
        if (number % 9 == 8)
          HOLDFAST_TRY(txn.del(key));
        else
          HOLDFAST_TRY(txn.put(key, std::string(number % 13 == 0 ? 3000 : 50, 'v')));
        return txn.put(prefix + "last", std::to_string(number));
      });
      ASSERT_TRUE(version) << version.status().to_string();
      look_after(store, number, prefix + "name");
    }
    said_.send(prefix + "last " + std::to_string(number - 1) + "\n");
  }
  static size_t damaged_snapshots(const std::vector<std::string>& problems) {
    return std::count_if(problems.begin(), problems.end(), [](const std::string& problem) {
      return problem.starts_with("snapshot \"w");
    });
  }
  // A leaf of the tree that holds nothing but keys that nobody touches, nor do its neighbours.
  uint64_t still_leaf() {
    uint64_t found = 0;
    const auto take = [&](const care::Row& row) {
      std::string lower, upper;
      uint64_t pgno = 0;
      for (const auto& [name, value] : row.fields) {
        if (name == "lower") lower = std::get<std::string>(value);
        if (name == "upper") upper = std::get<std::string>(value);
        if (name == "page") pgno = std::get<uint64_t>(value);
      }
      if (row.type == "page" && lower > still_key(1000) && !upper.empty() &&
          upper < still_key(2000)) {
        found = pgno;
      }
      return Status::ok();
    };
    EXPECT_TRUE(care::dump_tree(os::posix_os(), path_, {}, take));
    return found;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel end_;  // ends when the parent ends it
  Channel said_;
};

TEST_F(CheckOnlineTest, FindsNothingUntilSomethingIsDamagedAndThenThatAlone) {
  std::vector<ChildProcess> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(ChildProcess::start([&, i] {
      end_.close_sending();
      write(i);
    }));
  }
  said_.close_sending();
  Store store = open_or_die(path_);
  uint64_t version = 0;
  for (int i = 0; i < 12; ++i) {
    const auto report = store.check();
    ASSERT_TRUE(report) << report.status().to_string();
    ASSERT_THAT(report->problems, IsEmpty());
    EXPECT_GE(report->version, version);
    version = report->version;
    // They go on meanwhile.
    while (store.stats()->version < version + 20) {
    }
  }
  const uint64_t leaf = still_leaf();
  ASSERT_NE(leaf, 0u);
  flip_bit(path_ + "/data", leaf * kPageSize + kPageSize / 2);
  for (int i = 0; i < 4; ++i) {
    const auto report = store.check();
    ASSERT_TRUE(report) << report.status().to_string();
    // Once, and once more for each snapshot that has the page too.
    const std::string place = "page " + std::to_string(leaf) + " at byte ";
    ASSERT_THAT(report->problems, Each(HasSubstr(place)));
    EXPECT_THAT(report->problems[0], StartsWith("data: page " + std::to_string(leaf) + ":"));
    EXPECT_EQ(report->problems.size(), 1 + damaged_snapshots(report->problems));
  }
  flip_bit(path_ + "/data", leaf * kPageSize + kPageSize / 2);
  EXPECT_THAT(store.check()->problems, IsEmpty());
  end_.close_sending();
  for (ChildProcess& writer : writers) EXPECT_EQ(writer.wait(), ChildProcess::kSuccess);
  std::istringstream lines(said_.receive_all());
  std::string key, last;
  int count = 0;
  for (; lines >> key >> last; ++count) EXPECT_EQ(*store.get(key), last);
  EXPECT_EQ(count, kWriters);
  for (int i = 0; i < 3000; i += 100) EXPECT_EQ(*store.get(still_key(i)), std::string(40, 's'));
  expect_sound(store);
  EXPECT_GT(store.stats()->checkpoints, 3u);
}

}  // namespace
}  // namespace holdfast
