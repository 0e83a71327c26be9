#include "os/posix_os.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <thread>

#include "os/posix_process.h"
#include "support/temporary_directory.h"

namespace holdfast::os {
namespace {

class PosixOsTest : public testing::Test {
 protected:
  std::string path(const std::string& name) { return directory_.path_of(name); }
  void touch(const std::string& name) {
    ASSERT_TRUE(os_.open(path(name), OpenMode::kCreate).is_ok());
  }

  TemporaryDirectory directory_;
  Os& os_ = posix_os();
};

TEST_F(PosixOsTest, DirectoriesAreMadeWithParentsAndListedSorted) {
  ASSERT_TRUE(os_.make_directories(path("a/b/c")));
  ASSERT_TRUE(os_.make_directories(path("a/b/c/")));
  touch("a/b/z");
  touch("a/b/m");
  EXPECT_EQ(*os_.list(path("a/b")), (std::vector<std::string>{"c", "m", "z"}));
  EXPECT_EQ(os_.make_directories(path("a/b/z")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(os_.list(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(os_.list(path("a/b/m")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(os_.list(path("a/b/m/x")).status().code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(os_.sync_directory(path("a/b")));
  EXPECT_EQ(os_.sync_directory(path("a/b/z")).code(), StatusCode::kNotFound);
}

TEST_F(PosixOsTest, RenameReplacesAndRemoveRemoves) {
  touch("a");
  touch("b");
  ASSERT_TRUE(os_.rename(path("a"), path("b")));
  EXPECT_EQ(*os_.list(directory_.path()), std::vector<std::string>{"b"});
  EXPECT_EQ(os_.rename(path("a"), path("c")).code(), StatusCode::kNotFound);
  ASSERT_TRUE(os_.remove(path("b")));
  EXPECT_EQ(os_.remove(path("b")).code(), StatusCode::kNotFound);
  ASSERT_TRUE(os_.make_directories(path("d/e")));
  EXPECT_EQ(os_.remove(path("d")).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(os_.remove(path("d/e")));
}

TEST_F(PosixOsTest, FileSystemHasAName) {
  auto found = os_.file_system(directory_.path());
  ASSERT_TRUE(found.is_ok());
  EXPECT_FALSE(found->name.empty());
  auto proc = os_.file_system("/proc");
  ASSERT_TRUE(proc.is_ok());
  EXPECT_EQ(proc->name, "proc");
  EXPECT_EQ(proc->trust, FileSystemTrust::kLies);
  EXPECT_EQ(os_.file_system(path("none")).status().code(), StatusCode::kNotFound);
}

TEST_F(PosixOsTest, FutexWaitEndsOnChangeOnWakeAndOnTimeout) {
  Shared<uint32_t> word;
  EXPECT_EQ(os_.futex_wait(word, 1, 1'000'000'000), WaitResult::kWoken);
  const uint64_t before_us = os_.monotonic_time_us();
  EXPECT_EQ(os_.futex_wait(word, 0, 2'000), WaitResult::kTimedOut);
  EXPECT_GE(os_.monotonic_time_us() - before_us, 2'000U);
  std::thread waker([&] {
    word.store(1);
    os_.futex_wake(word, UINT32_MAX);
  });
  while (word.load() == 0) os_.futex_wait(word, 0, UINT64_MAX);
  waker.join();
}

TEST_F(PosixOsTest, FutexWakesAnotherProcessThroughAMapping) {
  auto file = os_.open(path("shm"), OpenMode::kCreate);
  ASSERT_TRUE((*file)->allocate(0, 4096));
  const pid_t child = fork();
  if (child == 0) {
    auto own = posix_os().open(path("shm"), OpenMode::kReadWrite);
    auto mapping = (*own)->map(4096, MapAccess::kReadWrite);
    auto* word = reinterpret_cast<Shared<uint32_t>*>((*mapping)->data());
    word->store(1);
    posix_os().futex_wake(*word, 1);
    _exit(0);
  }
  auto mapping = (*file)->map(4096, MapAccess::kReadWrite);
  auto* word = reinterpret_cast<Shared<uint32_t>*>((*mapping)->data());
  while (word->load() == 0) os_.futex_wait(*word, 0, 10'000'000);
  waitpid(child, nullptr, 0);
}

TEST_F(PosixOsTest, ProcessesAreDescribed) {
  const ProcessIdentity own = os_.process();
  EXPECT_EQ(own.pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(own.pid, os_.process_id());
  EXPECT_GT(own.pid_namespace_inode, 0U);
  EXPECT_NE(os_.describe_process(own).find("state R (running)"), std::string::npos);

  ProcessIdentity reused = own;
  ++reused.start_ticks;
  EXPECT_NE(os_.describe_process(reused).find("gone"), std::string::npos);
  ProcessIdentity elsewhere = own;
  ++elsewhere.pid_namespace_inode;
  EXPECT_NE(os_.describe_process(elsewhere).find("another container"), std::string::npos);

  ProcessIdentity somewhere = own;
  somewhere.pid_namespace_inode = 0;
  EXPECT_NE(os_.describe_process(somewhere).find("if it is of this pid namespace"),
            std::string::npos);

  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  kill(child, SIGSTOP);
  waitpid(child, nullptr, WUNTRACED);
  ProcessIdentity stopped{static_cast<uint32_t>(child), 0, own.pid_namespace_inode};
  EXPECT_EQ(os_.describe_process(stopped), "pid " + std::to_string(child) + ", state T (stopped)");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(os_.describe_process(stopped), "pid " + std::to_string(child) + ", gone");
}

TEST_F(PosixOsTest, ForkedChildHasItsOwnIdentity) {
  const ProcessIdentity own = os_.process();
  const pid_t child = fork();
  if (child == 0) _exit(posix_os().process().pid == static_cast<uint32_t>(getpid()) ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(os_.process().pid, own.pid);
}

TEST_F(PosixOsTest, TimeRandomnessAndBootIdAnswer) {
  EXPECT_GT(os_.wall_time_us(), 1'700'000'000'000'000U);
  EXPECT_EQ(os_.boot_id(), os_.boot_id());
  EXPECT_TRUE(os_.has_threads());
  char one[300] = {};
  char two[300] = {};
  os_.random_bytes(one, sizeof one);
  os_.random_bytes(two, sizeof two);
  EXPECT_NE(std::string_view(one, sizeof one), std::string_view(two, sizeof two));
  const uint64_t before_us = os_.monotonic_time_us();
  os_.sleep_us(1'000);
  EXPECT_GE(os_.monotonic_time_us() - before_us, 1'000U);
}

TEST(PosixProcessTest, ParsesWhatTheKernelWrites) {
  EXPECT_EQ(parse_uuid("00ff1234-0000-0000-0000-00000000000A\n"),
            (std::array<char, 16>{0, -1, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10}));
  EXPECT_EQ(parse_uuid(""), std::nullopt);
  EXPECT_EQ(parse_uuid("not a uuid"), std::nullopt);
  EXPECT_EQ(parse_uuid("00ff1234-0000-0000-0000-00000000000A00"), std::nullopt);
  auto stat =
      parse_process_stat("7 (a) b (c) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 9");
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->state, 'T');
  EXPECT_EQ(stat->start_ticks, 777U);
  EXPECT_FALSE(parse_process_stat("").has_value());
  EXPECT_FALSE(parse_process_stat("7 (a) T 1 2").has_value());
}

}  // namespace
}  // namespace holdfast::os
