#include "store/touched.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace holdfast::store {
namespace {

class TouchedTest : public testing::Test {
 protected:
  void touch(const log::PayloadBuilder& payload, uint64_t version) {
    log::RecordHeader header;
    header.version = version;
    touch_keys(*control_, payload, header);
  }
  // How many of a thousand keys that nobody wrote look written.
  int others_touched() const {
    int count = 0;
    for (int i = 0; i < 1000; ++i) {
      if (last_write(*control_, "other" + std::to_string(i)) != 0) ++count;
    }
    return count;
  }

  const std::unique_ptr<ControlBlock> control_ = std::make_unique<ControlBlock>();
};

TEST_F(TouchedTest, EachWrittenKeyIsAndFewOthersAre) {
  log::PayloadBuilder payload("");
  payload.put("a", "1");
  payload.del("b");
  payload.change_number(log::OperationKind::kAdd, "c", 1);
  payload.change_number(log::OperationKind::kMax, "d", 1);
  touch(payload, 7);
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(last_write(*control_, key), 7u) << key;
  EXPECT_LT(others_touched(), 10);
}

TEST_F(TouchedTest, AStampedKeyIsTouchedAsItIsWritten) {
  log::PayloadBuilder payload("");
  payload.put_stamped("k........", "", {.key_offset = 1});
  touch(payload, 7);
  EXPECT_EQ(last_write(*control_, std::string("k\0\0\0\0\0\0\0\7", 9)), 7u);
  EXPECT_LT(others_touched(), 10);
}

TEST_F(TouchedTest, ARangeCountsForEveryKey) {
  log::PayloadBuilder payload("");
  payload.delete_range("a", "b");
  touch(payload, 7);
  EXPECT_EQ(last_write(*control_, "anything"), 7u);
}

TEST_F(TouchedTest, SoDoesACommitThatWritesMuch) {
  log::PayloadBuilder payload("");
  for (int i = 0; i < 1000; ++i) payload.put(std::to_string(i), "");
  touch(payload, 7);
  EXPECT_EQ(last_write(*control_, "anything"), 7u);
}

TEST_F(TouchedTest, ALowerVersionChangesNothing) {
  log::PayloadBuilder payload("");
  payload.put("a", "1");
  touch(payload, 9);
  touch(payload, 7);  // behind a voided one
  EXPECT_EQ(last_write(*control_, "a"), 9u);
}

}  // namespace
}  // namespace holdfast::store
