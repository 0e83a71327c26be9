// A tail that is voided while readers hold pages.
#include "store/void_tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/append.h"
#include "store/apply.h"
#include "store/sync.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

class VoidTailTest : public testing::Test {
 protected:
  VoidTailTest() {
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(store_.put("key" + std::to_string(i), "before"));
    EXPECT_TRUE(store_.flush());
  }
  // Commits that are in the latest tree, and whose sync fails.
  void fail_to_sync() {
    FaultyOs os(machine_.os());
    const auto context =
        std::move(open_context(os, machine_.path(), TestMachine::small_store())->context);
    for (int i = 0; i < 60; ++i) {
      log::PayloadBuilder payload("");
      payload.put("key" + std::to_string(i), "voided");
      ASSERT_TRUE(append(*context, payload, {}, {}, context->deadline()));
    }
    ASSERT_TRUE(try_apply_tail(*context));
    os.fault = [](const Attempt&) { return Status(StatusCode::kIoError, "the disk failed"); };
    ASSERT_FALSE(try_sync(*context, true));
    ASSERT_EQ(engine_state(context->control()), EngineState::kVoiding);
  }
  void expect_voided() {
    for (int i = 0; i < 60; ++i) EXPECT_EQ(*store_.get("key" + std::to_string(i)), "before");
    const auto report = store_.check();
    ASSERT_TRUE(report) << report.status().to_string();
    EXPECT_THAT(report->problems, IsEmpty());
    EXPECT_EQ(report->retired_pages, store_.stats()->retired_pages);
    EXPECT_EQ(report->leaked_pages, 0u);
    ASSERT_TRUE(store_.put("more", "1") && store_.flush());
  }

  TestMachine machine_;
  Store store_ = machine_.open();
};

TEST_F(VoidTailTest, PagesThatReadersHoldAreStillCounted) {
  std::vector<Snapshot> readers;
  for (int round = 0; round < 6; ++round) {
    readers.push_back(std::move(*store_.snapshot()));
    for (int i = 0; i < 60; i += 3) {
      ASSERT_TRUE(store_.put("key" + std::to_string(i), "before"));
    }
    ASSERT_TRUE(store_.flush() && store_.checkpoint());
  }
  for (int i = 0; i < 3; ++i) {
    fail_to_sync();
    expect_voided();
    readers.pop_back();
  }
}

}  // namespace
}  // namespace holdfast::store
