// A machine that runs out: of disk, of file size, of open files. Each call fails with a clear
// error, what was acknowledged stays, and the store works when there is room again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using Contents = std::map<std::string, std::string>;

class ExhaustionTest : public testing::TestWithParam<Durability> {
 protected:
  static StoreOptions options() {
    StoreOptions options;
    options.durability = GetParam();
    options.segment_size_bytes = 256u << 10;
    return options;
  }
  // Writes until that fails; returns the error, and what was acknowledged.
  static Status write_until_error(Store& store, Contents& acknowledged, int count_max) {
    for (int i = 0; i < count_max; ++i) {
      const std::string key = "key" + std::to_string(acknowledged.size());
      const std::string value(8000, static_cast<char>('a' + i % 26));
      const auto version = store.put(key, value);
      if (!version) return version.status();
      acknowledged[key] = value;
    }
    return Status::ok();
  }
  static void limit(int resource, uint64_t value) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(static_cast<__rlimit_resource>(resource), &limit), 0);
    limit.rlim_cur = value;
    ASSERT_EQ(::setrlimit(static_cast<__rlimit_resource>(resource), &limit), 0);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(ExhaustionTest, AFullDiskRefusesWritesAndLosesNothing) {
  constexpr int kNotPermitted = 77;
  const std::string mount = directory_.path_of("small");
  std::filesystem::create_directory(mount);
  const auto end = run_in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=24m") != 0) {
      ::_exit(kNotPermitted);
    }
    const std::string path = mount + "/store";
    Contents acknowledged;
    Store store = open_or_die(path, options());
    const Status status = write_until_error(store, acknowledged, 10'000);
    EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.to_string();
    EXPECT_GT(acknowledged.size(), 50u);
    EXPECT_LT(std::filesystem::space(mount).available, 2 * options().segment_size_bytes)
        << "nothing is refused before the disk is full, or because another asked for more";
    EXPECT_EQ(contents(store), acknowledged) << "reading goes on";
    expect_sound(store);
    // Others see the same, and it stays an error.
    EXPECT_EQ(run_in_child([&] {
                Store other = open_or_die(path, options());
                EXPECT_EQ(contents(other), acknowledged);
                const auto full = other.put("large", std::string(1u << 20, 'x'));
                EXPECT_EQ(full.status().code(), StatusCode::kNoSpace) << full.status().to_string();
              }),
              ChildProcess::kSuccess);
    // With room again the same handle writes on.
    ASSERT_EQ(::mount("tmpfs", mount.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    const Status again = write_until_error(store, acknowledged, 200);
    EXPECT_TRUE(again) << again.to_string();
    expect_sound(store);
    ASSERT_TRUE(store.close());
    Store reopened = open_or_die(path, options());
    EXPECT_EQ(contents(reopened), acknowledged);
  });
  if (end.exit_code == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(end, ChildProcess::kSuccess);
}

TEST_P(ExhaustionTest, AFileSizeLimitRefusesWritesAndLosesNothing) {
  Contents acknowledged;
  Channel sizes;
  EXPECT_EQ(run_in_child([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              Store store = open_or_die(path_, options());
              ASSERT_TRUE(store.put("first", "1"));
              limit(RLIMIT_FSIZE, 2u << 20);
              const Status status = write_until_error(store, acknowledged, 2000);
              EXPECT_EQ(status.code(), StatusCode::kNoSpace) << status.to_string();
              sizes.send(std::to_string(acknowledged.size()));
              acknowledged["first"] = "1";
              EXPECT_EQ(contents(store), acknowledged);
              expect_sound(store);
            }),
            ChildProcess::kSuccess);
  const size_t count = std::stoul(sizes.receive_all());
  for (const bool cold : {false, true}) {
    if (cold) reboot(path_);
    Store store = open_or_die(path_, options());
    EXPECT_EQ(contents(store).size(), count + 1 + (cold ? 1 : 0));
    ASSERT_TRUE(store.put("after", "2"));
    expect_sound(store);
  }
}

TEST_P(ExhaustionTest, TooManyOpenFilesIsAnErrorThatSaysSo) {
  { ASSERT_TRUE(open_or_die(path_, options()).put("kept", "1")); }
  EXPECT_EQ(run_in_child([&] {
              std::vector<int> taken;
              limit(RLIMIT_NOFILE, 40);
              for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
              while (true) {
                auto store = Store::open(path_, options());
                if (store) {
                  EXPECT_EQ(store->get("kept")->value(), "1");
                  EXPECT_TRUE(store->put("new", "2"));
                  break;
                }
                ASSERT_EQ(store.status().code(), StatusCode::kIoError)
                    << store.status().to_string();
                ASSERT_THAT(store.status().to_string(), HasSubstr("too many open files"));
                ASSERT_FALSE(taken.empty());
                ::close(taken.back());
                taken.pop_back();
              }
            }),
            ChildProcess::kSuccess);
  Store store = open_or_die(path_, options());
  EXPECT_EQ(contents(store), (Contents{{"kept", "1"}, {"new", "2"}}));
  expect_sound(store);
}

// The same while the store is made, and then while it must be recovered.
TEST_P(ExhaustionTest, TooFewOpenFilesToMakeOrRecoverAStoreLeaveItMakeable) {
  for (const bool recover : {false, true}) {
    SCOPED_TRACE(recover ? "recovering" : "making");
    if (recover) reboot(path_);
    EXPECT_EQ(run_in_child([&] {
                std::vector<int> taken;
                limit(RLIMIT_NOFILE, 40);
                for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
                while (true) {
                  auto store = Store::open(path_, options());
                  if (store) {
                    EXPECT_EQ(store->get("kept")->value_or("none"), recover ? "1" : "none");
                    EXPECT_TRUE(store->put("kept", "1"));
                    break;
                  }
                  ASSERT_EQ(store.status().code(), StatusCode::kIoError)
                      << store.status().to_string();
                  ::close(taken.back());
                  taken.pop_back();
                }
              }),
              ChildProcess::kSuccess);
    Store store = open_or_die(path_, options());
    EXPECT_EQ(contents(store), (Contents{{"kept", "1"}}));
    expect_sound(store);
  }
}

INSTANTIATE_TEST_SUITE_P(Durabilities, ExhaustionTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast
