#include "store/early_sync.h"

#include <gtest/gtest.h>

#include <atomic>

#include "store/test_machine.h"
#include "support/faulty_os.h"
#include "support/no_threads.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kMuch = 8u << 20;

// A file whose syncs are counted; a thread of the object makes them.
class EarlySyncTest : public testing::Test {
 protected:
  EarlySyncTest() {
    EXPECT_TRUE(machine_.os().make_directories("/d"));
    os_.fault = [this](const Attempt& attempt) {
      if (attempt.call != Call::kSync) return Status::ok();
      const int number = ++syncs_;
      syncs_.notify_all();
      return number == fails_at_ ? Status(StatusCode::kNoSpace, "the disk is full") : Status::ok();
    };
    file_ = std::move(*os_.open("/d/file", os::OpenMode::kCreate));
    sync_.emplace(os_, *file_);
  }
  void wait_for(int syncs) {
    for (int seen = syncs_; seen < syncs; seen = syncs_) syncs_.wait(seen);
  }

  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  std::unique_ptr<os::File> file_;
  std::optional<EarlySync> sync_;
  std::atomic<int> syncs_ = 0;
  int fails_at_ = 0;
};

TEST_F(EarlySyncTest, LittleIsLeftToWhoeverSyncsInTheEnd) {
  sync_->wrote(kMuch - 1);
  EXPECT_TRUE(sync_->finish());
  EXPECT_EQ(syncs_, 0);
}

TEST_F(EarlySyncTest, EachMuchIsSyncedBesideTheWriting) {
  for (int i = 1; i <= 5; ++i) {
    sync_->wrote(kMuch / 2);
    sync_->wrote(kMuch / 2);
    wait_for(i);
  }
  EXPECT_TRUE(sync_->finish());
  EXPECT_EQ(syncs_, 5);
}

TEST_F(EarlySyncTest, WithoutAThreadAllIsLeftToWhoeverSyncsInTheEnd) {
  const NoThreads none;
  sync_->wrote(kMuch);
  sync_->wrote(kMuch);
  EXPECT_TRUE(sync_->finish());
  EXPECT_EQ(syncs_, 0);
}

TEST_F(EarlySyncTest, ASyncThatFailedIsToldInTheEnd) {
  fails_at_ = 2;
  for (int i = 1; i <= 2; ++i) {
    sync_->wrote(kMuch);
    wait_for(i);
  }
  sync_->wrote(kMuch);  // nobody syncs any more
  EXPECT_EQ(sync_->finish().code(), StatusCode::kNoSpace);
  EXPECT_EQ(syncs_, 2);
}

}  // namespace
}  // namespace holdfast::store
