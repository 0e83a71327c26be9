#include "memory/parallel.h"

#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace holdfast::memory {
namespace {

struct Seen {
  std::vector<int> times;  // each thing was worked on
  std::set<std::thread::id> threads;
};

Seen work_on(size_t count, size_t part_min, size_t threads_max) {
  std::mutex mutex;
  Seen seen{.times = std::vector<int>(count), .threads = {}};
  for_each_part(count, part_min, threads_max, [&](size_t begin, size_t end) {
    const std::lock_guard lock(mutex);
    seen.threads.insert(std::this_thread::get_id());
    for (size_t i = begin; i < end; ++i) ++seen.times[i];
  });
  return seen;
}

TEST(ParallelTest, EachIsOfOneThread) {
  for (const size_t count : {0, 1, 63, 64, 127, 128, 129, 1'000}) {
    for (const size_t threads : {0, 1, 2, 3, 7}) {
      EXPECT_EQ(work_on(count, 64, threads).times, std::vector<int>(count, 1))
          << count << " by " << threads;
    }
  }
}

TEST(ParallelTest, FewAreOfTheCallersThread) {
  const std::set<std::thread::id> own = {std::this_thread::get_id()};
  EXPECT_EQ(work_on(127, 64, 8).threads, own);
  EXPECT_EQ(work_on(1'000, 64, 1).threads, own);
}

TEST(ParallelTest, ManyHaveAsManyThreadsAsThereMayBe) {
  EXPECT_EQ(work_on(1'000, 64, 4).threads.size(), 4u);
  EXPECT_EQ(work_on(192, 64, 4).threads.size(), 3u);
}

}  // namespace
}  // namespace holdfast::memory
