#include "process/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "process/shared_area.h"

namespace holdfast::process {
namespace {

TEST(Child, ReturnsWhatItsBodyReturns) {
  auto child = start_child([] { return 7; }, PidNamespace::kShared);
  ASSERT_TRUE(child);
  ChildEnd end = wait_child(*child, true);
  EXPECT_TRUE(end.ended);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.signal, 0);
}

TEST(Child, AKilledOneIsReportedAsKilled) {
  auto child = start_child(
      [] {
        ::pause();
        return 0;
      },
      PidNamespace::kShared);
  ASSERT_TRUE(child);
  EXPECT_FALSE(wait_child(*child, false).ended);
  ::kill(child->worker, SIGKILL);
  EXPECT_EQ(wait_child(*child, true).signal, SIGKILL);
}

TEST(Child, InItsOwnNamespaceItIsPidOne) {
  SharedArea<std::atomic<int>> pid;
  std::atomic<int>* seen = pid.get();
  auto child = start_child(
      [seen] {
        seen->store(::getpid());
        ::pause();
        return 0;
      },
      PidNamespace::kOwn);
  if (!child) GTEST_SKIP() << child.status().to_string();
  while (seen->load() == 0) sleep_ms(1);
  EXPECT_EQ(seen->load(), 1);
  ::kill(child->worker, SIGKILL);
  EXPECT_EQ(wait_child(*child, true).signal, SIGKILL);
}

}  // namespace
}  // namespace holdfast::process
