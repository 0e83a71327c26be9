// Queues, claims, outboxes and presence against plain models, by random calls of several owners,
// some of whom die.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "holdfast/claim.h"
#include "holdfast/outbox.h"
#include "holdfast/presence.h"
#include "holdfast/queue.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class CoordinationModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  size_t below(size_t end) { return random_() % end; }
  milliseconds some_time() { return milliseconds(1 + below(200)); }
  std::shared_ptr<MapAccess> access(uint32_t owner) {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}, owner);
  }
  // Owners 1 to 3; who dies comes back under another number.
  uint32_t some_owner() { return owners_[below(owners_.size())]; }
  bool is_alive(uint32_t owner) const { return !clock_.owners_dead.contains(owner); }
  void pass_or_kill() {
    if (below(4) > 0) {
      clock_.now_us += some_time().count() * 1000;
      return;
    }
    uint32_t& owner = owners_[below(owners_.size())];
    clock_.owners_dead.insert(owner);
    owner = ++last_owner_;
  }

  std::mt19937 random_{GetParam()};
  uint32_t last_owner_ = 3;
  std::vector<uint32_t> owners_ = {1, 2, 3};
  search::MapKeyspace keys_;
  MapClock clock_;
};

// --- Queue

class QueueModelTest : public CoordinationModelTest {
 protected:
  struct Known {
    int priority = 0;
    int64_t due_us = 0;
    std::string lease_id = {};  // of the last one
    int64_t lease_ends_us = 0;
    uint32_t owner = 0;
  };
  Queue queue(uint32_t owner) { return Queue(access(owner), "q"); }
  bool is_leased(const Known& job) const {
    return !job.lease_id.empty() && job.lease_ends_us > clock_.now_us && is_alive(job.owner);
  }
  bool is_available(const Known& job) const {
    return !is_leased(job) && job.due_us <= clock_.now_us;
  }

  void push_some() {
    const int priority = static_cast<int>(below(3)) - 1;
    const milliseconds delay(below(2) * below(100));
    const auto pushed = queue(some_owner()).push({.priority = priority, .delay = delay});
    ASSERT_TRUE(pushed) << pushed.status().to_string();
    model_[pushed->id] = {.priority = priority, .due_us = clock_.now_us + delay.count() * 1000};
  }

  void take_some() {
    std::multiset<int, std::greater<>> available;
    bool is_crowded = false;  // then who takes goes out of the others' way
    for (const auto& [id, job] : model_) {
      if (is_available(job)) available.insert(job.priority);
      is_crowded |= is_leased(job);
    }
    const uint32_t owner = some_owner();
    const TakeOptions options = {.limit = 1 + below(4), .lease = some_time()};
    const auto jobs = queue(owner).take(options);
    ASSERT_TRUE(jobs) << jobs.status().to_string();
    EXPECT_EQ(jobs->size(), std::min(options.limit, available.size()));
    auto best = available.begin();
    for (const Job& job : *jobs) {
      ASSERT_TRUE(model_.contains(job.id)) << "a ghost";
      Known& known = model_[job.id];
      EXPECT_TRUE(is_available(known)) << "another has it";
      if (!is_crowded) {
        EXPECT_EQ(job.priority, *best++) << "there is a better one";
      }
      known.lease_id = job.lease_id;
      known.lease_ends_us = job.lease_expires_us;
      known.owner = owner;
      taken_.push_back(job);
    }
  }

  // With a lease that may have ended: while it lasts it must do, another's must not.
  void end_some() {
    if (taken_.empty()) return;
    const size_t at = below(taken_.size());
    const Job job = taken_[at];
    const auto known = model_.find(job.id);
    const bool is_latest = known != model_.end() && known->second.lease_id == job.lease_id;
    const bool is_ack = below(2) == 0;
    const milliseconds delay(below(100));
    const Status ended = is_ack ? queue(1).ack(job) : queue(1).nack(job, "no", delay);
    if (is_latest && is_leased(known->second)) {
      EXPECT_TRUE(ended) << ended.to_string();
    }
    if (!is_latest) {
      EXPECT_EQ(ended.code(), StatusCode::kFenced);
    }
    if (!ended) return;
    taken_.erase(taken_.begin() + static_cast<ptrdiff_t>(at));
    if (is_ack) {
      model_.erase(known);
    } else {
      known->second.lease_id.clear();
      known->second.due_us = clock_.now_us + delay.count() * 1000;
    }
  }

  std::map<std::string, Known> model_;
  std::vector<Job> taken_;
};

