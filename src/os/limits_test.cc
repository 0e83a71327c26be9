#include "os/limits.h"

#include <gtest/gtest.h>

namespace holdfast::os {
namespace {

TEST(Limits, TheMachineSaysWhatItAllows) {
  const ProcessLimits limits = process_limits();
  if (limits.open_files) {
    EXPECT_GT(*limits.open_files, 3u);
  }
  const auto space = disk_space("/");
  ASSERT_TRUE(space);
  EXPECT_GE(space->total_bytes, space->free_bytes);
  EXPECT_FALSE(disk_space("/there/is/no/such/path"));
}

}  // namespace
}  // namespace holdfast::os
