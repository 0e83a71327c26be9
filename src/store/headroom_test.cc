// Headroom: what commits count on besides free pages.
#include "store/headroom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "log/record.h"
#include "store/apply.h"
#include "store/page_allocation.h"
#include "store/published.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

constexpr uint64_t kPlenty = uint64_t{1} << 40;

class HeadroomTest : public testing::Test {
 protected:
  static StoreOptions batched() {
    StoreOptions options = TestMachine::small_store();
    options.durability = Durability::batched;
    return options;
  }
  // Single puts; returns how many batches were applied meanwhile.
  uint64_t applies_of(int puts) {
    const uint64_t before = store_->stats()->applies;
    for (int i = 0; i < puts; ++i) EXPECT_TRUE(put(i));
    return store_->stats()->applies - before;
  }
  Result<uint64_t> put(int i) { return store_->put("key " + std::to_string(i * 7919), "value"); }
  void refuse_growth() {
    os_.fault = [](const Attempt& attempt) {
      return attempt.call == Call::kAllocate && is_data(attempt.path)
                 ? Status(StatusCode::kNoSpace, "the disk is full")
                 : Status::ok();
    };
  }
  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  std::optional<Store> store_{std::move(*Store::open(os_, "/s", batched()))};
};

TEST_F(HeadroomTest, ARoomyDiskLetsBatchesGrow) {
  const uint64_t alone = applies_of(900);
  os_.free_bytes = kPlenty;
  EXPECT_GT(alone, 2u);
  EXPECT_LE(applies_of(900), 2u);  // what is reported applies, too
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(HeadroomTest, ADiskWithLittleRoomIsNotCountedOn) {
  os_.free_bytes = kSpareBytes;
  EXPECT_GT(applies_of(900), 2u);
  refuse_growth();
  Status refused;
  int count = 900;
  while (refused && count < 20'000) refused = put(count++).status();
  EXPECT_EQ(refused.code(), StatusCode::kNoSpace);
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(count) - 1);
}

TEST_F(HeadroomTest, ADiskThatBreaksItsPromiseDelaysCommitsAndLosesNone) {
  os_.free_bytes = kPlenty;
  ASSERT_TRUE(store_->flush());
  constexpr int kCount = 1000;
  EXPECT_EQ(applies_of(0), 0u);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(put(i));
  refuse_growth();
  os_.free_bytes = 0;
  EXPECT_EQ(store_->snapshot().status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(put(kCount).status().code(), StatusCode::kNoSpace);
  EXPECT_TRUE(store_->get("key 0")->has_value());  // through the log
  os_.fault = {};
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(kCount));
  EXPECT_TRUE(put(kCount));
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(HeadroomTest, ABrokenPromiseSurvivesReboot) {
  os_.free_bytes = kPlenty;
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(put(i));
  refuse_growth();
  EXPECT_FALSE(store_->close());
  store_.reset();
  os_.fault = {};
  machine_.reboot();
  store_.emplace(machine_.open());
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(kCount));
}

TEST_F(HeadroomTest, WhoHasNoRoomForTheNextSegmentAtItsEndHasCommitted) {
  int refused = 0;
  os_.fault = [&](const Attempt& attempt) {
    if (attempt.path.find("prepare") == std::string::npos) return Status::ok();
    ++refused;
    return Status(StatusCode::kNoSpace, "the disk is full");
  };
  ASSERT_TRUE(put(1));
  EXPECT_TRUE(store_->close());
  EXPECT_GE(refused, 1);
  store_.reset();
  machine_.reboot();
  store_.emplace(machine_.open());
  EXPECT_EQ(contents(*store_).size(), 1u);
}

// --- A holder of APPLY that died.

// Applies all there is and leaves the control block as it was before the n-th time that `applying`
// looked at it behind its decision. Returns whether it looked that often.
bool decide_and_stop(const Context& applying, int step) {
  static ControlBlock* control;
  static std::string stopped;
  static int left;
  control = &applying.control();
  stopped.clear();
  left = step;
  os::shared_step_hook = [](os::Step, const void*) {
    const auto* state =
        reinterpret_cast<const std::atomic<uint32_t>*>(control->intent.state.address());
    if (!stopped.empty() || *state == 0 || --left > 0) return;
    stopped.assign(reinterpret_cast<const char*>(control), sizeof(ControlBlock));
  };
  const Status applied =
      apply_through(applying, read_tail(control->tail).version, log::Trust::kAccepted);
  os::shared_step_hook = nullptr;
  CHECK(applied.is_ok());
  if (stopped.empty()) return false;
  std::memcpy(static_cast<void*>(control), stopped.data(), stopped.size());
  return true;
}

TEST_F(HeadroomTest, WhatADeadHolderHadDecidedIsDoneFirst) {
  int steps = 0;
  for (bool stopped = true; stopped; ++steps) {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(20 * steps + i));
    auto dying = machine_.attach();
    ASSERT_EQ(dying->locks->apply.try_lock(false), LockOutcome::kAcquired);
    stopped = decide_and_stop(*dying, steps + 1);
    dying.reset();
    const auto context = machine_.attach();
    ASSERT_TRUE(make_headroom(*context, 100, 0, context->deadline()));
    ASSERT_THAT(store_->check()->problems, IsEmpty()) << "step " << steps;
  }
  EXPECT_GT(steps, 20);
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(20 * steps));
}

