// Processes that append to one stream, and consume it, and are really killed: no event is lost,
// each has one number, each is dealt with once, and the chain holds.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

class EventsScenario : public testing::Test {
 protected:
  static constexpr int kAppenders = 14;
  static constexpr int kEach = 150;

  // Appends from the number its predecessor got to, which it finds in the store: the count is
  // written with the event.
  void append(int writer) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    const std::string counter = "appended/" + std::to_string(writer);
    while (true) {
      bool is_done = false;
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto count, txn.get(counter));
        const int64_t done = count ? decode_number(*count).value_or(0) : 0;
        is_done = done == kEach;
        if (is_done) return Status::ok();
        HOLDFAST_TRY(txn.add(counter, 1));
        return space.events(txn)
            .stream("log")
            .append({.type = std::to_string(writer), .data = std::to_string(done)})
            .status();
      });
      ASSERT_TRUE(version) << version.status().to_string();
      if (is_done) return;
      told_.send("x");
    }
  }
  void consume() {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (bool is_done = false; !is_done;) {
      const auto version = store.update([&](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto page, space.events(txn).stream("log").consume("sum", 20));
        for (const Event& event : page.events) {
          HOLDFAST_TRY(txn.add("consumed/" + event.type + "/" + event.data, 1));
        }
        is_done = page.next == kAppenders * kEach + 1;
        return Status::ok();
      });
      ASSERT_TRUE(version) << version.status().to_string();
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel told_;
};

TEST_F(EventsScenario, SixteenAppendAndConsumeAndNothingIsLostOrDoneTwice) {
  constexpr int kDeaths = 10;
  std::vector<ChildProcess> appenders;
  std::vector<ChildProcess> consumers;
  for (int i = 0; i < kAppenders; ++i) {
    appenders.push_back(ChildProcess::start([&, i] { append(i); }));
  }
  for (int i = 0; i < 2; ++i) consumers.push_back(ChildProcess::start([&] { consume(); }));
  for (int death = 0; death < kDeaths; ++death) {
    ASSERT_TRUE(told_.receive(60));
    ChildProcess& victim = death % 3 == 2 ? consumers[0] : appenders[static_cast<size_t>(death)];
    victim.kill();
    victim.wait();
    victim = death % 3 == 2 ? ChildProcess::start([&] { consume(); })
                            : ChildProcess::start([&, death] { append(death); });
  }
  told_.close_sending();
  for (ChildProcess& process : appenders) EXPECT_EQ(process.wait(), ChildProcess::kSuccess);
  for (ChildProcess& process : consumers) EXPECT_EQ(process.wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  const EventStream log = store.space("crew")->events().stream("log");
  const auto page = log.read({.limit = kEventReadMax});
  ASSERT_EQ(page->events.size(), size_t{kAppenders * kEach});
  std::map<std::string, int> next;
  for (size_t i = 0; i < page->events.size(); ++i) {
    const Event& event = page->events[i];
    EXPECT_EQ(event.number, i + 1);
    EXPECT_EQ(event.data, std::to_string(next[event.type]++)) << "of writer " << event.type;
    const auto count = store.get("consumed/" + event.type + "/" + event.data);
    ASSERT_TRUE(count && *count) << event.number;
    EXPECT_EQ(decode_number(**count), 1) << event.number;
  }
  const auto verified = log.verify();
  ASSERT_TRUE(verified) << verified.status().to_string();
  EXPECT_GE(verified->seals, 4u);
  expect_sound(store);
}

TEST_F(EventsScenario, ATailWakesWhenAnotherProcessAppends) {
  {
    Store store = open_or_die(path_);
    ASSERT_TRUE(store.space("crew")->events().stream("log").append({.data = "before"}));
  }
  Gate gate;
  constexpr int kEvents = 50;
  ChildProcess follower = ChildProcess::start([&] {
    Store store = open_or_die(path_);
    auto tail = store.space("crew")->events().stream("log").tail();
    ASSERT_TRUE(tail);
    gate.pass();
    for (int seen = 0; seen < kEvents;) {
      const auto page = tail->wait(milliseconds(60'000));
      ASSERT_TRUE(page) << page.status().to_string();
      ASSERT_FALSE(page->events.empty());
      for (const Event& event : page->events) EXPECT_EQ(event.data, std::to_string(seen++));
    }
  });
  gate.open_for(1);
  Store store = open_or_die(path_);
  for (int i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(store.space("crew")->events().stream("log").append({.data = std::to_string(i)}));
  }
  EXPECT_EQ(follower.wait(), ChildProcess::kSuccess);
}

TEST_F(EventsScenario, RetentionRunsBesideAppendersAndTheChainHolds) {
  constexpr size_t kProcesses = 16;
  constexpr size_t kDeaths = 6;
  constexpr size_t kTimes = 120;
  const auto work = [&] {
    Store store = open_or_die(path_);
    const EventStream log = store.space("crew")->events().stream("log");
    ASSERT_TRUE(log.retain({.count = 100}));
    for (size_t k = 0; k < kTimes; ++k) {
      ASSERT_TRUE(log.append({.data = "x"}));
      told_.send("x");
      if (k % 16 != 0) continue;
      const auto verified = log.verify();
      ASSERT_TRUE(verified) << verified.status().to_string();
    }
  };
  std::vector<ChildProcess> crew;
  for (size_t i = 0; i < kProcesses; ++i) crew.push_back(ChildProcess::start(work));
  for (size_t death = 0; death < kDeaths; ++death) {
    ASSERT_TRUE(told_.receive(60));
    crew[death].kill();
    crew[death].wait();
  }
  told_.close_sending();
  for (size_t i = kDeaths; i < kProcesses; ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);
  const size_t told = 60 * kDeaths + told_.receive_all().size();
  Store store = open_or_die(path_);
  const EventStream log = store.space("crew")->events().stream("log");
  while (*log.trim() > 0) {
  }
  const auto info = log.info();
  // Of each that was killed one event may be there that it did not live to tell.
  EXPECT_GE(info->next, told + 1);
  EXPECT_LE(info->next, told + 1 + kDeaths);
  EXPECT_EQ(info->next - info->first, 100u);
  EXPECT_TRUE(log.verify());
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
