#include "os/reserve.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace holdfast::os {
namespace {

TEST(ReserveTest, ReservedSpaceReadsAsZerosAndKeepsWhatIsWritten) {
  const size_t size = size_t{1} << 34;
  auto* bytes = static_cast<char*>(reserve_zeroed(size));
  if (bytes == nullptr) GTEST_SKIP() << "address space is limited";
  EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 4096, 0u);
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[size - 1], 0);
  bytes[size / 2] = 'x';
  EXPECT_EQ(bytes[size / 2], 'x');
  EXPECT_EQ(bytes[size / 2 + 1], 0);
  release_reserved(bytes, size);
}

TEST(ReserveTest, MoreThanThereIsGivesNull) {
  EXPECT_EQ(reserve_zeroed(~size_t{0} << 12 >> 1), nullptr);
  release_reserved(nullptr, 4096);
}

}  // namespace
}  // namespace holdfast::os
