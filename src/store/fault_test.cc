// What a store does when the disk fails, and what it repairs that a process left half-done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/append.h"
#include "store/apply.h"
#include "store/checkpoint.h"
#include "store/inquiry.h"
#include "store/sync.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Status io_error() {
  return Status(StatusCode::kIoError, "the disk failed");
}
Status no_space() {
  return Status(StatusCode::kNoSpace, "the disk is full");
}
bool is_log(const std::string& path) {
  return path.ends_with(".wal");
}
class FaultTest : public testing::Test {
 protected:
  // `times` calls of a kind fail; the others work.
  void fail(Call call, bool (*path_matches)(const std::string&), Status status, int times = 1) {
    os_.fault = [=, left = times](const Attempt& attempt) mutable {
      if (attempt.call != call || !path_matches(attempt.path) || left == 0) return Status::ok();
      --left;
      return status;
    };
  }
  void heal() { os_.fault = {}; }
  static StoreOptions impatient() {
    StoreOptions options = TestMachine::small_store();
    options.deadline = std::chrono::milliseconds(5);
    return options;
  }
  void expect_sound() { EXPECT_THAT(store_->check()->problems, IsEmpty()); }
  void reboot() {
    heal();
    store_.reset();
    machine_.reboot();
    store_.emplace(machine_.open());
  }
  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  std::optional<Store> store_{std::move(*Store::open(os_, "/s", TestMachine::small_store()))};
};

TEST_F(FaultTest, ACommitWhoseSyncFailsDidNotHappen) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kSync, is_log, io_error());
  EXPECT_EQ(store_->put("a", "2").status().code(), StatusCode::kAborted);
  EXPECT_EQ(*store_->get("a"), "1");
  EXPECT_EQ(store_->stats()->voids, 1u);
  ASSERT_TRUE(store_->put("b", "1"));
  expect_sound();
  reboot();
  EXPECT_EQ(*store_->get("a"), "1");
  EXPECT_EQ(*store_->get("b"), "1");
  expect_sound();
}

TEST_F(FaultTest, AVoidedCommitIsGoneForOtherHandlesToo) {
  ASSERT_TRUE(store_->put("a", "1"));
  Store other = machine_.open();
  Transaction reader = std::move(*other.begin());
  EXPECT_EQ(*reader.get("a"), "1");
  fail(Call::kSync, is_log, io_error());
  EXPECT_EQ(store_->put("a", "2").status().code(), StatusCode::kAborted);
  EXPECT_EQ(*other.get("a"), "1");
  ASSERT_TRUE(reader.put("b", "1"));
  EXPECT_EQ(reader.commit().status().code(), StatusCode::kConflict);  // of an epoch that ended
  EXPECT_TRUE(other.put("b", "1"));
}

TEST_F(FaultTest, PagesOfVoidedCommitsComeBack) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store_->put("k" + std::to_string(i), "1"));
  ASSERT_TRUE(store_->checkpoint());
  for (int round = 0; round < 20; ++round) {
    fail(Call::kSync, is_log, io_error());
    EXPECT_EQ(store_->put("k7", std::string(2000, 'x')).status().code(), StatusCode::kAborted);
    heal();
    const StoreStats stats = *store_->stats();
    EXPECT_LT(stats.retired_pages, stats.file_pages);
    expect_sound();
    ASSERT_TRUE(store_->put("k8", std::to_string(round)));
  }
  EXPECT_EQ(*store_->get("k7"), "1");
  EXPECT_EQ(*store_->get("k8"), "19");
  EXPECT_EQ(store_->stats()->leaked_pages, 0u);
  reboot();
  EXPECT_EQ(*store_->get("k7"), "1");
  EXPECT_EQ(*store_->get("k8"), "19");
  expect_sound();
}

TEST_F(FaultTest, BatchedCommitsThatWereAppliedAreVoidedToTheLastSync) {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  Store batched = std::move(*Store::open(os_, "/s", options));
  ASSERT_TRUE(batched.put("a", "1"));
  ASSERT_TRUE(batched.flush());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(batched.put("k" + std::to_string(i), "1"));
  EXPECT_EQ(*batched.get("k7"), "1");  // applied, not synced
  fail(Call::kSync, is_log, io_error());
  EXPECT_FALSE(batched.flush());
  EXPECT_EQ(*batched.get("k7"), std::nullopt);
  EXPECT_EQ(*batched.get("a"), "1");
  heal();
  expect_sound();
}

