#include "memory/upkeep.h"

#include <gtest/gtest.h>

#include <future>
#include <new>
#include <thread>
#include <vector>

#include "support/no_threads.h"

namespace holdfast::memory {
namespace {

// A run that says when it begins, and ends when it is let go; later ones end at once.
class HeldRun {
 public:
  Upkeep::Work work() {
    return [this](size_t) {
      if (has_ended_) return;
      began_.set_value(std::this_thread::get_id());
      let_go_.get_future().wait();
      has_ended_ = true;
    };
  }
  std::thread::id wait_until_it_began() { return began_.get_future().get(); }
  void let_go() { let_go_.set_value(); }
  bool has_ended() const { return has_ended_; }

 private:
  std::promise<std::thread::id> began_;
  std::promise<void> let_go_;
  std::atomic<bool> has_ended_{false};
};

// As who has written so many does.
void write(Upkeep& upkeep, size_t observations, bool is_time, const Upkeep::Work& work) {
  const bool is_enough = upkeep.count(observations);
  if (is_enough || is_time) upkeep.run(work);
}

const Upkeep::Work kNothing = [](size_t) {};

TEST(UpkeepTest, TheFirstRunIsOfTheCallersThread) {
  Upkeep upkeep(true);
  std::thread::id by;
  write(upkeep, 1, true, [&](size_t) { by = std::this_thread::get_id(); });
  EXPECT_EQ(by, std::this_thread::get_id());
}

TEST(UpkeepTest, ThereIsARunWhenEnoughWasWritten) {
  Upkeep upkeep(false);
  std::vector<size_t> told;
  const auto work = [&](size_t observations) { told.push_back(observations); };
  for (size_t i = 0; i < 2 * Upkeep::kEnough; ++i) write(upkeep, 1, false, work);
  write(upkeep, 1, true, work);
  write(upkeep, 10 * Upkeep::kEnough, false, work);
  EXPECT_EQ(told, (std::vector<size_t>{Upkeep::kEnough, Upkeep::kEnough, 1, 640}));
}

TEST(UpkeepTest, LaterRunsAreOfAnotherThread) {
  HeldRun held;
  Upkeep upkeep(true);
  write(upkeep, 1, true, kNothing);
  write(upkeep, 1, true, held.work());  // returns though it has not been let go
  EXPECT_NE(held.wait_until_it_began(), std::this_thread::get_id());
  held.let_go();
}

TEST(UpkeepTest, EveryRunIsTheCallersOwnWithoutThreads) {
  Upkeep upkeep(false);
  std::vector<std::thread::id> by;
  for (int i = 0; i < 3; ++i) {
    write(upkeep, 1, true, [&](size_t) { by.push_back(std::this_thread::get_id()); });
  }
  EXPECT_EQ(by, std::vector(3, std::this_thread::get_id()));
}

TEST(UpkeepTest, WhatIsWrittenBesideItIsToldToTheNextThread) {
  HeldRun held;
  const auto first = held.work();
  std::atomic<bool> is_first{true};
  std::atomic<size_t> told{0};  // to the run after the one that is held, whosever it is
  const auto note = [&](size_t observations) {
    size_t none = 0;
    told.compare_exchange_strong(none, observations);
  };
  {
    Upkeep upkeep(true);
    write(upkeep, 1, true, kNothing);
    write(upkeep, 1, true, [&](size_t observations) {
      if (is_first.exchange(false)) return first(observations);
      note(observations);
    });
    held.wait_until_it_began();
    for (const size_t observations : {10, 20}) {
      write(upkeep, observations, true, [&](size_t) { ADD_FAILURE() << "beside another run"; });
    }
    held.let_go();
    while (told == 0) write(upkeep, 1, true, note);
  }
  EXPECT_GE(told, 31u);
}

TEST(UpkeepTest, WhoIsFarAheadWaitsForTheThread) {
  HeldRun held;
  bool ended_before = false;
  {
    Upkeep upkeep(true);
    write(upkeep, 1, true, kNothing);
    write(upkeep, 1, true, held.work());
    held.wait_until_it_began();
    std::thread writer([&] {
      write(upkeep, Upkeep::kBehindMax, true, kNothing);
      ended_before = held.has_ended();
    });
    held.let_go();
    writer.join();
  }
  EXPECT_TRUE(ended_before);
}

TEST(UpkeepTest, HoweverManyAreFarAheadAllWait) {
  HeldRun held;
  std::atomic<int> counted{0};
  std::atomic<int> ended_before{0};
  {
    Upkeep upkeep(true);
    write(upkeep, 1, true, kNothing);
    write(upkeep, 1, true, held.work());
    held.wait_until_it_began();
    std::vector<std::thread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&] {
        const bool is_enough = upkeep.count(Upkeep::kBehindMax);
        ++counted;
        if (is_enough) upkeep.run(kNothing);
        ended_before += held.has_ended();
      });
    }
    while (counted < 4) std::this_thread::yield();
    held.let_go();
    for (std::thread& writer : writers) writer.join();
  }
  EXPECT_EQ(ended_before, 4);
}

TEST(UpkeepTest, WhatIsWrittenBesideTheLastRunIsNotLeft) {
  HeldRun held;
  const auto first = held.work();
  std::atomic<int> runs{0};
  std::promise<size_t> told;
  Upkeep upkeep(true);
  write(upkeep, 1, true, kNothing);
  write(upkeep, 1, true, [&](size_t observations) {
    if (runs++ == 0) return first(observations);
    told.set_value(observations);
  });
  held.wait_until_it_began();
  write(upkeep, Upkeep::kEnough, true, [](size_t) { ADD_FAILURE() << "beside another run"; });
  held.let_go();
  EXPECT_EQ(told.get_future().get(), Upkeep::kEnough);  // and nobody writes any more
}

TEST(UpkeepTest, WhereNoThreadIsToBeHadTheCallerDoesIt) {
  const NoThreads none;
  Upkeep upkeep(true);
  std::vector<std::thread::id> by;
  for (int i = 0; i < 3; ++i) {
    write(upkeep, 1, true, [&](size_t) { by.push_back(std::this_thread::get_id()); });
  }
  EXPECT_EQ(by, std::vector(3, std::this_thread::get_id()));
}

TEST(UpkeepTest, WhatARunThrowsReachesNobody) {
  std::atomic<int> runs{0};
  {
    Upkeep upkeep(true);
    for (int i = 0; i < 3; ++i) {
      write(upkeep, Upkeep::kBehindMax, true, [&](size_t) {
        ++runs;
        throw std::bad_alloc();
      });
    }
  }
  EXPECT_GE(runs, 2);
}

TEST(UpkeepTest, ItOutlivesItsThread) {
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i) {
    Upkeep upkeep(true);
    write(upkeep, 1, true, [&](size_t) { ++ended; });
    write(upkeep, 1, true, [&](size_t) { ++ended; });
  }
  EXPECT_EQ(ended, 200);
}

}  // namespace
}  // namespace holdfast::memory
