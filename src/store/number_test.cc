#include "store/number.h"

#include <gtest/gtest.h>

#include <limits>

#include "holdfast/transaction.h"

namespace holdfast::store {
namespace {

using log::OperationKind;

constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST(NumberTest, ANumberIsEightBytesLittleEndFirst) {
  EXPECT_EQ(encode_number(0x0102), std::string("\x02\x01\0\0\0\0\0\0", 8));
  EXPECT_EQ(decode_number(encode_number(-5)), -5);
  EXPECT_EQ(decode_number("1234567"), std::nullopt);
  EXPECT_EQ(decode_number("123456789"), std::nullopt);
}

TEST(NumberTest, AdditionsWrap) {
  EXPECT_EQ(changed_number(kGreatest, {OperationKind::kAdd, 1}), kLeast);
  EXPECT_EQ(changed_number(kLeast, {OperationKind::kAdd, -1}), kGreatest);
}

TEST(NumberTest, AnAbsentNumberIsZeroToAdditionsAndBelowEverythingToMaxima) {
  EXPECT_EQ(changed_number(std::nullopt, {OperationKind::kAdd, -3}), -3);
  EXPECT_EQ(changed_number(std::nullopt, {OperationKind::kMax, -3}), -3);
}

TEST(NumberTest, ChangesOfAKindFold) {
  std::vector<NumberChange> changes;
  append_change(changes, {OperationKind::kAdd, kGreatest});
  append_change(changes, {OperationKind::kAdd, 5});
  append_change(changes, {OperationKind::kMax, 1});
  append_change(changes, {OperationKind::kMax, 7});
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[1].operand, 7);
  const auto value = changed_value(encode_number(-5), changes);
  EXPECT_EQ(number_of({value->data(), value->size()}), kGreatest);
}

TEST(NumberTest, AValueThatIsNoNumberStays) {
  EXPECT_EQ(changed_value("text", {{OperationKind::kAdd, 1}}), std::nullopt);
}

}  // namespace
}  // namespace holdfast::store