TEST_F(FaultTest, SegmentsOfVoidedCommitsAreCutOff) {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  std::optional<Store> batched = std::move(*Store::open(os_, "/s", options));
  ASSERT_TRUE(batched->put("a", "1"));
  ASSERT_TRUE(batched->flush());
  auto context = machine_.attach();
  const auto segment = [&] { return log::lsn_segment(read_tail(context->control().tail).lsn); };
  const uint64_t synced = segment();
  fail(Call::kSync, is_log, io_error());
  for (int i = 0; segment() < synced + 3; ++i) {
    ASSERT_TRUE(batched->put("k" + std::to_string(i), std::string(3000, 'v')));
  }
  EXPECT_FALSE(batched->flush());
  EXPECT_EQ(*batched->get("k0"), std::nullopt);
  ASSERT_TRUE(batched->put("b", "2"));
  ASSERT_TRUE(batched->flush());
  batched.reset();
  context.reset();
  reboot();
  EXPECT_EQ(contents(*store_), (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  expect_sound();
}

TEST_F(FaultTest, ADiskThatCannotEvenRecordTheVoidLeavesAStoreToRead) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kSync, is_log, io_error(), 1000);
  EXPECT_FALSE(store_->put("a", "2"));
  EXPECT_EQ(store_->put("a", "3").status().code(), StatusCode::kReadOnly);
  EXPECT_EQ(*store_->get("a"), "1");
  EXPECT_EQ(store_->checkpoint().code(), StatusCode::kReadOnly);
  heal();
  EXPECT_EQ(store_->put("a", "3").status().code(), StatusCode::kReadOnly);  // until it is reopened
  store_.reset();
  store_.emplace(machine_.open());
  EXPECT_TRUE(store_->recovery().cold);
  EXPECT_TRUE(store_->put("a", "3"));
  expect_sound();
}

TEST_F(FaultTest, AVoidThatNeedsASegmentWaitsForWhoPreparesOne) {
  ASSERT_TRUE(store_->put("a", "1"));
  const auto preparing = machine_.attach();
  ASSERT_EQ(preparing->locks->prepare.try_lock(false), LockOutcome::kAcquired);
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store impatient = std::move(*Store::open(os_, "/s", options));
  Status status;
  for (int i = 0; i < 8 && status.code() != StatusCode::kBusy; ++i) {
    fail(Call::kSync, is_log, io_error());
    status = impatient.put("a", "2").status();
    ASSERT_FALSE(status);
  }
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(status.message()), HasSubstr("segment preparation lock is held by pid"));
  EXPECT_EQ(*impatient.get("a"), "1");
  preparing->locks->prepare.unlock();
  EXPECT_TRUE(impatient.put("b", "3"));
  EXPECT_EQ(*store_->get("a"), "1");
  expect_sound();
}

TEST_F(FaultTest, ACheckpointThatCannotSyncLeavesAStoreToRead) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kSync, is_data, io_error());
  EXPECT_EQ(store_->checkpoint().code(), StatusCode::kIoError);
  EXPECT_EQ(store_->put("a", "2").status().code(), StatusCode::kReadOnly);
  EXPECT_EQ(*store_->get("a"), "1");
  reboot();
  EXPECT_EQ(*store_->get("a"), "1");
  expect_sound();
}

TEST_F(FaultTest, ARecordThatCannotBeWrittenIsNoCommit) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kWrite, is_log, no_space());
  EXPECT_EQ(store_->put("a", "2").status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(*store_->get("a"), "1");
  ASSERT_TRUE(store_->put("a", "3"));
  EXPECT_EQ(*store_->get("a"), "3");
  expect_sound();
}

