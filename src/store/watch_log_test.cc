// What a watch shows when the log that it reads is damaged, trimmed, or was cut meanwhile; and what
// becomes of its slot when others use the slots at the same moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "holdfast/watch.h"
#include "store/append.h"
#include "store/published.h"
#include "store/test_interloper.h"
#include "store/test_machine.h"
#include "store/watch_slots.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;

Tail tail_of(TestMachine& machine) {
  return read_tail(machine.attach()->control().tail);
}
std::string log_path_of_tail(TestMachine& machine) {
  return machine.log_path(log::lsn_segment(tail_of(machine).lsn));
}

// Voids a commit: it is in the log when the sync fails.
void fail_a_commit(TestMachine& machine) {
  FaultyOs os(machine.os());
  Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
  os.fault = [changes = 0](const Attempt& attempt) mutable {
    const bool strikes = attempt.is_change && ++changes == 2;
    return strikes ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
  };
  ASSERT_EQ(store.put("voided", "1").status().code(), StatusCode::kAborted);
  os.fault = nullptr;
}

// Behind the first commit: all of them are seen, or those before the damage and then what it is.
TEST(WatchLogTest, TellsWhereTheLogIsDamagedAndGoesOnWhenItIsNotAnyMore) {
  for (const bool voided : {false, true}) {
    for (uint64_t back = 8; back < 480; back += 24) {
      SCOPED_TRACE("voided " + std::to_string(voided) + ", " + std::to_string(back) +
                   " bytes back");
      TestMachine machine;
      Store other = machine.open();
      ASSERT_TRUE(other.put("a", "1"));
      Store store = machine.open();
      Watch watch = std::move(*store.watch(KeyRange::all()));
      const std::string first_path = log_path_of_tail(machine);
      for (int i = 0; i < 6; ++i) ASSERT_TRUE(other.put("b", std::to_string(i)));
      const uint64_t at = log::lsn_offset(tail_of(machine).lsn) - back;
      if (voided) fail_a_commit(machine);
      machine.flip(first_path, at);
      size_t seen = 0;
      bool told = false;
      for (int i = 0; i < 3; ++i) {
        const auto result = watch.wait(milliseconds(0));
        if (result) {
          EXPECT_FALSE(result->missed);
          seen += result->commits.size();
          continue;
        }
        told = true;
        EXPECT_EQ(result.status().code(), StatusCode::kCorruption) << result.status().to_string();
        EXPECT_EQ(result.status().path(), first_path);
      }
      EXPECT_TRUE(told || seen == 6) << seen;
      machine.flip(first_path, at);
      while (true) {
        const auto result = watch.wait(milliseconds(0));
        ASSERT_TRUE(result) << result.status().to_string();
        seen += result->commits.size();
        if (result->commits.empty()) break;
      }
      EXPECT_EQ(seen, 6u);
    }
  }
}

TEST(WatchLogTest, TellsOfADiskThatCannotBeReadAndShowsAllAfterwards) {
  TestMachine machine;
  Store other = machine.open();
  FaultyOs os(machine.os());
  Store store = std::move(*Store::open(os, machine.path(), TestMachine::small_store()));
  Watch watch = std::move(*store.watch(KeyRange::all()));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(other.put("b", std::to_string(i)));
  os.fault = [](const Attempt&) { return Status(StatusCode::kIoError, "the disk failed"); };
  EXPECT_EQ(watch.wait(milliseconds(0)).status().code(), StatusCode::kIoError);
  os.fault = nullptr;
  EXPECT_EQ(watch.wait(milliseconds(0))->commits.size(), 6u);
}

// An old cursor is found in the log of the lives before, if that is still there.
TEST(WatchLogTest, AnOldCursorIsFoundBehindColdStartsOrSaidToBeMissed) {
  for (const bool is_damaged : {false, true}) {
    TestMachine machine;
    {
      Store store = machine.open();
      for (int i = 0; i < 6; ++i) ASSERT_TRUE(store.put("b", std::to_string(i)));
    }
    machine.reboot();
    Store store = machine.open();
    if (is_damaged) machine.write(machine.log_path(1), 0, std::string(4096, '\0'));
    Watch watch = std::move(*store.watch(KeyRange::all(), 2));
    const auto result = watch.wait(milliseconds(0));
    ASSERT_TRUE(result) << result.status().to_string();
    EXPECT_EQ(result->missed, is_damaged);
    EXPECT_EQ(result->commits.size(), is_damaged ? 0u : 4u);
  }
}

// --- Slots.

TEST(WatchLogTest, WhoClaimsASlotAtTheSameMomentGetsAnother) {
  for (const bool with_dead : {false, true}) {
    Interloper::Places places;
    for (bool acted = true; acted;) {
      TestMachine machine;
      Store store = machine.open();
      const auto other = machine.attach();
      if (with_dead) {
        const auto dead = machine.attach();
        ASSERT_TRUE(claim_watch(*dead, "a", "b", false));
      }
      std::optional<uint32_t> others;
      {
        Interloper interloper(places, [&] { others = *claim_watch(*other, "c", "d", false); });
        Watch watch = std::move(*store.watch(KeyRange::prefix("w")));
        acted = interloper.has_acted();
        if (!acted) break;
        const WatchSlot& slot = other->control().watch_slots[*others];
        EXPECT_EQ(slot.owner.load(), other->attachment->owner());
        EXPECT_EQ(slot.active.load(), 1u);
        ASSERT_TRUE(store.put("w", "1"));
        EXPECT_EQ(watch.wait(milliseconds(0))->commits.size(), 1u);
      }
    }
    EXPECT_GT(places.size(), 10u);
  }
}

TEST(WatchLogTest, OfTwoWhoWakeAtTheSameMomentOneDoes) {
  Interloper::Places places;
  for (bool acted = true; acted;) {
    TestMachine machine;
    const auto one = machine.attach();
    const auto two = machine.attach();
    const uint32_t index = *claim_watch(*one, "a", "b", false);
    WatchSlot& slot = one->control().watch_slots[index];
    slot.marked.store(10);
    {
      Interloper interloper(places, [&] { wake_watches(*two, 8); });
      wake_watches(*one, 8);
      acted = interloper.has_acted();
    }
    EXPECT_EQ(slot.changes.load(), 1u);
    EXPECT_EQ(slot.woken.load(), 8u);
    wake_watches(*one, 7);  // was slower than who made the 8th durable
    EXPECT_EQ(slot.changes.load(), 1u);
    wake_watches(*one, 9);
    EXPECT_EQ(slot.changes.load(), 2u);
  }
}

TEST(WatchLogTest, WhatIsAppliedBesideARangeDoesNotMarkIt) {
  TestMachine machine;
  Store store = machine.open();
  Watch watch = std::move(*store.watch({"d", "f"}));
  const auto context = machine.attach();
  const WatchSlot& slot = context->control().watch_slots[0];
  ASSERT_TRUE(store.put("z", "1") && store.flush());  // a new slot counts as touched
  for (const auto& [key, is_inside] :
       {std::pair("c", false), {"d", true}, {"e", true}, {"f", false}, {"g", false}}) {
    const uint64_t before = slot.marked.load();
    log::PayloadBuilder payload("");
    payload.put(key, "1");
    ASSERT_TRUE(append(*context, payload, {}, {}, context->deadline()));
    ASSERT_TRUE(store.flush());
    EXPECT_EQ(slot.marked.load() > before, is_inside) << key;
  }
}

}  // namespace
}  // namespace holdfast::store
