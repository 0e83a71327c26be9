// Salvages that are really killed, at moments nobody chose, and run again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <random>

#include "holdfast/blob.h"
#include "holdfast/care.h"
#include "os/os.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class SalvageKillTest : public testing::Test {
 protected:
  SalvageKillTest() {
    StoreOptions options;
    options.segment_size_bytes = 256u << 10;
    options.durability = Durability::batched;
    Store store = open_or_die(old_, options);
    for (int i = 0; i < 400; ++i) {
      EXPECT_TRUE(store.put("key" + std::to_string(i), std::string(2000, 'v')));
      if (i != 200) continue;
      EXPECT_TRUE(store.checkpoint());
    }
    const auto blob = store.blobs().write(std::string(2u << 20, 'b'));
    EXPECT_TRUE(store.update([&](Transaction& txn) -> Status {
      return store.blobs().reference(txn, *blob, "somebody");
    }));
    Snapshot snapshot = std::move(*store.snapshot());
    expected_ = contents(snapshot);
    EXPECT_TRUE(store.close());
  }
  Result<care::SalvageReport> salvage() { return care::salvage(os::posix_os(), old_, new_, {}); }
  void expect_saved() {
    StoreOptions options;
    options.create = false;
    Store store = std::move(*Store::open(new_, options));
    expect_sound(store);
    Snapshot snapshot = std::move(*store.snapshot());
    EXPECT_EQ(contents(snapshot), expected_);
    EXPECT_THAT(store.blobs().check(snapshot, true)->problems, testing::IsEmpty());
  }

  TemporaryDirectory directory_;
  const std::string old_ = directory_.path_of("old");
  const std::string new_ = directory_.path_of("new");
  std::map<std::string, std::string> expected_;
};

TEST_F(SalvageKillTest, OneThatIsKilledIsRunAgainAndTheOldStoreStaysAsItIs) {
  const auto before = files_below(old_);
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 15 && !fs::exists(new_); ++round) {
    Channel started;
    ChildProcess child = ChildProcess::start([&] {
      started.send("x");
      (void)salvage();
    });
    (void)started.receive(1);
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::microseconds(random() % (round < 10 ? 20'000 : 2'000));
    while (std::chrono::steady_clock::now() < end) {
    }
    child.kill();
    child.wait();
    ASSERT_EQ(files_below(old_), before);
  }
  if (!fs::exists(new_)) {
    StoreOptions options;
    options.create = false;
    if (fs::exists(new_ + ".partial/SALVAGE")) {
      const auto half = Store::open(new_ + ".partial", options);
      EXPECT_EQ(half.status().code(), StatusCode::kNotAStore);
      EXPECT_THAT(std::string(half.status().message()), HasSubstr("holdfast salvage again"));
    }
    const auto report = salvage();
    ASSERT_TRUE(report) << report.status().to_string();
    EXPECT_TRUE(report->complete()) << testing::PrintToString(report->doubts);
    EXPECT_FALSE(fs::exists(new_ + ".partial"));
  }
  EXPECT_EQ(files_below(old_), before);
  expect_saved();
}

TEST_F(SalvageKillTest, OfTwoAtOnceOneIsToldThatTheOtherIsAtIt) {
  Channel within, go_on;
  ChildProcess first = ChildProcess::start([&] {
    care::SalvageOptions options;
    bool told = false;
    options.progress = [&](std::string_view, uint64_t, uint64_t) {
      if (std::exchange(told, true)) return;
      within.send("x");
      (void)go_on.receive(1);
    };
    const auto report = care::salvage(os::posix_os(), old_, new_, options);
    EXPECT_TRUE(report) << report.status().to_string();
  });
  (void)within.receive(1);
  const auto second = salvage();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.status().code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process salvages"));
  go_on.send("x");
  EXPECT_EQ(first.wait(), ChildProcess::kSuccess);
  expect_saved();
  EXPECT_EQ(salvage().status().code(), StatusCode::kInvalidArgument) << "it is there already";
}

}  // namespace
}  // namespace holdfast
