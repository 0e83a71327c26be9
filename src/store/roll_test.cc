// A segment that was begun by one who died: adopted if it goes on where the tail is.
#include "store/roll.h"

#include <gtest/gtest.h>

#include "store/published.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

class AdoptRollTest : public testing::Test {
 protected:
  AdoptRollTest() { EXPECT_TRUE(machine_.open().put("a", "1")); }
  ControlBlock& control() { return context_->control(); }
  SegmentStart start() {
    const Tail tail = read_tail(control().tail);
    SegmentStart start;
    start.number = log::lsn_segment(tail.lsn) + 1;
    start.epoch = tail.epoch;
    start.prev_end_lsn = tail.lsn;
    start.prev_crc = tail.prev_crc;
    start.start_version = tail.version;
    return start;
  }
  bool adopts(const SegmentStart& start) {
    EXPECT_TRUE(start_segment(*context_, start));
    context_->segments->forget(start.number);
    const auto adopted = adopt_roll(*context_, read_tail(control().tail));
    EXPECT_TRUE(adopted) << adopted.status().to_string();
    return *adopted;
  }

  TestMachine machine_;
  std::unique_ptr<Context> context_ = machine_.attach();
};

TEST_F(AdoptRollTest, ASegmentBehindTheTailIs) {
  const SegmentStart begun = start();
  EXPECT_TRUE(adopts(begun));
  const Tail tail = read_tail(control().tail);
  EXPECT_EQ(tail.lsn, log::make_lsn(begun.number, log::kSegmentHeaderSize));
  EXPECT_EQ(tail.version, begun.start_version);
  EXPECT_TRUE(machine_.open().put("b", "2"));
}

TEST_F(AdoptRollTest, OneOfAnotherPlaceOrEpochIsNot) {
  const Tail before = read_tail(control().tail);
  SegmentStart elsewhere = start();
  elsewhere.prev_end_lsn -= 64;
  EXPECT_FALSE(adopts(elsewhere));
  SegmentStart later = start();
  ++later.epoch;
  EXPECT_FALSE(adopts(later));
  EXPECT_EQ(read_tail(control().tail).lsn, before.lsn);
}

TEST_F(AdoptRollTest, NoneOrADamagedOneIsNot) {
  EXPECT_FALSE(*adopt_roll(*context_, read_tail(control().tail)));
  const uint64_t number = start().number;
  machine_.write(machine_.log_path(number), 0, "too short");
  context_->segments->forget(number);
  auto file = machine_.os().open(machine_.log_path(number), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(9));
  EXPECT_FALSE(*adopt_roll(*context_, read_tail(control().tail)));
}

}  // namespace
}  // namespace holdfast::store