TEST_F(FaultTest, ARecordThatCannotBeTakenBackLeavesAStoreToRead) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kWrite, is_log, io_error(), 2);
  EXPECT_EQ(store_->put("a", "2").status().code(), StatusCode::kIoError);
  EXPECT_EQ(store_->put("a", "3").status().code(), StatusCode::kReadOnly);
  reboot();
  EXPECT_EQ(*store_->get("a"), "1");
}

// Writes of a segment's header, as a roll makes them.
class FailedRollTest : public FaultTest {
 protected:
  // Commits until one fails.
  Status fill_segment(int failures) {
    os_.fault = [left = failures](const Attempt& attempt) mutable {
      const bool header = attempt.call == Call::kWrite && is_log(attempt.path) &&
                          attempt.size == log::kSegmentHeaderSize;
      return header && left-- > 0 ? io_error() : Status::ok();
    };
    for (int i = 0; i < 30; ++i) {
      const Status status = store_->put("k" + std::to_string(i), std::string(1000, 'v')).status();
      if (!status) return status;
      count_ = static_cast<size_t>(i) + 1;
    }
    return Status::ok();
  }
  size_t count_ = 0;
};

TEST_F(FailedRollTest, IsTakenBackAndDoneByTheNextCommit) {
  EXPECT_EQ(fill_segment(1).code(), StatusCode::kIoError);
  EXPECT_GT(count_, 5u);
  ASSERT_TRUE(store_->put("next", "1"));
  expect_sound();
  reboot();
  EXPECT_EQ(contents(*store_).size(), count_ + 1);
  expect_sound();
}

TEST_F(FailedRollTest, ThatCannotBeTakenBackLeavesAStoreToRead) {
  EXPECT_EQ(fill_segment(2).code(), StatusCode::kIoError);
  EXPECT_EQ(store_->put("next", "1").status().code(), StatusCode::kReadOnly);
  EXPECT_EQ(contents(*store_).size(), count_);
  reboot();
  EXPECT_EQ(contents(*store_).size(), count_);
  expect_sound();
}

TEST_F(FaultTest, AFullDiskRefusesCommitsAndChangesNothing) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kAllocate, is_data, no_space(), 1000);
  Status refused;
  for (int i = 0; refused && i < 1000; ++i) {
    refused = store_->put("k" + std::to_string(i), std::string(3000, 'x')).status();
  }
  EXPECT_EQ(refused.code(), StatusCode::kNoSpace);
  EXPECT_EQ(*store_->get("a"), "1");
  expect_sound();
  heal();
  EXPECT_TRUE(store_->put("b", "1"));
  expect_sound();
}

TEST_F(FaultTest, AnAlmostFullDiskGivesWhatIsNeeded) {
  os_.fault = [](const Attempt& attempt) {
    return attempt.call == Call::kAllocate && is_data(attempt.path) && attempt.size > 100 * 512
               ? no_space()
               : Status::ok();
  };
  ASSERT_TRUE(store_->put("a", "1"));
  EXPECT_LT(store_->stats()->file_pages, 100u);
  expect_sound();
}

