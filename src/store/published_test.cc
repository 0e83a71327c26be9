#include "store/published.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "store/apply.h"
#include "store/test_interloper.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

Tail tail_of(uint64_t n) {
  return {log::make_lsn(1, n), n, n, n, n, static_cast<uint32_t>(n), static_cast<uint32_t>(n)};
}
bool is_whole(const Tail& tail) {
  const uint64_t n = tail.version;
  return tail.lsn == log::make_lsn(1, n) && tail.time_us == n && tail.pages_needed == n &&
         tail.last_lsn == n && tail.prev_crc == n && tail.epoch == n;
}

PublishedRoot root_of(uint64_t sequence) {
  PublishedRoot root;
  root.sequence = sequence;
  root.version = sequence * 10;
  root.lsn = sequence * 100;
  root.time_us = sequence;
  root.pages_needed = sequence * 3;
  root.root.page = {static_cast<uint32_t>(sequence), static_cast<uint32_t>(sequence) + 1,
                    sequence % 2 == 1};
  root.root.height = 2;
  root.prev_crc = static_cast<uint32_t>(sequence);
  root.epoch = 4;
  return root;
}
bool equal(const PublishedRoot& a, const PublishedRoot& b) {
  return a.sequence == b.sequence && a.version == b.version && a.lsn == b.lsn &&
         a.time_us == b.time_us && a.pages_needed == b.pages_needed &&
         a.root.page.pgno == b.root.page.pgno && a.root.page.crc == b.root.page.crc &&
         a.root.page.has_overflow == b.root.page.has_overflow && a.root.height == b.root.height &&
         a.prev_crc == b.prev_crc && a.epoch == b.epoch;
}

// Runs `work` and stops it, as a kill would, before its k-th store to shared memory. Returns
// whether it got that far.
struct Killed {};
int stores_left = 0;
template <typename Work>
bool killed_at(int store, Work work) {
  stores_left = store;
  os::shared_step_hook = [](os::Step step, const void*) {
    if (step == os::Step::kSharedStore && --stores_left == 0) throw Killed();
  };
  bool killed = false;
  try {
    work();
  } catch (const Killed&) {
    killed = true;
  }
  os::shared_step_hook = nullptr;
  return killed;
}

TEST(PublishedTest, ATailComesBack) {
  TailLine line;
  EXPECT_TRUE(is_whole(tail_of(0)));
  for (uint64_t n = 1; n < 5; ++n) {
    publish_tail(line, tail_of(n));
    EXPECT_EQ(read_tail(line).version, n);
    EXPECT_TRUE(is_whole(read_tail(line)));
  }
}

TEST(PublishedTest, AWriterKilledAtAnyStoreLeavesThePreviousTail) {
  TailLine line;
  publish_tail(line, tail_of(1));
  int store = 1;
  while (killed_at(store, [&] { publish_tail(line, tail_of(2)); })) {
    EXPECT_EQ(read_tail(line).version, 1u) << store;
    EXPECT_TRUE(is_whole(read_tail(line))) << store;
    ++store;
  }
  EXPECT_EQ(store, 9);  // seven fields and the sequence
  EXPECT_EQ(read_tail(line).version, 2u);
}

TEST(PublishedTest, ReadersSeeWholeTailsOnly) {
  TailLine line;
  publish_tail(line, tail_of(1));
  std::thread writer([&] {
    for (uint64_t n = 2; n < 20'000; ++n) publish_tail(line, tail_of(n));
  });
  uint64_t last = 0;
  while (last < 19'999) {
    const Tail tail = read_tail(line);
    EXPECT_TRUE(is_whole(tail));
    EXPECT_GE(tail.version, last);
    last = tail.version;
  }
  writer.join();
}

class RootRingTest : public testing::Test {
 protected:
  std::unique_ptr<ControlBlock> control_ = std::make_unique<ControlBlock>();
};

TEST_F(RootRingTest, ARootComesBack) {
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
    publish_root(*control_, root_of(sequence));
    EXPECT_TRUE(equal(read_latest_root(*control_), root_of(sequence)));
  }
  control_->roots.durable.store(2);
  EXPECT_TRUE(equal(read_durable_root(*control_), root_of(2)));
}

