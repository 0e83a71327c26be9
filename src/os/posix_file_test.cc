#include "os/posix_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "support/temporary_directory.h"

namespace holdfast::os {
namespace {

class PosixFileTest : public testing::Test {
 protected:
  std::unique_ptr<File> open(const std::string& name, OpenMode mode = OpenMode::kCreate) {
    auto file = posix_os().open(path(name), mode);
    EXPECT_TRUE(file.is_ok()) << file.status().to_string();
    return std::move(*file);
  }
  std::string path(const std::string& name) { return directory_.path_of(name); }

  TemporaryDirectory directory_;
};

// Runs `body` in a forked child and returns its exit code.
int exit_code_of_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string read_all(File& file, size_t size) {
  std::string bytes(size, '?');
  auto count = file.read_at(0, bytes.data(), size);
  EXPECT_TRUE(count.is_ok());
  bytes.resize(*count);
  return bytes;
}

TEST_F(PosixFileTest, OpenModesCreateOrRefuse) {
  EXPECT_EQ(posix_os().open(path("a"), OpenMode::kReadWrite).status().code(),
            StatusCode::kNotFound);
  open("a", OpenMode::kCreateExclusive);
  open("a", OpenMode::kCreate);
  open("a", OpenMode::kReadWrite);
  EXPECT_EQ(posix_os().open(path("a"), OpenMode::kCreateExclusive).status().code(),
            StatusCode::kConditionFalse);
}

TEST_F(PosixFileTest, ErrorsNamePathCallAndReason) {
  const Status missing = posix_os().open(path("none/a"), OpenMode::kCreate).status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.path(), path("none/a"));
  EXPECT_NE(missing.message().find("open failed: No such file"), std::string::npos);
  open("file");
  EXPECT_EQ(posix_os().open(path("file/a"), OpenMode::kCreate).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(posix_os().open(directory_.path(), OpenMode::kReadWrite).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(posix_os().open(path(std::string(300, 'x')), OpenMode::kCreate).status().code(),
            StatusCode::kInvalidArgument);
  ASSERT_EQ(symlink("loop", path("loop").c_str()), 0);
  EXPECT_EQ(posix_os().open(path("loop"), OpenMode::kReadWrite).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PosixFileTest, TooManyOpenFilesSaysSo) {
  EXPECT_EQ(exit_code_of_child([&] {
              const rlimit limit{3, 3};
              setrlimit(RLIMIT_NOFILE, &limit);
              const Status status = posix_os().open(path("a"), OpenMode::kCreate).status();
              const bool clear = status.code() == StatusCode::kIoError &&
                                 status.message().find("ulimit -n") != std::string::npos;
              return clear ? 0 : 1;
            }),
            0);
}

TEST_F(PosixFileTest, FileSizeLimitIsNoSpaceAndKeepsThePrefix) {
  EXPECT_EQ(exit_code_of_child([&] {
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{100, 100};
              setrlimit(RLIMIT_FSIZE, &limit);
              auto file = posix_os().open(path("a"), OpenMode::kCreate);
              if (!file) return 1;
              const Status status = (*file)->write_at(0, std::string(300, 'x'));
              if (status.code() != StatusCode::kNoSpace) return 2;
              return (*file)->info()->size_bytes == 100 ? 0 : 3;
            }),
            0);
}

TEST_F(PosixFileTest, ReadReturnsLessOnlyAtTheEnd) {
  auto file = open("a");
  ASSERT_TRUE(file->write_at(2, "cd"));
  EXPECT_EQ(read_all(*file, 100), std::string("\0\0cd", 4));
  char out[4];
  EXPECT_EQ(*file->read_at(3, out, 4), 1U);
  EXPECT_EQ(*file->read_at(4, out, 4), 0U);
  EXPECT_EQ(*file->read_at(1000, out, 4), 0U);
}

TEST_F(PosixFileTest, GatherWritesMorePiecesThanOneCallTakes) {
  auto file = open("a");
  std::vector<std::string> owned;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    owned.push_back(i % 7 == 0 ? "" : std::to_string(i));
    expected += owned.back();
  }
  const std::vector<std::string_view> pieces(owned.begin(), owned.end());
  ASSERT_TRUE(file->write_gather_at(5, pieces));
  EXPECT_EQ(read_all(*file, 100'000), std::string(5, '\0') + expected);
  ASSERT_TRUE(file->write_gather_at(0, {}));
  const std::vector<std::string_view> empty_pieces(5);
  ASSERT_TRUE(file->write_gather_at(0, empty_pieces));
}

TEST_F(PosixFileTest, GatherReportsNoSpaceOfAFullFileSystem) {
  auto full = posix_os().open("/dev/full", OpenMode::kReadWrite);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const std::vector<std::string_view> pieces = {"a", "b"};
  EXPECT_EQ((*full)->write_gather_at(0, pieces).code(), StatusCode::kNoSpace);
  EXPECT_EQ((*full)->write_at(0, "a").code(), StatusCode::kNoSpace);
}

TEST_F(PosixFileTest, AllocateExtendsWithZerosAndTruncateCuts) {
  auto file = open("a");
  ASSERT_TRUE(file->allocate(0, 10'000));
  EXPECT_EQ(file->info()->size_bytes, 10'000U);
  EXPECT_EQ(read_all(*file, 10'000), std::string(10'000, '\0'));
  ASSERT_TRUE(file->truncate(3));
  EXPECT_EQ(file->info()->size_bytes, 3U);
  ASSERT_TRUE(file->allocate(0, 0));
  ASSERT_TRUE(file->sync_data());
}

TEST_F(PosixFileTest, DescriptorsAreCloseOnExecAndAboveTwo) {
  EXPECT_EQ(exit_code_of_child([&] {
              close(0);
              close(1);
              auto file = posix_os().open(path("a"), OpenMode::kCreate);
              const int fd = static_cast<PosixFile&>(**file).descriptor();
              if (fd < 3) return 1;
              return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 2;
            }),
            0);
}

TEST_F(PosixFileTest, LocksBelongToADescriptionNotToTheProcess) {
  auto first = open("lock");
  auto second = open("lock");
  EXPECT_TRUE(*first->lock_try(5, LockKind::kExclusive));
  EXPECT_FALSE(*second->lock_try(5, LockKind::kExclusive));
  EXPECT_FALSE(*second->lock_try(5, LockKind::kShared));
  EXPECT_TRUE(*second->lock_held_by_other(0, 10));
  EXPECT_FALSE(*second->lock_held_by_other(6, 10));
  EXPECT_FALSE(*first->lock_held_by_other(0, 10));
  EXPECT_TRUE(*second->lock_try(6, LockKind::kShared));
  EXPECT_TRUE(*first->lock_try(6, LockKind::kShared));
  open("lock").reset();  // closing another description drops nothing
  EXPECT_TRUE(*second->lock_held_by_other(5, 1));
  ASSERT_TRUE(first->unlock(5));
  EXPECT_FALSE(*second->lock_held_by_other(5, 1));
  EXPECT_TRUE(*second->lock_try(5, LockKind::kExclusive));
  second.reset();
  EXPECT_TRUE(*first->lock_try(5, LockKind::kExclusive));
}

TEST_F(PosixFileTest, ForkedChildHoldsNoLockAndEveryCallSaysForked) {
  auto held = open("lock");
  ASSERT_TRUE(*held->lock_try(0, LockKind::kExclusive));
  int to_child[2];
  int from_child[2];
  ASSERT_EQ(pipe(to_child), 0);
  ASSERT_EQ(pipe(from_child), 0);
  const uint32_t forks = posix_os().fork_count();
  const pid_t child = fork();
  if (child == 0) {
    const bool right = posix_os().fork_count() == forks + 1 &&
                       held->sync_data().code() == StatusCode::kForked &&
                       held->info().status().code() == StatusCode::kForked &&
                       held->lock_try(1, LockKind::kShared).status().code() == StatusCode::kForked;
    char byte = right ? 'y' : 'n';
    if (write(from_child[1], &byte, 1) != 1) _exit(1);
    _exit(read(to_child[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = '?';
  ASSERT_EQ(read(from_child[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(posix_os().fork_count(), forks);
  held.reset();  // the child lives on; its copy of the descriptor must not keep the lock
  EXPECT_TRUE(*open("lock")->lock_try(0, LockKind::kExclusive));
  ASSERT_EQ(write(to_child[1], &byte, 1), 1);
  waitpid(child, nullptr, 0);
  for (int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) close(fd);
}

TEST_F(PosixFileTest, MappingMayExceedTheFileAndSeesItGrow) {
  auto file = open("a");
  ASSERT_TRUE(file->write_at(0, "x"));
  auto large = file->map(size_t{1} << 40, MapAccess::kRead);
  ASSERT_TRUE(large.is_ok()) << large.status().to_string();
  EXPECT_EQ((*large)->size(), size_t{1} << 40);
  EXPECT_EQ((*large)->data()[0], 'x');
  ASSERT_TRUE(file->allocate(0, 20'000));
  auto writable = file->map(20'000, MapAccess::kReadWrite);
  ASSERT_TRUE(writable.is_ok());
  file.reset();  // a mapping outlives its file
  (*writable)->data()[10'000] = 'y';
  EXPECT_EQ((*large)->data()[10'000], 'y');
}

TEST_F(PosixFileTest, MappingIsNotThereInAForkedChild) {
  auto file = open("a");
  ASSERT_TRUE(file->allocate(0, 4096));
  auto mapping = file->map(4096, MapAccess::kReadWrite);
  ASSERT_TRUE(mapping.is_ok());
  EXPECT_EQ(exit_code_of_child([&] {
              unsigned char resident;
              const bool absent = mincore((*mapping)->data(), 4096, &resident) != 0;
              mapping->reset();  // must not unmap what is not its own
              return absent ? 0 : 1;
            }),
            0);
  (*mapping)->data()[0] = 'x';
}

}  // namespace
}  // namespace holdfast::os