// Growth asks for more than is needed, and a segment in preparation takes what it gets: both are
// given back when it was too little.
TEST_F(FaultTest, WhatAFullDiskCouldNotGiveInFullIsGivenBack) {
  os_.fault = [](const Attempt& attempt) {
    const bool large =
        attempt.call == Call::kAllocate && is_data(attempt.path) && attempt.size > 100 * 512;
    const bool segment = attempt.call == Call::kSync && attempt.path.ends_with("prepare.tmp");
    return large || segment ? no_space() : Status::ok();
  };
  ASSERT_TRUE(store_->put("a", "1"));
  const StoreStats stats = *store_->stats();
  auto data = *machine_.os().open("/s/data", os::OpenMode::kRead);
  EXPECT_EQ(data->info()->size_bytes, stats.file_pages * stats.page_size_bytes);
  EXPECT_EQ(store_->put("b", std::string(30'000, 'x')).status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(machine_.os().open("/s/wal/prepare.tmp", os::OpenMode::kRead).status().code(),
            StatusCode::kNotFound);
  heal();
  EXPECT_TRUE(store_->put("b", "1"));
  expect_sound();
}

// Another process grows the file, in vain, while a commit needs a segment.
TEST_F(FaultTest, ACommitIsNotRefusedForSpaceThatAnotherHoldsForAMoment) {
  ASSERT_TRUE(store_->put("a", "1"));
  int refused = 0;
  os_.fault = [&](const Attempt& attempt) {
    const bool takes_space = attempt.call == Call::kWrite || attempt.call == Call::kAllocate;
    if (!takes_space || !attempt.path.ends_with("prepare.tmp") || refused++ > 0)
      return Status::ok();
    return no_space();
  };
  EXPECT_TRUE(store_->put("b", std::string(30'000, 'x')));
  EXPECT_GE(refused, 2);
  expect_sound();
}

TEST_F(FaultTest, PagesThatCannotBeWrittenLeaveTheCommitInTheLog) {
  ASSERT_TRUE(store_->put("a", "1"));
  fail(Call::kWrite, is_data, io_error());
  ASSERT_TRUE(store_->put("a", "2"));
  EXPECT_EQ(*store_->get("a"), "2");
  const Status refused = store_->flush();
  EXPECT_EQ(refused.code(), StatusCode::kIoError);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("in the log"));
  EXPECT_EQ(*store_->get("a"), "2");
  ASSERT_TRUE(store_->flush());
  EXPECT_EQ(*store_->get("a"), "2");
  expect_sound();
}

// A second handle that dies holding a lock, at a point that the test makes.
class HalfDoneTest : public testing::Test {
 protected:
  HalfDoneTest() {
    EXPECT_TRUE(store_.put("a", "1"));
    dying_ = machine_.attach();
  }
  ControlBlock& control() { return dying_->control(); }
  // Appends without publishing the tail, and dies with COMMIT held.
  void append_and_die(size_t value_size) {
    const Tail before = read_tail(control().tail);
    log::PayloadBuilder payload("");
    payload.put("b", std::string(value_size, '2'));
    ASSERT_TRUE(append(*dying_, payload, {}, {}, dying_->deadline()));
    ASSERT_EQ(dying_->locks->commit.try_lock(false), LockOutcome::kAcquired);
    publish_tail(control().tail, before);
    dying_.reset();
  }
  void expect_sound() { EXPECT_THAT(store_.check()->problems, IsEmpty()); }

  TestMachine machine_;
  Store store_ = machine_.open();
  std::unique_ptr<Context> dying_;
};

TEST_F(HalfDoneTest, ARecordWhoseWriterDiedIsACommit) {
  append_and_die(1);
  ASSERT_TRUE(store_.put("c", "3"));
  EXPECT_EQ(*store_.get("b"), "2");
  EXPECT_EQ(store_.stats()->version, 3u);
  EXPECT_EQ(store_.stats()->takeovers, 1u);
  expect_sound();
}

TEST_F(HalfDoneTest, AHalfWrittenRecordIsNone) {
  const Tail tail = read_tail(control().tail);
  append_and_die(100);
  machine_.flip(machine_.log_path(1), log::lsn_offset(tail.lsn) + 100);
  ASSERT_TRUE(store_.put("c", "3"));
  EXPECT_EQ(*store_.get("b"), std::nullopt);
  EXPECT_EQ(store_.stats()->version, 2u);
  expect_sound();
}

TEST_F(HalfDoneTest, WhatCannotBeRepairedIsTriedAgainByTheNext) {
  append_and_die(1);
  Store fresh = machine_.open();  // has no segment open yet
  const std::string path = machine_.log_path(1);
  ASSERT_TRUE(machine_.os().rename(path, path + ".away"));
  EXPECT_FALSE(fresh.put("c", "3"));
  ASSERT_TRUE(machine_.os().rename(path + ".away", path));
  ASSERT_TRUE(fresh.put("c", "3"));
  EXPECT_EQ(*fresh.get("b"), "2");
  expect_sound();
}

TEST_F(HalfDoneTest, ARollWhoseOwnerDiedIsFinished) {
  const std::string value(3000, 'v');
  while (16384 - log::lsn_offset(read_tail(control().tail).lsn) > 4000) {
    ASSERT_TRUE(store_.put("a", value));
  }
  const uint64_t segment = log::lsn_segment(read_tail(control().tail).lsn);
  append_and_die(5000);  // does not fit any more
  ASSERT_TRUE(store_.put("c", "3"));
  EXPECT_EQ(log::lsn_segment(read_tail(machine_.attach()->control().tail).lsn), segment + 1);
  EXPECT_EQ(store_.get("b")->value().size(), 5000u);
  expect_sound();
}

TEST_F(HalfDoneTest, AnApplyWhoseOwnerDiedIsRepeated) {
  ASSERT_EQ(dying_->locks->apply.try_lock(false), LockOutcome::kAcquired);
  control().allocation.free_pages.fetch_add(5);  // as growing the file leaves it half-way
  dying_.reset();
  ASSERT_TRUE(store_.put("c", "3"));
  EXPECT_EQ(*store_.get("c"), "3");
  expect_sound();
}

TEST_F(HalfDoneTest, ASyncWhoseOwnerDiedIsMadeGoodByTheNext) {
  log::PayloadBuilder payload("");
  payload.put("b", "2");
  ASSERT_TRUE(append(*dying_, payload, {}, {}, dying_->deadline()));
  ASSERT_EQ(dying_->locks->sync.try_lock(false), LockOutcome::kAcquired);
  dying_.reset();
  EXPECT_EQ(*store_.get("b"), std::nullopt);  // not durable
  ASSERT_TRUE(store_.put("c", "3"));
  EXPECT_EQ(*store_.get("b"), "2");
  EXPECT_EQ(store_.stats()->durable_version, 3u);
  expect_sound();
}

TEST_F(HalfDoneTest, AHolderThatLivesMakesCommitsBusy) {
  ASSERT_EQ(dying_->locks->commit.try_lock(false), LockOutcome::kAcquired);
  StoreOptions options = TestMachine::small_store();
  options.deadline = std::chrono::milliseconds(1);
  Store impatient = machine_.open(options);
  const Status status = impatient.put("a", "2").status();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(status.message()), HasSubstr("commit lock is held by pid"));
  dying_->locks->commit.unlock();
  ASSERT_EQ(dying_->locks->sync.try_lock(false), LockOutcome::kAcquired);
  EXPECT_THAT(std::string(impatient.put("a", "2").status().message()),
              HasSubstr("not known yet: the sync lock is held by pid"));
  dying_->locks->sync.unlock();
  EXPECT_TRUE(impatient.flush());
  EXPECT_EQ(*impatient.get("a"), "2");
}

// The kernel tells of pages that it lost once: whoever asks at that moment is told in the place of
// the checkpoint, whose own sync goes well.
TEST_F(FaultTest, ASyncThatAnotherWasToldOfMakesNoCheckpoint) {
  ASSERT_TRUE(store_->put("a", "1"));
  const uint64_t number = machine_.attach()->control().checkpoint.number.load();
  os_.fault = [&](const Attempt& attempt) {
    if (attempt.call == Call::kSync && is_data(attempt.path))
      make_read_only(machine_.attach()->control());
    return Status::ok();
  };
  EXPECT_EQ(store_->checkpoint().code(), StatusCode::kReadOnly);
  EXPECT_EQ(machine_.attach()->control().checkpoint.number.load(), number);
  EXPECT_FALSE(machine_.meta(1));
  heal();
  store_.reset();
  store_.emplace(machine_.open());
  EXPECT_EQ(*store_->get("a"), "1");
  expect_sound();
}

TEST_F(FaultTest, PagesAreWrittenAgainIfSomebodyAsksMeanwhileWhetherTheyAreLost) {
  for (const bool is_lost : {false, true}) {
    ASSERT_TRUE(store_->put("a", std::string(100, is_lost ? '2' : '1')));
    ASSERT_TRUE(store_->flush());
    auto other = machine_.attach();
    ASSERT_TRUE(apply_tail(*other, other->deadline()));
    const uint32_t root = read_latest_root(other->control()).root.page.pgno;
    bool rewritten = false;
    os_.fault = [&](const Attempt& attempt) {
      if (!is_data(attempt.path)) return Status::ok();
      if (attempt.call == Call::kSync && other) {
        other->control().state.inquirers[3].store(other->attachment->owner());
        other.reset();
        if (is_lost) machine_.flip(attempt.path, uint64_t{root} * 512 + 100);
      }
      rewritten |= attempt.call == Call::kWrite;
      return Status::ok();
    };
    const Status status = store_->checkpoint();
    heal();
    EXPECT_TRUE(rewritten);
    EXPECT_EQ(status.code(), is_lost ? StatusCode::kCorruption : StatusCode::kOk);
  }
  store_.reset();
  store_.emplace(machine_.open());
  EXPECT_EQ(*store_->get("a"), std::string(100, '2'));
  expect_sound();
}

// The first to ask died before the checkpoint, the second while it made up for the first.
TEST_F(FaultTest, WhoDiesAskingWhileACheckpointIsTakenOverIsMadeUpForToo) {
  for (const bool is_lost : {false, true}) {
    ASSERT_TRUE(store_->put("a", std::string(100, is_lost ? '2' : '1')));
    ASSERT_TRUE(store_->flush());
    auto first = machine_.attach();
    auto second = machine_.attach();
    ASSERT_TRUE(apply_tail(*first, first->deadline()));
    const uint32_t root = read_latest_root(first->control()).root.page.pgno;
    first->control().state.inquirers[3].store(first->attachment->owner());
    first.reset();
    int syncs = 0;
    os_.fault = [&](const Attempt& attempt) {
      constexpr int kOfMetas = 2;  // the one that stays, the one that goes; then of pages
      if (!is_data(attempt.path) || attempt.call != Call::kSync) return Status::ok();
      if (++syncs != kOfMetas + 1) return Status::ok();
      second->control().state.inquirers[4].store(second->attachment->owner());
      second.reset();
      if (is_lost) machine_.flip(attempt.path, uint64_t{root} * 512 + 100);
      return Status::ok();
    };
    const Status status = store_->checkpoint();
    heal();
    EXPECT_EQ(status.code(), is_lost ? StatusCode::kCorruption : StatusCode::kOk);
    EXPECT_EQ(any_inquirer(machine_.attach()->control()), is_lost);
  }
  store_.reset();
  store_.emplace(machine_.open());
  EXPECT_EQ(*store_->get("a"), std::string(100, '2'));
  expect_sound();
}

// Another thread of the handle shares its open file, and so what the kernel tells only once.
TEST_F(FaultTest, NoCheckpointIsMadeWhileAThreadOfTheHandleAsks) {
  ASSERT_TRUE(store_->put("a", "1"));
  auto handle = machine_.attach(impatient());
  const uint64_t number = handle->control().checkpoint.number.load();
  Shared<uint32_t>& word = handle->control().state.inquirers[3];
  word.store(handle->attachment->owner());
  EXPECT_EQ(checkpoint(*handle, handle->deadline()).code(), StatusCode::kBusy);
  EXPECT_EQ(handle->control().checkpoint.number.load(), number);
  EXPECT_NE(word.load(), 0u);
  word.store(0);
  EXPECT_TRUE(checkpoint(*handle, handle->deadline()));
  EXPECT_EQ(handle->control().checkpoint.number.load(), number + 1);
  EXPECT_EQ(handle->control().checkpoint.pending_pin.load(), 0u);
  expect_sound();
}

// A stopped process asks through its own open file: we are told beside it.
TEST_F(FaultTest, WhoIsStoppedWhileItAsksHoldsUpNoCheckpoint) {
  ASSERT_TRUE(store_->put("a", "1"));
  auto stopped = machine_.attach();
  Shared<uint32_t>& word = stopped->control().state.inquirers[3];
  word.store(stopped->attachment->owner());
  auto handle = machine_.attach(impatient());
  EXPECT_TRUE(checkpoint(*handle, handle->deadline()));
  EXPECT_EQ(word.load(), stopped->attachment->owner());
  word.store(0);
  expect_sound();
}

}  // namespace
}  // namespace holdfast::store
