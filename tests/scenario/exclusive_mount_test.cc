// A real file system whose locks are not trusted: a FUSE mount (bindfs over a temporary directory,
// where that is installed and may be mounted), with real processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdlib>

#include "holdfast/store.h"
#include "support/child_process.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr long kFuseType = 0x65735546;

class ExclusiveMountTest : public testing::Test {
 protected:
  void SetUp() override {
    ::mkdir(below_.c_str(), 0770);
    ::mkdir(mount_.c_str(), 0770);
    mounted_ = std::system(("bindfs '" + below_ + "' '" + mount_ + "' 2>/dev/null").c_str()) == 0;
    struct statfs found {};
    if (!mounted_ || ::statfs(mount_.c_str(), &found) != 0 || found.f_type != kFuseType) {
      GTEST_SKIP() << "bindfs is not installed, or FUSE may not be mounted here";
    }
  }
  void TearDown() override {
    if (mounted_ && std::system(("fusermount -u '" + mount_ + "'").c_str()) != 0) {
      ADD_FAILURE() << "still mounted: " << mount_;
    }
  }
  static StoreOptions impatient() {
    StoreOptions options;
    options.deadline = std::chrono::milliseconds(50);
    return options;
  }
  std::string path() const { return mount_ + "/store"; }

  TemporaryDirectory directory_;
  const std::string below_ = directory_.path_of("below");
  const std::string mount_ = directory_.path_of("mount");
  bool mounted_ = false;
};

TEST_F(ExclusiveMountTest, ProcessesHaveTheStoreOneAfterAnother) {
  for (int i = 0; i < 3; ++i) {
    const auto end = run_in_child([&] {
      auto store = Store::open(path());
      ASSERT_TRUE(store) << store.status().to_string();
      EXPECT_TRUE(store->recovery().exclusive);
      for (int k = 0; k < 50; ++k) {
        ASSERT_TRUE(
            store->put(std::to_string(i) + "/" + std::to_string(k), std::string(2000, 'x')));
      }
      ASSERT_TRUE(store->close());
    });
    ASSERT_EQ(end, ChildProcess::kSuccess);
  }
  auto store = Store::open(path());
  ASSERT_TRUE(store) << store.status().to_string();
  EXPECT_EQ(store->get("2/49")->value(), std::string(2000, 'x'));
  EXPECT_THAT(store->check()->problems, IsEmpty());
}

TEST_F(ExclusiveMountTest, ASecondProcessIsToldWhyItMustWait) {
  auto store = Store::open(path());
  ASSERT_TRUE(store) << store.status().to_string();
  const auto end = run_in_child([&] {
    const Status status = Store::open(path(), impatient()).status();
    EXPECT_EQ(status.code(), StatusCode::kBusy);
    EXPECT_THAT(std::string(status.message()), HasSubstr("fuse"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("named volume"));
  });
  EXPECT_EQ(end, ChildProcess::kSuccess);
}

TEST_F(ExclusiveMountTest, AKilledProcessLeavesWhatItCommittedAndItsPlace) {
  Channel written;
  ChildProcess child = ChildProcess::start([&] {
    auto store = Store::open(path());
    ASSERT_TRUE(store && store->put("a", "1"));
    written.send("w");
    await_kill();
  });
  ASSERT_TRUE(written.receive(1));
  child.kill();
  child.wait();
  auto store = Store::open(path());
  ASSERT_TRUE(store) << store.status().to_string();
  EXPECT_EQ(store->get("a")->value(), "1");
}

TEST_F(ExclusiveMountTest, TheDirectoryBelowMayBeSharedAgainAfterwards) {
  {
    auto store = Store::open(path());
    ASSERT_TRUE(store && store->put("a", "1"));
  }
  auto below = Store::open(below_ + "/store");
  ASSERT_TRUE(below) << below.status().to_string();
  EXPECT_FALSE(below->recovery().exclusive);
  EXPECT_EQ(below->get("a")->value(), "1");
}

}  // namespace
}  // namespace holdfast
