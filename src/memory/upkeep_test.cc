#include "memory/upkeep.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

namespace holdfast::memory {
namespace {

// A run that says when it begins, and ends when it is let go.
class HeldRun {
 public:
  Upkeep::Work work() {
    return [this](size_t) {
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
  std::atomic<size_t> told{0};
  {
    Upkeep upkeep(true);
    write(upkeep, 1, true, kNothing);
    write(upkeep, 1, true, held.work());
    held.wait_until_it_began();
    for (const size_t observations : {10, 20}) {
      write(upkeep, observations, true, [&](size_t) { ADD_FAILURE() << "beside another run"; });
    }
    held.let_go();
    while (told == 0)
      write(upkeep, 1, true, [&](size_t observations) {
        if (told == 0) told = observations;
      });
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
      write(upkeep, Upkeep::kBehindMax, true, [&](size_t) { ended_before = held.has_ended(); });
    });
    held.let_go();
    writer.join();
  }
  EXPECT_TRUE(ended_before);
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
