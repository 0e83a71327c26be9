#include "mcp/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::mcp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Stream, SaysWhatIsPushedInOrderAndOnce) {
  Stream stream;
  EXPECT_TRUE(stream.push("a"));
  EXPECT_TRUE(stream.push("b"));
  EXPECT_TRUE(stream.push("a"));
  EXPECT_TRUE(stream.wait(std::chrono::hours(1)));
  EXPECT_EQ(stream.first(), Json("a"));
  stream.drop_first();
  EXPECT_EQ(stream.first(), Json("b"));
  stream.drop_first();
  EXPECT_EQ(stream.first(), std::nullopt);
  EXPECT_TRUE(stream.wait(std::chrono::milliseconds(1)));
}

TEST(Stream, WhoClosesGetsWhatWasNotSaid) {
  Stream stream;
  EXPECT_TRUE(stream.push("a"));
  EXPECT_TRUE(stream.push("b"));
  EXPECT_EQ(stream.first(), Json("a"));
  stream.drop_first();
  EXPECT_THAT(stream.close(), ElementsAre(Json("b")));
  EXPECT_FALSE(stream.push("c"));
  EXPECT_FALSE(stream.wait(std::chrono::hours(1)));
  EXPECT_THAT(stream.close(), IsEmpty());
}

// The server ends while a client has read the message, and before the writer knows that.
TEST(Stream, ClosedWhileItsFirstIsBeingSaidItHasNothingToDrop) {
  Stream stream;
  EXPECT_TRUE(stream.push("a"));
  EXPECT_EQ(stream.first(), Json("a"));
  EXPECT_THAT(stream.close(), ElementsAre(Json("a")));
  stream.drop_first();
  EXPECT_EQ(stream.first(), std::nullopt);
  EXPECT_THAT(stream.close(), IsEmpty());
}

}  // namespace
}  // namespace holdfast::mcp
