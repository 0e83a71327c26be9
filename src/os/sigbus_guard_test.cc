#include "os/sigbus_guard.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "os/guarded_os.h"
#include "support/temporary_directory.h"

namespace holdfast::os {
namespace {

constexpr size_t kPage = 4096;

// How a child that runs `body` ends: its exit code, or minus its signal. It begins without a
// handler; sanitizers have one.
int end_of(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGBUS, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

class SigbusGuardTest : public testing::Test {
 protected:
  // A mapping of four pages, each full of 'x', of which all but the first are cut off.
  std::unique_ptr<Mapping> map_and_cut(Os& os, MapAccess access) const {
    auto file = os.open(path_, OpenMode::kCreate);
    EXPECT_TRUE((*file)->write_at(0, std::string(4 * kPage, 'x')));
    auto mapping = (*file)->map(4 * kPage, access);
    EXPECT_TRUE(mapping);
    EXPECT_TRUE((*file)->truncate(kPage));
    return std::move(*mapping);
  }
  static int read(const Mapping& mapping, size_t offset) {
    return *static_cast<volatile char*>(mapping.data() + offset);
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("file");
};

TEST_F(SigbusGuardTest, WithoutAGuardTheProcessEnds) {
  EXPECT_EQ(end_of([&] { return read(*map_and_cut(posix_os(), MapAccess::kRead), 2 * kPage); }),
            -SIGBUS);
}

TEST_F(SigbusGuardTest, APageThatWasCutOffReadsAsZerosAndIsTold) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              const auto mapping = map_and_cut(os, MapAccess::kRead);
              if (os.has_lost_memory() || os.lost_page()) return 1;
              if (read(*mapping, 2 * kPage + 5) != 0) return 2;
              if (!os.has_lost_memory() || os.has_lost_shared_memory()) return 3;
              if (os.lost_page()->path != path_ || os.lost_page()->offset != 2 * kPage) return 4;
              if (read(*mapping, 3 * kPage) != 0) return 5;
              return read(*mapping, 0) == 'x' ? 0 : 6;
            }),
            0);
}

TEST_F(SigbusGuardTest, SharedMemoryThatWasCutIsPrivateFromThenOnAndNothingIsWritten) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              const auto mapping = map_and_cut(os, MapAccess::kReadWrite);
              auto file = os.open(path_, OpenMode::kReadWrite);
              mapping->data()[3 * kPage] = 'y';
              if (!os.has_lost_shared_memory()) return 1;
              if (read(*mapping, 0) != 0 || read(*mapping, 3 * kPage) != 'y') return 2;
              mapping->data()[0] = 'z';
              char byte = 0;
              if (!(*file)->read_at(0, &byte, 1) || byte != 'x') return 3;
              if ((*file)->write_at(0, "w") || (*file)->sync_data()) return 4;
              return os.remove(path_) ? 5 : 0;
            }),
            0);
}

TEST_F(SigbusGuardTest, AFaultElsewhereEndsTheProcessAsWithoutAGuard) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              const auto ours = map_and_cut(os, MapAccess::kRead);
              return read(*map_and_cut(posix_os(), MapAccess::kRead), 2 * kPage);
            }),
            -SIGBUS);
}

TEST_F(SigbusGuardTest, ASignalThatIsSentEndsTheProcessAsWithoutAGuard) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              const auto ours = map_and_cut(os, MapAccess::kRead);
              ::raise(SIGBUS);
              return 0;
            }),
            -SIGBUS);
}

TEST_F(SigbusGuardTest, AFaultElsewhereGoesToTheHandlerThatWasThereBefore) {
  EXPECT_EQ(end_of([&] {
              struct sigaction theirs {};
              theirs.sa_sigaction = [](int, siginfo_t*, void*) { ::_exit(42); };
              theirs.sa_flags = SA_SIGINFO;
              ::sigaction(SIGBUS, &theirs, nullptr);
              GuardedOs os(posix_os());
              const auto ours = map_and_cut(os, MapAccess::kRead);
              if (read(*ours, kPage) != 0) return 1;
              return read(*map_and_cut(posix_os(), MapAccess::kRead), 2 * kPage);
            }),
            42);
}

TEST_F(SigbusGuardTest, AHandlerThatCameLaterMayCallOurs) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              const auto first = map_and_cut(os, MapAccess::kRead);
              static struct sigaction ours;
              struct sigaction later {};
              later.sa_sigaction = [](int number, siginfo_t* info, void* context) {
                ours.sa_sigaction(number, info, context);
              };
              later.sa_flags = SA_SIGINFO;
              ::sigaction(SIGBUS, &later, &ours);
              const auto second = map_and_cut(os, MapAccess::kRead);
              if (read(*second, kPage) != 0 || !os.has_lost_memory()) return 1;
              return read(*map_and_cut(posix_os(), MapAccess::kRead), 2 * kPage);
            }),
            -SIGBUS);
}

TEST_F(SigbusGuardTest, WhatIsUnmappedIsGuardedNoMore) {
  EXPECT_EQ(end_of([&] {
              GuardedOs os(posix_os());
              auto ours = map_and_cut(os, MapAccess::kRead);
              char* const at = ours->data();
              ours.reset();
              auto theirs = map_and_cut(posix_os(), MapAccess::kRead);
              (void)::mremap(theirs->data(), 4 * kPage, 4 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED,
                             at);
              return *static_cast<volatile char*>(at + 2 * kPage);
            }),
            -SIGBUS);
}

}  // namespace
}  // namespace holdfast::os
