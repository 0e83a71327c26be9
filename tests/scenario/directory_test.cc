// What becomes of a store whose directory is moved, copied or made read-only while it is open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "holdfast/holdfast.h"
#include "os/os.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

class DirectoryTest : public testing::TestWithParam<Durability> {
 protected:
  static StoreOptions options() {
    StoreOptions options;
    options.durability = GetParam();
    options.segment_size_bytes = 64u << 10;
    options.checkpoint_log_bytes = 256u << 10;
    return options;
  }
  // Writes until that fails or `count` are written.
  static Status write(Store& store, const std::string& prefix, int count) {
    for (int i = 0; i < count; ++i) {
      HOLDFAST_TRY(store.put(prefix + std::to_string(i), std::string(2000, 'x')).status());
    }
    return Status::ok();
  }
  void copy(const std::string& to) const {
    std::filesystem::copy(path_, to, std::filesystem::copy_options::recursive);
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  const std::string elsewhere_ = directory_.path_of("elsewhere");
};

TEST_P(DirectoryTest, AStoreThatIsMovedWhileOpenGoesOnAtItsNewPlace) {
  Store store = open_or_die(path_, options());
  ASSERT_TRUE(write(store, "before", 10));
  std::filesystem::rename(path_, elsewhere_);
  // Whoever finds the path free may make another one there. It is closed, or its own helper thread
  // would be one more who touches its files.
  ASSERT_TRUE(open_or_die(path_, options()).put("other", "1"));
  const auto files = files_below(path_);

  ASSERT_TRUE(write(store, "during", 300)) << "through several segments and checkpoints";
  ASSERT_TRUE(store.checkpoint());
  Store same = open_or_die(elsewhere_, options());
  EXPECT_EQ(same.get("during299")->value().size(), 2000u);
  ASSERT_TRUE(write(same, "same", 10));
  EXPECT_EQ(contents(same), contents(store));
  ASSERT_TRUE(store.close());
  ASSERT_TRUE(same.close());
  EXPECT_TRUE(files_below(path_) == files) << "the other store's files were touched";

  Store other = open_or_die(path_, options());
  ASSERT_TRUE(write(other, "other", 100));
  expect_sound(other);
  Store again = open_or_die(elsewhere_, options());
  EXPECT_EQ(again.get("before9")->value().size(), 2000u);
  EXPECT_EQ(again.get("same9")->value().size(), 2000u);
  ASSERT_TRUE(write(again, "after", 200));
  expect_sound(again);
}

// The helper thread makes segments and removes them while the directories change places.
TEST_P(DirectoryTest, StoresThatChangePlacesKeepTheirFiles) {
  const std::string between = directory_.path_of("between");
  {
    Store one = open_or_die(path_, options());
    Store two = open_or_die(elsewhere_, options());
    for (int round = 0; round < 20; ++round) {
      ASSERT_TRUE(write(one, "one" + std::to_string(round) + "-", 30));
      std::filesystem::rename(path_, between);
      ASSERT_TRUE(write(two, "two" + std::to_string(round) + "-", 30));
      std::filesystem::rename(elsewhere_, path_);
      ASSERT_TRUE(write(one, "one" + std::to_string(round) + "+", 30));
      std::filesystem::rename(between, elsewhere_);
    }
  }
  Store one = open_or_die(path_, options());
  Store two = open_or_die(elsewhere_, options());
  EXPECT_EQ(contents(one).size(), 20u * 60);
  EXPECT_EQ(contents(two).size(), 20u * 30);
  expect_sound(one);
  expect_sound(two);
}

TEST_P(DirectoryTest, AStoreOfARelativePathGoesOnWhereverItsProcessGoes) {
  ChildProcess child = ChildProcess::start([&] {
    std::filesystem::current_path(directory_.path());
    Store store = open_or_die("store", options());
    EXPECT_TRUE(write(store, "before", 10));
    std::filesystem::current_path("/");
    EXPECT_TRUE(write(store, "after", 300));
    EXPECT_TRUE(store.checkpoint());
  });
  ASSERT_EQ(child.wait(), ChildProcess::kSuccess);
  Store store = open_or_die(path_, options());
  EXPECT_EQ(contents(store).size(), 310u);
  expect_sound(store);
}

TEST_P(DirectoryTest, AStoreThatIsRemovedWhileOpenIsNotMadeAnew) {
  Store store = open_or_die(path_, options());
  ASSERT_TRUE(write(store, "before", 10));
  std::filesystem::remove_all(path_);
  const Status refused = write(store, "during", 1000);
  EXPECT_EQ(refused.code(), StatusCode::kIoError) << refused.to_string();
  EXPECT_THAT(std::string(refused.message()), HasSubstr("removed"));
  EXPECT_EQ(store.get("before1")->value().size(), 2000u) << "reading goes on";
  (void)store.close();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_P(DirectoryTest, ACopyMadeWhileOpenIsAStoreOfItsOwn) {
  Store store = open_or_die(path_, options());
  ASSERT_TRUE(write(store, "before", 300));
  ASSERT_TRUE(store.flush());
  copy(elsewhere_);
  Store twin = open_or_die(elsewhere_, options());
  EXPECT_TRUE(twin.recovery().cold) << "its control block is not the one of its data";
  EXPECT_EQ(contents(twin), contents(store));
  ASSERT_TRUE(twin.put("only here", "1"));
  ASSERT_TRUE(store.put("only there", "1"));
  EXPECT_EQ(*store.get("only here"), std::nullopt);
  EXPECT_EQ(*twin.get("only there"), std::nullopt);
  EXPECT_EQ(store.stats()->processes, 1u);
  EXPECT_EQ(twin.stats()->processes, 1u);
  expect_sound(store);
  expect_sound(twin);
}

TEST_P(DirectoryTest, ACopyMadeWhileOthersWriteIsRefusedOrHasAllThatWasThereBefore) {
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove_all(elsewhere_);
    std::filesystem::remove_all(path_);
    Gate gate;
    ChildProcess writer = ChildProcess::start([&] {
      Store store = open_or_die(path_, options());
      ASSERT_TRUE(write(store, "before", 100));
      gate.pass();
      for (int i = 0;; ++i) {
        ASSERT_TRUE(store.put(std::to_string(i % 500), std::string(1500, 'y')));
      }
    });
    gate.open_for(1);
    bool copied = true;
    try {
      copy(elsewhere_);
    } catch (const std::filesystem::filesystem_error&) {
      copied = false;  // a segment was removed meanwhile
    }
    writer.kill();
    (void)writer.wait();
    if (!copied) continue;
    auto twin = Store::open(elsewhere_, options());
    if (!twin) {
      EXPECT_EQ(twin.status().code(), StatusCode::kCorruption) << twin.status().to_string();
      continue;
    }
    for (int i = 0; i < 100; ++i) {
      const auto value = twin->get("before" + std::to_string(i));
      if (!value) {
        EXPECT_EQ(value.status().code(), StatusCode::kCorruption) << value.status().to_string();
        continue;
      }
      EXPECT_EQ(value->value_or("").size(), 2000u);
    }
  }
}

TEST_P(DirectoryTest, AFileSystemMadeReadOnlyRefusesWritesUntilItIsNot) {
  constexpr int kNotPermitted = 77;
  const auto end = run_in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      ::_exit(kNotPermitted);
    }
    // By its path, where the mount below is met: what is kept hold of is not below that.
    auto opened = Store::open(os::posix_os(), path_, options());
    ASSERT_TRUE(opened) << opened.status().to_string();
    Store store = std::move(*opened);
    ASSERT_TRUE(write(store, "before", 100));
    // Files that are open go on as with a disk that the kernel has made read-only for others.
    const char* const path = path_.c_str();
    if (::mount(path, path, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("none", path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      ::_exit(kNotPermitted);
    }
    const Status refused = write(store, "during", 1000);
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << refused.to_string();
    const auto before = store.get("before1");
    ASSERT_TRUE(before) << before.status().to_string();
    EXPECT_EQ(before->value_or("").size(), 2000u);
    EXPECT_EQ(Store::open(path_, options()).status().code(), StatusCode::kPermissionDenied);
    ASSERT_EQ(::umount(path), 0);
    ASSERT_TRUE(write(store, "after", 100));
    expect_sound(store);
    ASSERT_TRUE(store.close());
    Store again = open_or_die(path_, options());
    EXPECT_EQ(again.get("after99")->value().size(), 2000u);
  });
  if (end.exit_code == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(end, ChildProcess::kSuccess);
}

INSTANTIATE_TEST_SUITE_P(Durabilities, DirectoryTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast
