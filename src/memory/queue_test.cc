#include "holdfast/queue.h"

#include <gtest/gtest.h>

#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class QueueTest : public testing::Test {
 protected:
  // `owner` stands for a process.
  Queue queue(uint32_t owner = 1, const std::string& name = "build") {
    return Queue(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}, owner), name);
  }
  std::string push(const NewJob& job) {
    auto pushed = queue().push(job);
    EXPECT_TRUE(pushed) << pushed.status().to_string();
    return pushed->id;
  }
  // The one job there is to take.
  Job take(uint32_t owner = 1, const TakeOptions& options = {}) {
    auto jobs = queue(owner).take(options);
    EXPECT_TRUE(jobs) << jobs.status().to_string();
    if (!jobs || jobs->size() != 1) {
      ADD_FAILURE() << "no job to take";
      return {};
    }
    return jobs->front();
  }
  bool nothing_to_take(uint32_t owner = 1) { return queue(owner).take()->empty(); }
  QueueStats stats() { return *queue().stats(); }
  void pass(milliseconds span) { clock_.now_us += span.count() * 1000; }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(QueueTest, WhatIsPushedIsTakenInOrder) {
  for (const char* payload : {"one", "two", "three"}) push({.payload = payload});
  for (const char* payload : {"one", "two", "three"}) {
    const Job job = take();
    EXPECT_EQ(job.payload, payload);
    EXPECT_EQ(job.attempt, 1u);
    ASSERT_TRUE(queue().ack(job));
  }
  EXPECT_TRUE(nothing_to_take());
}

TEST_F(QueueTest, HigherPriorityIsSooner) {
  push({.payload = "low", .priority = -100});
  push({.payload = "middle"});
  push({.payload = "high", .priority = 100});
  const auto jobs = queue().take({.limit = 3});
  ASSERT_EQ(jobs->size(), 3u);
  EXPECT_EQ(jobs->at(0).payload, "high");
  EXPECT_EQ(jobs->at(1).payload, "middle");
  EXPECT_EQ(jobs->at(2).payload, "low");
}

TEST_F(QueueTest, ANameThatLeadsToNoJobIsCorruption) {
  push({.payload = "x", .key = "nightly"});
  for (auto& [key, value] : keys_.entries) {
    if (value.size() == 16 && key.ends_with("nightly")) value = "short";
  }
  EXPECT_EQ(queue().push({.payload = "y", .key = "nightly"}).status().code(),
            StatusCode::kCorruption);
}

TEST_F(QueueTest, ADelayedJobWaitsForItsTime) {
  push({.payload = "later", .delay = milliseconds(1000)});
  EXPECT_EQ(stats().delayed, 1u);
  pass(milliseconds(999));
  EXPECT_TRUE(nothing_to_take());
  pass(milliseconds(1));
  EXPECT_EQ(take().payload, "later");
}

TEST_F(QueueTest, ALeasedJobIsNobodyElses) {
  push({.payload = "x"});
  const Job job = take(1);
  EXPECT_TRUE(nothing_to_take(2));
  EXPECT_EQ(stats().leased, 1u);
  EXPECT_EQ(stats().ready, 0u);
}

TEST_F(QueueTest, AnExpiredLeaseComesBackAndFencesItsHolder) {
  push({.payload = "x"});
  const Job first = take(1, {.lease = milliseconds(100)});
  pass(milliseconds(100));
  const Job second = take(2);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_NE(second.last_error.find("expired"), std::string::npos);
  EXPECT_EQ(queue(1).ack(first).code(), StatusCode::kFenced);
  EXPECT_EQ(queue(1).nack(first, "late").code(), StatusCode::kFenced);
  EXPECT_EQ(queue(1).extend(first, milliseconds(1)).status().code(), StatusCode::kFenced);
  EXPECT_TRUE(queue(2).ack(second));
}

TEST_F(QueueTest, AJobOfADeadProcessComesBackAtOnce) {
  push({.payload = "bound"});
  push({.payload = "free"});
  take(2, {.lease = kJobLeaseMax});
  take(2, {.lease = kJobLeaseMax, .bound_to_handle = false});
  clock_.owners_dead.insert(2);
  const Job job = take(1);
  EXPECT_EQ(job.payload, "bound");
  EXPECT_EQ(job.attempt, 2u);
  EXPECT_TRUE(nothing_to_take());
}

TEST_F(QueueTest, ExtendingKeepsAJob) {
  push({.payload = "x"});
  const Job job = take(1, {.lease = milliseconds(100)});
  pass(milliseconds(90));
  ASSERT_TRUE(queue(1).extend(job, milliseconds(100)));
  pass(milliseconds(90));
  EXPECT_TRUE(nothing_to_take(2));
  EXPECT_TRUE(queue(1).ack(job));
}

TEST_F(QueueTest, AnAckNobodyElseOvertookCountsThoughLate) {
  push({.payload = "x"});
  const Job job = take(1, {.lease = milliseconds(100)});
  pass(milliseconds(500));
  EXPECT_TRUE(queue(1).ack(job));
  EXPECT_TRUE(nothing_to_take(2));
}

TEST_F(QueueTest, BackoffDoublesUpToItsMaximum) {
  ASSERT_TRUE(queue().configure(
      {.attempts_max = 100, .backoff_first = milliseconds(100), .backoff_max = milliseconds(300)}));
  push({.payload = "x"});
  for (const int pause_ms : {100, 200, 300, 300}) {
    ASSERT_TRUE(queue().nack(take(), "flaky"));
    pass(milliseconds(pause_ms - 1));
    EXPECT_TRUE(nothing_to_take());
    pass(milliseconds(1));
  }
  EXPECT_EQ(take().last_error, "flaky");
}

TEST_F(QueueTest, AfterTheLastAttemptAJobIsDeadUntilRequeued) {
  ASSERT_TRUE(queue().configure({.attempts_max = 2}));
  const std::string id = push({.payload = "x"});
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(queue().nack(take(), "no", milliseconds(0)));
  EXPECT_TRUE(nothing_to_take());
  EXPECT_EQ(stats().dead, 1u);
  const auto dead = queue().list({.state = JobState::dead});
  ASSERT_EQ(dead->size(), 1u);
  EXPECT_EQ(dead->front().job.last_error, "no");
  EXPECT_EQ(queue().get(id)->job.payload, "x");
  ASSERT_TRUE(queue().requeue(id));
  EXPECT_EQ(queue().requeue(id).code(), StatusCode::kConditionFalse);
  EXPECT_EQ(take().attempt, 1u);
}

TEST_F(QueueTest, AKeyNamesOneJobInTheQueue) {
  const std::string id = push({.payload = "x", .key = "k"});
  const auto again = queue().push({.payload = "y", .key = "k"});
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->id, id);
  const Job job = take();
  EXPECT_TRUE(queue().push({.payload = "y", .key = "k"})->existed);
  ASSERT_TRUE(queue().ack(job));
  EXPECT_FALSE(queue().push({.payload = "z", .key = "k"})->existed);
}

TEST_F(QueueTest, AResultIsKeptUntilPurged) {
  const std::string id = push({.payload = "x", .key = "k"});
  ASSERT_TRUE(queue().ack(take(), "42"));
  EXPECT_EQ(stats().done, 1u);
  const auto info = queue().get(id);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->state, JobState::done);
  EXPECT_EQ(info->result, "42");
  EXPECT_FALSE(queue().push({.payload = "next", .key = "k"})->existed);
  EXPECT_EQ(*queue().purge_done(clock_.now_us), 0u);
  pass(milliseconds(1));
  EXPECT_EQ(*queue().purge_done(clock_.now_us), 1u);
  EXPECT_EQ(queue().get(id).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(queue().push({.payload = "next", .key = "k"})->existed);
}

TEST_F(QueueTest, NothingIsLeftOfWhatIsDone) {
  const std::string first = push({.payload = "warm up the counters"});
  ASSERT_TRUE(queue().ack(take()));
  const size_t before = keys_.entries.size();
  push({.payload = "x", .key = "k"});
  ASSERT_TRUE(queue().ack(take()));
  push({.payload = "y", .key = "k"});
  ASSERT_TRUE(queue().ack(take(), "result"));
  pass(milliseconds(1));
  ASSERT_TRUE(queue().purge_done(clock_.now_us));
  const std::string removed = push({.payload = "z", .key = "k"});
  ASSERT_TRUE(queue().remove(removed));
  // Counters stay: one more of them, that of results.
  EXPECT_EQ(keys_.entries.size(), before + 1);
}

TEST_F(QueueTest, AFullQueueRefuses) {
  ASSERT_TRUE(queue().configure({.depth_max = 2}));
  push({.payload = "1"});
  push({.payload = "2", .delay = milliseconds(1000)});
  EXPECT_EQ(queue().push({.payload = "3"}).status().code(), StatusCode::kTooLarge);
  ASSERT_TRUE(queue().ack(take()));
  push({.payload = "3"});
}

TEST_F(QueueTest, ALeasedJobIsNotRemoved) {
  const std::string id = push({.payload = "x"});
  take();
  EXPECT_EQ(queue().remove(id).code(), StatusCode::kConditionFalse);
}

TEST_F(QueueTest, ListingPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(push({.payload = "x"}));
  std::vector<std::string> seen;
  JobListOptions options{.limit = 2};
  while (true) {
    auto page = queue().list(options);
    ASSERT_TRUE(page) << page.status().to_string();
    if (page->empty()) break;
    for (const JobInfo& info : *page) seen.push_back(info.job.id);
    options.after = seen.back();
  }
  EXPECT_EQ(seen, ids);
}

TEST_F(QueueTest, QueuesAreApart) {
  push({.payload = "x"});
  EXPECT_TRUE(queue(1, "other").take()->empty());
  EXPECT_TRUE(queue(1, "buil").take()->empty());
  EXPECT_EQ(queue(1, "other").stats()->ready, 0u);
}

TEST_F(QueueTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  const auto refused = [&](const NewJob& job) { return queue().push(job).status().code(); };
  EXPECT_EQ(refused({.payload = std::string(kJobPayloadSizeMax + 1, 'x')}), StatusCode::kTooLarge);
  EXPECT_EQ(refused({.priority = 101}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({.delay = milliseconds(-1)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({.key = ""}), StatusCode::kInvalidArgument);
  EXPECT_EQ(queue(1, "").push({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(queue().take({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(queue().take({.lease = milliseconds(0)}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(queue().get("nonsense").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(queue().configure({.attempts_max = 0}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

}  // namespace
}  // namespace holdfast::memory
