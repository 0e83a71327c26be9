// Inbox, outbox, messages and presence.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "holdfast/inbox.h"
#include "holdfast/message.h"
#include "holdfast/outbox.h"
#include "holdfast/presence.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;

class MailTest : public testing::Test {
 protected:
  std::shared_ptr<MapAccess> access(uint32_t owner = 1) {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}, owner);
  }
  Inbox inbox(const std::string& name = "webhooks") { return Inbox(access(), name); }
  Outbox outbox(uint32_t owner = 1) { return Outbox(access(owner), "mail"); }
  Messages messages() { return Messages(access()); }
  Presence presence(uint32_t owner = 1) { return Presence(access(owner)); }
  void pass(milliseconds time) { clock_.now_us += static_cast<int64_t>(time.count()) * 1000; }

  search::MapKeyspace keys_;
  MapClock clock_;
};

using InboxTest = MailTest;
using OutboxTest = MailTest;
using MessagesTest = MailTest;
using PresenceTest = MailTest;

TEST_F(InboxTest, AKeyIsMarkedOnce) {
  EXPECT_TRUE(*inbox().mark("k", "answer"));
  EXPECT_FALSE(*inbox().mark("k", "other"));
  EXPECT_EQ((*inbox().find("k"))->note, "answer");
  EXPECT_TRUE(*inbox("other").mark("k"));
  EXPECT_EQ(*inbox().count(), 1u);
  ASSERT_TRUE(inbox().unmark("k"));
  EXPECT_EQ(inbox().unmark("k").code(), StatusCode::kNotFound);
  EXPECT_TRUE(*inbox().mark("k"));
}

TEST_F(InboxTest, SeveralAreMarkedTogether) {
  ASSERT_TRUE(inbox().mark("b"));
  const std::vector<std::string> keys = {"a", "b", "a", std::string("\0\xff", 2)};
  EXPECT_EQ(*inbox().mark_all(keys), (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(*inbox().count(), 3u);
  EXPECT_EQ(inbox().list()->size(), 3u);
  EXPECT_EQ(inbox().list("a")->size(), 1u);
  EXPECT_EQ(inbox().list({}, "a", 1)->front().key, "b");
}

TEST_F(InboxTest, OldMarksArePurgedInSteps) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(inbox().mark(std::to_string(i)));
    pass(milliseconds(1));
  }
  const int64_t before_us = clock_.now_us - 5000;
  const auto next = inbox().purge(before_us, {}, 3);
  EXPECT_EQ(*next, "2");
  EXPECT_EQ(*inbox().purge(before_us, *next), "");
  EXPECT_EQ(*inbox().count(), 5u);
  EXPECT_EQ(inbox().list()->front().key, "5");
}