// --- A disk that has room for just so much.

class TightDiskTest : public HeadroomTest {
 protected:
  // Everything is in the tree, and no page is free that was not counted.
  TightDiskTest() {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(put(i));
    EXPECT_TRUE(store_->flush());
    os_.free_bytes = 0;
    const ControlBlock& control = context_->control();
    needed_ =
        tree::pages_needed_max(1, payload_size(), read_latest_root(control).root.height + 1, 512) -
        control.allocation.free_pages.load();
    CHECK(control.allocation.free_pages.load() < needed_);
  }
  static std::string large() { return std::string(400'000, 'v'); }
  static uint64_t payload_size() {
    log::PayloadBuilder payload("");
    payload.put("large", large());
    return payload.payload().size();
  }
  // Has room for `pages` at once, and for nothing before the n-th time that it is asked.
  void allow(uint64_t pages, int asked_before) {
    os_.fault = [pages, asked_before, asked = 0](const Attempt& attempt) mutable {
      if (attempt.call != Call::kAllocate || !is_data(attempt.path)) return Status::ok();
      const bool refused = ++asked <= asked_before || attempt.size > pages * 512;
      return refused ? Status(StatusCode::kNoSpace, "the disk is full") : Status::ok();
    };
  }

  std::unique_ptr<Context> context_ = machine_.attach();
  uint64_t needed_ = 0;
};

TEST_F(TightDiskTest, TheLastPageThatACommitMayNeedIsEnough) {
  allow(needed_ - 1, 0);
  EXPECT_EQ(store_->put("large", large()).status().code(), StatusCode::kNoSpace);
  allow(needed_, 0);
  EXPECT_TRUE(store_->put("large", large()));
  os_.fault = {};
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

// A segment that was being prepared has given it back.
TEST_F(TightDiskTest, IsAskedOnceMoreWhenNobodyPreparesASegment) {
  constexpr int kAskedBefore = 2;  // with a reserve, and without
  allow(needed_ - 1, kAskedBefore);
  EXPECT_EQ(store_->put("large", large()).status().code(), StatusCode::kNoSpace);
  allow(needed_, kAskedBefore);
  EXPECT_TRUE(store_->put("large", large()));
  os_.fault = {};
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(TightDiskTest, WhoPreparesASegmentForTooLongIsNamed) {
  ASSERT_EQ(context_->locks->prepare.try_lock(false), LockOutcome::kAcquired);
  allow(0, 0);
  StoreOptions options = batched();
  options.deadline = std::chrono::milliseconds(5);
  store_.emplace(std::move(*Store::open(os_, "/s", options)));
  const Status status = store_->put("large", large()).status();
  context_->locks->prepare.unlock();
  EXPECT_EQ(status.code(), StatusCode::kBusy) << status.to_string();
}

// Whatever the disk did with a request that it refused, the file is as long as what is counted.
TEST_F(TightDiskTest, AFileIsAsLongAsItsPages) {
  const AllocationLine& line = context_->control().allocation;
  for (const uint64_t pages : {uint64_t{0}, uint64_t{7}, uint64_t{300}}) {
    allow(pages, 0);
    (void)grow_file(*open_context(os_, "/s", batched())->context, 7);
    EXPECT_EQ(context_->data_file->info()->size_bytes, line.file_pages.load() * 512) << pages;
  }
  os_.fault = {};
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

}  // namespace
}  // namespace holdfast::store
