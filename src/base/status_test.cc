#include "holdfast/status.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace holdfast {
namespace {

TEST(Status, SuccessIsOneNullPointer) {
  EXPECT_EQ(sizeof(Status), sizeof(void*));
  const Status status;
  EXPECT_TRUE(status.is_ok());
  EXPECT_EQ(status.code(), StatusCode::kOk);
  EXPECT_EQ(status.to_string(), "ok");
  EXPECT_TRUE(Status(StatusCode::kOk, "ignored").is_ok());
}

TEST(Status, TextNamesCodeMessageAndContext) {
  const Status status = Status(StatusCode::kConflict, "key \"a\" was changed by commit 7")
                            .with_path("/x")
                            .with_version(7);
  EXPECT_EQ(status.to_string(), "conflict: key \"a\" was changed by commit 7 [path /x, version 7]");
}

TEST(Status, FirstContextWins) {
  const Status status = Status(StatusCode::kCorruption, "page checksum is wrong")
                            .with_offset(4096)
                            .with_offset(1)
                            .with_path("/a")
                            .with_path("/b");
  EXPECT_EQ(status.offset(), 4096u);
  EXPECT_EQ(status.path(), "/a");
  EXPECT_EQ(status.version(), std::nullopt);
}

TEST(Status, ContextOfSuccessIsIgnored) {
  EXPECT_TRUE(Status().with_path("/x").with_version(1).with_offset(2).is_ok());
}

TEST(Status, CopiesAreIndependent) {
  const Status original(StatusCode::kBusy, "process 12 commits");
  Status copy = original;
  copy = std::move(copy).with_path("/x");
  EXPECT_EQ(original.path(), "");
  EXPECT_EQ(copy.message(), original.message());
  copy = Status();
  EXPECT_FALSE(original.is_ok());
}

TEST(Status, EveryCodeHasItsOwnName) {
  std::string seen = "|";
  for (int i = 0; i <= static_cast<int>(StatusCode::kClosed); ++i) {
    const std::string name(status_code_name(static_cast<StatusCode>(i)));
    EXPECT_NE(name, "unknown status code");
    EXPECT_EQ(seen.find("|" + name + "|"), std::string::npos) << name;
    seen += name + "|";
  }
}

Result<int> half_of(int value) {
  if (value % 2 != 0) return Status(StatusCode::kInvalidArgument, "the value is odd");
  return value / 2;
}

Result<int> quarter_of(int value) {
  HOLDFAST_ASSIGN(const int half, half_of(value));
  HOLDFAST_ASSIGN(const int quarter, half_of(half));
  return quarter;
}

Status check_divisible_by_four(int value) {
  HOLDFAST_TRY(quarter_of(value).status());
  return Status::ok();
}

TEST(Result, MacrosReturnTheFirstError) {
  EXPECT_EQ(*quarter_of(12), 3);
  EXPECT_EQ(quarter_of(6).status().message(), "the value is odd");
  EXPECT_TRUE(check_divisible_by_four(8).is_ok());
  EXPECT_EQ(check_divisible_by_four(3).code(), StatusCode::kInvalidArgument);
}

TEST(ResultDeathTest, MissingValueAborts) {
  EXPECT_DEATH({ [[maybe_unused]] const int value = *half_of(1); }, "");
}

TEST(CheckDeathTest, FailureNamesExpressionAndPlace) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "status_test.cc:[0-9]+: CHECK failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace holdfast