TEST_F(InboxTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  EXPECT_EQ(inbox().mark("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(inbox("").mark("k").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(inbox().mark(std::string(601, 'x')).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(inbox().mark("k", std::string(5000, 'x')).status().code(), StatusCode::kTooLarge);
  const std::vector<std::string> keys = {"a", ""};
  EXPECT_EQ(inbox().mark_all(keys).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(OutboxTest, EntriesAreDeliveredInOrderAndRemoved) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(outbox().add("t", std::to_string(i)));
  EXPECT_EQ(outbox().stats()->waiting, 40u);
  std::vector<std::string> seen;
  const auto result = outbox().relay([&](const OutboxEntry& entry) {
    EXPECT_EQ(entry.topic, "t");
    seen.push_back(entry.payload);
    return Status::ok();
  });
  ASSERT_TRUE(result) << result.status().to_string();
  EXPECT_EQ(result->delivered, 40u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], std::to_string(i));
  EXPECT_EQ(outbox().stats()->waiting, 0u);
  // The catalog's node and next id, and one counter.
  EXPECT_EQ(keys_.entries.size(), 3u);
}

TEST_F(OutboxTest, AFailureHoldsUpWhatIsBehindItUntilItIsDead) {
  for (const char* payload : {"bad", "good"}) ASSERT_TRUE(outbox().add("t", payload));
  std::string seen;
  const auto deliver = [&](const OutboxEntry& entry) {
    seen += entry.payload + std::to_string(entry.attempts) + " ";
    return entry.payload == "bad" ? Status(StatusCode::kIoError, "no route") : Status::ok();
  };
  const RelayOptions options{.attempts_max = 3, .backoff_first = milliseconds(100)};
  EXPECT_EQ(outbox().relay(deliver, options)->failed, 1u);
  EXPECT_EQ(outbox().relay(deliver, options)->failed, 0u);
  EXPECT_EQ(outbox().waiting()->front().error, "i/o error: no route");
  pass(milliseconds(100));
  EXPECT_EQ(outbox().relay(deliver, options)->failed, 1u);
  pass(milliseconds(199));
  EXPECT_EQ(outbox().relay(deliver, options)->failed, 0u);
  pass(milliseconds(1));
  const auto last = outbox().relay(deliver, options);
  EXPECT_EQ(last->dead, 1u);
  EXPECT_EQ(last->delivered, 1u);
  EXPECT_EQ(seen, "bad0 bad1 bad2 good0 ");
  const auto dead = outbox().dead();
  ASSERT_EQ(dead->size(), 1u);
  EXPECT_EQ(dead->front().attempts, 3u);
  const std::string id = dead->front().id;
  ASSERT_TRUE(outbox().requeue(id));
  EXPECT_EQ(outbox().requeue(id).code(), StatusCode::kNotFound);
  EXPECT_EQ(outbox().waiting()->front().id, id);
  EXPECT_EQ(outbox().waiting()->front().attempts, 0u);
}

TEST_F(OutboxTest, OneRelayIsAtWork) {
  ASSERT_TRUE(outbox().add("t", "x"));
  const auto nothing = [](const OutboxEntry&) { return Status::ok(); };
  const auto outer = outbox(1).relay([&](const OutboxEntry&) {
    EXPECT_EQ(outbox(2).relay(nothing).status().code(), StatusCode::kBusy);
    // Who takes too long, or dies, is replaced; what it delivered is delivered again.
    clock_.owners_dead.insert(1);
    EXPECT_EQ(outbox(2).relay(nothing)->delivered, 1u);
    clock_.owners_dead.clear();
    return Status::ok();
  });
  EXPECT_EQ(outer.status().code(), StatusCode::kFenced);
  EXPECT_EQ(outbox().stats()->waiting, 0u);
}

TEST_F(OutboxTest, WhoWasReplacedRemovesNothing) {
  ASSERT_TRUE(outbox().add("t", "x"));
  int fenced = 0;
  const auto outer = outbox(1).relay([&](const OutboxEntry&) {
    pass(milliseconds(60'000));
    const auto inner = outbox(2).relay([&](const OutboxEntry&) {
      ++fenced;
      return Status(StatusCode::kIoError, "later");
    });
    EXPECT_EQ(inner->failed, 1u);
    return Status::ok();
  });
  EXPECT_EQ(fenced, 1);
  EXPECT_EQ(outer.status().code(), StatusCode::kFenced);
  EXPECT_EQ(outbox().waiting()->front().attempts, 1u);
}

TEST_F(OutboxTest, ARelayWaitsForWhatComes) {
  ASSERT_TRUE(outbox().add("t", "first"));
  int pauses = 0;
  clock_.on_pause = [&] {
    if (++pauses == 3) {
      EXPECT_TRUE(outbox().add("t", "second"));
    }
  };
  const auto nothing = [](const OutboxEntry&) { return Status::ok(); };
  EXPECT_EQ(outbox().relay(nothing, {.wait = milliseconds(100)})->delivered, 2u);
  EXPECT_GE(pauses, 19);
}

TEST_F(OutboxTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  const auto nothing = [](const OutboxEntry&) { return Status::ok(); };
  EXPECT_EQ(outbox().add("\xff", "x").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(outbox().add("t", std::string(kOutboxPayloadSizeMax + 1, 'x')).status().code(),
            StatusCode::kTooLarge);
  EXPECT_EQ(outbox().relay(nothing, {.batch = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(outbox().requeue("x").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(MessagesTest, AMailboxIsReadInTheOrderOfSending) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(
        messages().send({.to = "bob", .from = "alice", .kind = "note", .body = std::to_string(i)}));
  }
  ASSERT_TRUE(messages().send({.to = "bobby", .body = "other"}));
  EXPECT_EQ(messages().peek("bob", 2)->size(), 2u);
  EXPECT_EQ(*messages().count("bob"), 5u);
  const auto first = messages().receive("bob");
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(first->front().from, "alice");
  EXPECT_EQ(first->front().kind, "note");
  const auto rest = messages().receive("bob", 100);
  ASSERT_EQ(rest->size(), 4u);
  EXPECT_EQ(rest->back().body, "4");
  EXPECT_TRUE(messages().receive("bob")->empty());
  EXPECT_EQ(messages().list()->size(), 1u);
  EXPECT_EQ(messages().list()->front().name, "bobby");
  ASSERT_TRUE(messages().clear("bobby"));
  EXPECT_TRUE(messages().list()->empty());
}

TEST_F(MessagesTest, ReceivingWaits) {
  EXPECT_TRUE(messages().receive("bob", 1, milliseconds(20))->empty());
  int pauses = 0;
  clock_.on_pause = [&] {
    if (++pauses == 3) {
      EXPECT_TRUE(messages().send({.to = "bob", .body = "hello"}));
    }
  };
  EXPECT_EQ(messages().receive("bob", 1, milliseconds(1000))->front().body, "hello");
  EXPECT_EQ(pauses, 3);
}

TEST_F(MessagesTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  EXPECT_EQ(messages().send({.to = ""}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(messages().send({.to = "b", .from = "\xff"}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(messages().send({.to = "b", .body = std::string(900'001, 'x')}).status().code(),
            StatusCode::kTooLarge);
  EXPECT_EQ(messages().receive("b", 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

TEST_F(PresenceTest, WhoIsThereIsSeenUntilItsProcessEnds) {
  const auto one = presence(1).enter({.agent = "one", .activity = "reads"});
  const auto two = presence(2).enter({.agent = "two", .run = "r", .step = "s"});
  ASSERT_TRUE(one && two);
  pass(milliseconds(1));
  ASSERT_TRUE(presence().change(*one, {.agent = "one", .activity = "writes"}));
  const auto list = presence().list();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->at(0).occupation.activity, "writes");
  EXPECT_EQ(list->at(0).changed_us, list->at(0).since_us + 1000);
  EXPECT_EQ(list->at(1).occupation.step, "s");
  clock_.owners_dead.insert(2);
  EXPECT_EQ(presence().list()->size(), 1u);
  const size_t before = keys_.entries.size();
  const auto three = presence(3).enter({.agent = "three"});
  EXPECT_EQ(keys_.entries.size(), before);  // it has removed the dead
  ASSERT_TRUE(presence().leave(*three));
  ASSERT_TRUE(presence().leave(*three));
  EXPECT_EQ(presence().change(*three, {.agent = "x"}).code(), StatusCode::kNotFound);
  EXPECT_EQ(presence().enter({}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(presence().leave("x").code(), StatusCode::kInvalidArgument);
}

// Against plain models: a set of marks, and a queue for each mailbox.
class MailModelTest : public MailTest, public testing::WithParamInterface<uint32_t> {};

TEST_P(MailModelTest, MarksAreASetAndMailboxesAreQueues) {
  std::mt19937 random(GetParam());
  std::set<std::string> marks;
  std::map<std::string, std::vector<std::string>> boxes;
  for (int step = 0; step < 500; ++step) {
    const std::string key = std::to_string(random() % 30);
    const std::string name = "box" + std::to_string(random() % 3);
    switch (random() % 4) {
      case 0:
        EXPECT_EQ(*inbox().mark(key), marks.insert(key).second);
        break;
      case 1:
        EXPECT_EQ(inbox().unmark(key).is_ok(), marks.erase(key) == 1);
        break;
      case 2:
        ASSERT_TRUE(messages().send({.to = name, .body = std::to_string(step)}));
        boxes[name].push_back(std::to_string(step));
        break;
      default: {
        const size_t limit = 1 + random() % 5;
        const auto received = messages().receive(name, limit);
        auto& expected = boxes[name];
        ASSERT_EQ(received->size(), std::min(limit, expected.size()));
        for (const Message& message : *received) {
          EXPECT_EQ(message.body, expected.front());
          expected.erase(expected.begin());
        }
      }
    }
    EXPECT_EQ(*inbox().count(), marks.size());
    EXPECT_EQ(*messages().count(name), boxes[name].size());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MailModelTest, testing::Range(1u, 6u));

}  // namespace
}  // namespace holdfast::memory