TEST_F(RootRingTest, APlaceInTheRingIsUsedAgain) {
  for (uint64_t sequence = 1; sequence <= kRootRingSize + 1; ++sequence) {
    publish_root(*control_, root_of(sequence));
  }
  EXPECT_FALSE(read_root(*control_, 1));
  EXPECT_TRUE(equal(*read_root(*control_, 2), root_of(2)));
  EXPECT_TRUE(equal(*read_root(*control_, kRootRingSize + 1), root_of(kRootRingSize + 1)));
}

TEST_F(RootRingTest, PublishingTwiceIsHarmless) {
  publish_root(*control_, root_of(1));
  publish_root(*control_, root_of(2));
  publish_root(*control_, root_of(1));
  publish_root(*control_, root_of(2));
  EXPECT_EQ(control_->roots.latest.load(), 2u);
  EXPECT_TRUE(equal(read_latest_root(*control_), root_of(2)));
}

TEST_F(RootRingTest, AWriterKilledAtAnyStoreCanBeRepeated) {
  publish_root(*control_, root_of(1));
  int store = 1;
  while (killed_at(store, [&] { publish_root(*control_, root_of(2)); })) {
    EXPECT_TRUE(equal(read_latest_root(*control_), root_of(1))) << store;
    const auto half = read_root(*control_, 2);
    EXPECT_TRUE(!half || equal(*half, root_of(2))) << store;
    ++store;
  }
  EXPECT_GT(store, 3);
  EXPECT_TRUE(equal(read_latest_root(*control_), root_of(2)));
}

// Others publish so much between two looks that the slot that is read holds a later root.
TEST(PublishedRootTest, AReaderThatIsOvertakenReadsAgainOrIsToldSo) {
  const auto control = std::make_unique<ControlBlock>();
  uint64_t sequence = 0;
  const auto publish_more = [&] {
    // A ring further, as if all between had been published.
    sequence += kRootRingSize;
    publish_root(*control, root_of(sequence));
    control->roots.durable.store(sequence);
  };
  publish_more();
  Interloper::Places places;
  for (bool acted = true; acted;) {
    const uint64_t wanted = sequence;
    std::optional<PublishedRoot> found;
    {
      Interloper interloper(places, publish_more);
      found = read_root(*control, wanted);
      acted = interloper.has_acted();
    }
    EXPECT_TRUE(!found || equal(*found, root_of(wanted)));
    EXPECT_TRUE(acted || found);
  }
  for (const auto read : {read_latest_root, read_durable_root}) {
    places.clear();
    for (bool acted = true; acted;) {
      const uint64_t before = sequence;
      Interloper interloper(places, publish_more);
      const PublishedRoot found = read(*control);
      acted = interloper.has_acted();
      EXPECT_GE(found.sequence, before);
      EXPECT_TRUE(equal(found, root_of(found.sequence)));
    }
    EXPECT_GT(places.size(), 5u);
  }
}

// Another moves the durable root, or publishes a ring further, while one looks for the newest.
TEST(PublishedRootTest, WhoMovesTheDurableRootMayBeOvertaken) {
  for (const bool far : {false, true}) {
    TestMachine machine;
    const auto context = machine.attach();
    ControlBlock& control = context->control();
    const auto publish_more = [&] {
      PublishedRoot root = read_latest_root(control);
      root.sequence += far ? kRootRingSize : 1;
      ++root.version;
      publish_root(control, root);
      control.synced.version.store(root.version);
      if (far) control.roots.durable.store(root.sequence);
    };
    Interloper::Places places;
    for (bool acted = true; acted;) {
      publish_more();
      const uint64_t before = control.synced.version.load();
      Interloper interloper(places, publish_more);
      const uint64_t durable = advance_durable(*context);
      acted = interloper.has_acted();
      EXPECT_GE(durable, before);
      EXPECT_LE(durable, control.synced.version.load());
    }
    EXPECT_GT(places.size(), 10u);
  }
}

}  // namespace
}  // namespace holdfast::store