TEST_P(QueueModelTest, NoJobIsLostTakenTwiceOrPassedOver) {
  ASSERT_TRUE(queue(1).configure({.attempts_max = 1'000'000}));
  for (int step = 0; step < 600 && !HasFatalFailure(); ++step) {
    const size_t choice = below(8);
    if (choice < 3) push_some();
    if (choice == 3 || choice == 4) take_some();
    if (choice == 5 || choice == 6) end_some();
    if (choice == 7) pass_or_kill();
    const auto stats = queue(1).stats();
    EXPECT_EQ(stats->ready + stats->delayed + stats->leased, model_.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueueModelTest, testing::Range(1u, 9u));

// --- Claims

class ClaimsModelTest : public CoordinationModelTest {
 protected:
  struct Known {
    Claim claim;
    ClaimMode mode;
    uint32_t owner;
    bool is_released = false;
  };
  Claims claims(uint32_t owner) { return Claims(access(owner)); }
  bool is_held(const Known& one) const {
    return !one.is_released && one.claim.expires_us > clock_.now_us && is_alive(one.owner);
  }
  std::vector<std::string> some_resources() {
    std::set<std::string> resources;
    for (size_t i = 1 + below(3); i > 0; --i) resources.insert("r" + std::to_string(below(5)));
    return {resources.begin(), resources.end()};
  }
  bool is_free(const std::string& resource, ClaimMode mode) const {
    for (const Known& one : model_) {
      const auto& held = one.claim.resources;
      const bool is_shared = mode == ClaimMode::shared && one.mode == ClaimMode::shared;
      const bool has_it = std::find(held.begin(), held.end(), resource) != held.end();
      if (has_it && is_held(one) && !is_shared) return false;
    }
    return true;
  }

  void take_some() {
    const std::vector<std::string> resources = some_resources();
    const ClaimMode mode = below(2) == 0 ? ClaimMode::exclusive : ClaimMode::shared;
    const bool is_possible =
        std::all_of(resources.begin(), resources.end(),
                    [&](const std::string& resource) { return is_free(resource, mode); });
    const uint32_t owner = some_owner();
    const auto claim = claims(owner).take(resources, {.mode = mode, .ttl = some_time()});
    ASSERT_EQ(claim.is_ok(), is_possible) << claim.status().to_string();
    if (!claim) return;
    for (const std::string& resource : resources) {
      EXPECT_GT(claim->token, tokens_[resource]);
      tokens_[resource] = claim->token;
    }
    model_.push_back({*claim, mode, owner});
  }

  void use_some() {
    if (model_.empty()) return;
    Known& one = model_[below(model_.size())];
    const bool was_held = is_held(one);
    EXPECT_EQ(claims(1).guard(one.claim).code(), was_held ? StatusCode::kOk : StatusCode::kFenced);
    if (below(2) == 0) {
      EXPECT_TRUE(claims(1).release(one.claim));
      one.is_released = true;
    } else if (was_held) {
      const auto renewed = claims(1).renew(one.claim, some_time());
      ASSERT_TRUE(renewed) << renewed.status().to_string();
      one.claim = *renewed;
    }
  }

  void expect_listed() {
    std::map<std::string, size_t> expected;
    for (const Known& one : model_) {
      if (!is_held(one)) continue;
      for (const std::string& resource : one.claim.resources) ++expected[resource];
    }
    std::map<std::string, size_t> listed;
    const auto held = claims(1).list();
    for (const ClaimedResource& each : *held) listed[each.resource] = each.holders.size();
    EXPECT_EQ(listed, expected);
  }

  std::vector<Known> model_;
  std::map<std::string, uint64_t> tokens_;
};

TEST_P(ClaimsModelTest, WhatIsHeldIsWhatAPlainListSays) {
  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
    const size_t choice = below(4);
    if (choice < 2) take_some();
    if (choice == 2) use_some();
    if (choice == 3) pass_or_kill();
    expect_listed();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ClaimsModelTest, testing::Range(1u, 9u));

// --- Outbox

class OutboxModelTest : public CoordinationModelTest {
 protected:
  static constexpr uint32_t kAttempts = 3;
  struct Known {
    std::string payload;
    uint32_t attempts = 0;
  };
  Outbox outbox() { return Outbox(access(some_owner()), "out"); }
  static std::vector<std::string> payloads(const Result<std::vector<OutboxEntry>>& entries) {
    std::vector<std::string> found;
    for (const OutboxEntry& entry : *entries) found.push_back(entry.payload);
    return found;
  }
  // Fails now and then; whatever comes must be the first that waits.
  Status deliver(const OutboxEntry& entry) {
    if (waiting_.empty() || waiting_.front().payload != entry.payload) {
      ADD_FAILURE() << entry.payload << " comes out of turn";
      return Status::ok();
    }
    EXPECT_EQ(entry.attempts, waiting_.front().attempts);
    if (below(3) > 0) {
      waiting_.pop_front();
      return Status::ok();
    }
    if (++waiting_.front().attempts == kAttempts) {
      dead_.push_back(waiting_.front().payload);
      waiting_.pop_front();
    }
    return Status(StatusCode::kIoError, "it does not answer");
  }

  std::deque<Known> waiting_;
  std::vector<std::string> dead_;
  size_t added_ = 0;
};

TEST_P(OutboxModelTest, EntriesComeInTurnAndNoneIsLost) {
  for (int step = 0; step < 300; ++step) {
    if (below(2) == 0) {
      const std::string payload = std::to_string(++added_);
      ASSERT_TRUE(outbox().add("t", payload));
      waiting_.push_back({payload});
    } else {
      clock_.now_us += 10'000;
      const RelayOptions options = {.limit = 1 + below(5),
                                    .batch = 1 + below(3),
                                    .attempts_max = kAttempts,
                                    .backoff_first = milliseconds(1),
                                    .backoff_max = milliseconds(1)};
      const auto relayed =
          outbox().relay([&](const OutboxEntry& entry) { return deliver(entry); }, options);
      ASSERT_TRUE(relayed) << relayed.status().to_string();
    }
    std::vector<std::string> expected;
    for (const Known& one : waiting_) expected.push_back(one.payload);
    EXPECT_EQ(payloads(outbox().waiting()), expected);
    EXPECT_EQ(payloads(outbox().dead()), dead_);
  }
  EXPECT_FALSE(dead_.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, OutboxModelTest, testing::Range(1u, 5u));

// --- Presence

class PresenceModelTest : public CoordinationModelTest {
 protected:
  struct Known {
    std::string id;
    std::string activity;
    uint32_t owner;
    bool has_left = false;
  };
  Presence presence(uint32_t owner) { return Presence(access(owner)); }
  bool is_there(const Known& one) const { return !one.has_left && is_alive(one.owner); }

  void enter() {
    const uint32_t owner = some_owner();
    const auto id = presence(owner).enter({.agent = "a", .activity = "begins"});
    ASSERT_TRUE(id) << id.status().to_string();
    model_.push_back({*id, "begins", owner});
  }
  // Of anybody, by anybody, who may be gone.
  void change_or_leave(bool leaves) {
    if (model_.empty()) return;
    Known& one = model_[below(model_.size())];
    if (leaves) {
      ASSERT_TRUE(presence(some_owner()).leave(one.id));
      one.has_left = true;
      return;
    }
    const std::string activity = std::to_string(below(1000));
    const Status changed =
        presence(some_owner()).change(one.id, {.agent = "a", .activity = activity});
    ASSERT_EQ(changed.code(), is_there(one) ? StatusCode::kOk : StatusCode::kNotFound);
    if (changed) one.activity = activity;
  }
  void expect_those_who_are_there() {
    std::vector<std::pair<std::string, std::string>> expected;
    for (const Known& one : model_) {
      if (is_there(one)) expected.emplace_back(one.id, one.activity);
    }
    std::vector<std::pair<std::string, std::string>> listed;
    const auto list = presence(some_owner()).list();
    ASSERT_TRUE(list) << list.status().to_string();
    for (const Present& one : *list) listed.emplace_back(one.id, one.occupation.activity);
    EXPECT_EQ(listed, expected);
  }

  std::vector<Known> model_;  // in the order of their coming
};

TEST_P(PresenceModelTest, WhoIsListedHasEnteredAndNeitherLeftNorDied) {
  enter();
  const size_t of_the_space = keys_.entries.size() - 1;
  for (int step = 0; step < 400 && !HasFatalFailure(); ++step) {
    const size_t choice = below(10);
    if (choice < 4) enter();
    if (choice >= 4 && choice < 7) change_or_leave(false);
    if (choice == 7 || choice == 8) change_or_leave(true);
    if (choice == 9) pass_or_kill();
    expect_those_who_are_there();
  }
  // Who enters removes what the dead have left, however many live before them.
  enter();
  const auto there =
      std::count_if(model_.begin(), model_.end(), [&](const Known& one) { return is_there(one); });
  EXPECT_EQ(keys_.entries.size(), of_the_space + static_cast<size_t>(there));
}

INSTANTIATE_TEST_SUITE_P(Seeds, PresenceModelTest, testing::Range(1u, 5u));

}  // namespace
}  // namespace holdfast::memory
