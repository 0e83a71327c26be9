// Processes that mark, add, relay, send and receive, and are really killed: each key is accepted
// once, each message received once, each entry delivered at least once and in order, and who has
// died is not there any more.
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kProcesses = 16;

class MailScenario : public testing::Test {
 protected:
  void expect_each_once(Store& store, const std::string& prefix, int count) {
    for (int i = 0; i < count; ++i) {
      const auto number = store.get(prefix + std::to_string(i));
      ASSERT_TRUE(number && *number) << prefix << i;
      EXPECT_EQ(decode_number(**number), 1) << prefix << i;
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel told_;
};

TEST_F(MailScenario, EachKeyIsAcceptedOnceThoughProcessesAreKilled) {
  constexpr int kKeys = 120;
  const auto accept = [&] {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = std::to_string(i);
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const bool is_new, space.inbox(txn, "webhooks").mark(key));
        return is_new ? txn.add("accepted/" + key, 1) : Status::ok();
      });
      ASSERT_TRUE(version) << version.status().to_string();
      told_.send("x");
    }
  };
  run_crew(kProcesses, accept, told_, 8, 60);
  Store store = open_or_die(path_);
  expect_each_once(store, "accepted/", kKeys);
  EXPECT_EQ(*store.space("crew")->inbox("webhooks").count(), uint64_t{kKeys});
  expect_sound(store);
}

// All are killed at once, and the store starts cold, before the next crew goes on with all keys.
TEST_F(MailScenario, EachKeyIsAcceptedOnceThroughKillsAndColdStarts) {
  constexpr int kKeys = 150;
  constexpr int kRounds = 4;
  const auto accept = [&](int first) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = std::to_string((first + i) % kKeys);
      ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const bool is_new, space.inbox(txn, "webhooks").mark(key, "by " + key));
        return is_new ? txn.add("accepted/" + key, 1) : Status::ok();
      }));
      told_.send("x");
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    std::vector<ChildProcess> crew;
    for (int i = 0; i < kProcesses; ++i) {
      crew.push_back(ChildProcess::start([&, i] { accept(i * 7); }));
    }
    ASSERT_TRUE(told_.receive(static_cast<size_t>(20 + 40 * round)));
    for (ChildProcess& process : crew) process.kill();
    for (ChildProcess& process : crew) process.wait();
    reboot(path_);
  }
  EXPECT_EQ(run_in_child([&] { accept(0); }), ChildProcess::kSuccess);
  reboot(path_);
  Store store = open_or_die(path_);
  expect_each_once(store, "accepted/", kKeys);
  const Inbox inbox = store.space("crew")->inbox("webhooks");
  for (int i = 0; i < kKeys; ++i) {
    const std::string key = std::to_string(i);
    EXPECT_FALSE(*inbox.mark(key)) << key;
    EXPECT_EQ((*inbox.find(key))->note, "by " + key);
  }
  EXPECT_TRUE(*inbox.mark("another"));
  expect_sound(store);
}

TEST_F(MailScenario, EachMessageIsReceivedOnceThoughReceiversAreKilled) {
  constexpr int kMessages = 400;
  {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
      const Space space = *store.space("crew");
      for (int i = 0; i < kMessages; ++i) {
        HOLDFAST_TRY(space.messages(txn).send({.to = "crew", .body = std::to_string(i)}).status());
      }
      return Status::ok();
    }));
  }
  const auto receive = [&] {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (bool is_done = false; !is_done;) {
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto messages, space.messages(txn).receive("crew", 3));
        is_done = messages.empty();
        for (const Message& message : messages) {
          HOLDFAST_TRY(txn.add("received/" + message.body, 1));
        }
        return Status::ok();
      });
      ASSERT_TRUE(version) << version.status().to_string();
      told_.send("x");
    }
  };
  run_crew(kProcesses, receive, told_, 6, 8);
  Store store = open_or_die(path_);
  expect_each_once(store, "received/", kMessages);
  EXPECT_EQ(*store.space("crew")->messages().count("crew"), 0u);
  expect_sound(store);
}

TEST_F(MailScenario, EntriesAreDeliveredInOrderThoughRelaysAreKilled) {
  constexpr int kEntries = 200;
  {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
      const Space space = *store.space("crew");
      for (int i = 0; i < kEntries; ++i) {
        HOLDFAST_TRY(space.outbox(txn, "mail").add("t", std::to_string(i)).status());
      }
      return Status::ok();
    }));
  }
  // The world outside: a list that grows, never behind where it has got to.
  const auto relay = [&] {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const Outbox outbox = space.outbox("mail");
    while (true) {
      const auto stats = outbox.stats();
      ASSERT_TRUE(stats);
      if (stats->waiting == 0) return;
      const auto result = outbox.relay(
          [&](const OutboxEntry& entry) {
            const auto version = store.update([&](Transaction& txn) -> Status {
              HOLDFAST_ASSIGN(const auto seen, txn.get("delivered"));
              const int64_t next = seen ? decode_number(*seen).value_or(0) : 0;
              const int64_t number = std::stoll(entry.payload);
              if (number > next) return Status(StatusCode::kConditionFalse, "out of order");
              return number == next ? txn.add("delivered", 1) : Status::ok();
            });
            told_.send("x");
            return version.status();
          },
          {.limit = 10, .batch = 4});
      if (!result) {
        ASSERT_EQ(result.status().code(), StatusCode::kBusy) << result.status().to_string();
      } else {
        EXPECT_EQ(result->failed, 0u);
      }
    }
  };
  // All are killed now and then, whoever is at work, so the one at work is too.
  std::vector<ChildProcess> crew;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < kProcesses; ++i) crew.push_back(ChildProcess::start(relay));
    ASSERT_TRUE(told_.receive(30));
    for (ChildProcess& process : crew) process.kill();
    for (ChildProcess& process : crew) process.wait();
    crew.clear();
  }
  EXPECT_EQ(run_in_child(relay), ChildProcess::kSuccess);
  Store store = open_or_die(path_);
  EXPECT_EQ(decode_number(**store.get("delivered")), kEntries);
  expect_sound(store);
}

TEST_F(MailScenario, WhoIsKilledIsNotThereAnyMore) {
  constexpr size_t kDeaths = 8;
  std::vector<ChildProcess> crew;
  for (int i = 0; i < kProcesses; ++i) {
    crew.push_back(ChildProcess::start([&, i] {
      Store store = open_or_die(path_);
      const Presence presence = store.space("crew")->presence();
      const auto entry = presence.enter({.agent = std::to_string(i)});
      ASSERT_TRUE(entry) << entry.status().to_string();
      for (int step = 0;; ++step) {
        ASSERT_TRUE(
            presence.change(*entry, {.agent = std::to_string(i), .step = std::to_string(step)}));
        told_.send("x");
      }
    }));
  }
  ASSERT_TRUE(told_.receive(10 * kProcesses));
  std::set<std::string> alive;
  for (size_t i = 0; i < kDeaths; ++i) {
    crew[i].kill();
    crew[i].wait();
  }
  for (int i = kDeaths; i < kProcesses; ++i) alive.insert(std::to_string(i));
  // The rest goes on meanwhile; who has not entered yet is waited for.
  const auto present = [&] {
    std::set<std::string> agents;
    Store store = open_or_die(path_);
    const auto list = store.space("crew")->presence().list();
    EXPECT_TRUE(list);
    for (const Present& one : *list) agents.insert(one.occupation.agent);
    return agents;
  };
  while (present() != alive) ASSERT_TRUE(told_.receive(1));
  for (size_t i = kDeaths; i < crew.size(); ++i) {
    crew[i].kill();
    crew[i].wait();
  }
  Store store = open_or_die(path_);
  EXPECT_TRUE(store.space("crew")->presence().list()->empty());
  expect_sound(store);
}

TEST_F(MailScenario, WhoWaitsForAMessageIsWokenByIt) {
  Gate gate;
  constexpr int kRounds = 30;
  const auto play = [&](const std::string& me, const std::string& other, bool begins) {
    Store store = open_or_die(path_);
    const Messages messages = store.space("crew")->messages();
    gate.pass();
    if (begins) {
      ASSERT_TRUE(messages.send({.to = other, .from = me}));
    }
    for (int i = 0; i < kRounds; ++i) {
      const auto got = messages.receive(me, 1, milliseconds(60'000));
      ASSERT_TRUE(got) << got.status().to_string();
      ASSERT_EQ(got->size(), 1u);
      EXPECT_EQ(got->front().from, other);
      if (i + 1 < kRounds || !begins) {
        ASSERT_TRUE(messages.send({.to = other, .from = me}));
      }
    }
  };
  ChildProcess ping = ChildProcess::start([&] { play("ping", "pong", true); });
  ChildProcess pong = ChildProcess::start([&] { play("pong", "ping", false); });
  gate.open_for(2);
  EXPECT_EQ(ping.wait(), ChildProcess::kSuccess);
  EXPECT_EQ(pong.wait(), ChildProcess::kSuccess);
}

}  // namespace
}  // namespace holdfast
