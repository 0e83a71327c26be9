#include "store/spilled_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using SpilledModel = std::map<std::string, std::string>;

// Runs of rows, some of whose keys several runs have; the newest counts.
class SpilledRowsTest : public testing::Test {
 protected:
  SpilledRowsTest() { EXPECT_TRUE(machine_.os().make_directories("/d")); }
  Status add(SpilledRows& spilled, uint32_t seed, int rows, size_t size) {
    std::mt19937 random(seed);
    SpilledModel run;
    for (int i = 0; i < rows; ++i) {
      run["key" + std::to_string(random() % 5000)] =
          std::string(size, static_cast<char>('a' + (seed + random()) % 26));
    }
    std::vector<tree::Operation> operations;
    for (const auto& [key, value] : run) {
      operations.push_back({key, value});
      all_[key] = value;
    }
    return spilled.add(operations);
  }
  Status merge(SpilledRows& spilled, SpilledModel& rows) {
    while (true) {
      HOLDFAST_ASSIGN(const auto row, spilled.next());
      if (!row) return Status::ok();
      EXPECT_TRUE(rows.emplace(row->key, *row->value).second) << "twice";
    }
  }

  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  SpilledModel all_;
};

TEST_F(SpilledRowsTest, RunsOfAnySizeAreMergedInTheOrderOfTheirKeys) {
  for (const size_t size : {size_t{5}, size_t{900}, size_t{70'000}}) {
    all_.clear();
    SpilledRows spilled(os_, "/d/spilled");
    EXPECT_TRUE(spilled.empty());
    for (const int rows : {1, 300, 2, 700}) {
      ASSERT_TRUE(
          add(spilled, static_cast<uint32_t>(rows), size > 1000 ? rows / 20 + 1 : rows, size));
    }
    SpilledModel rows;
    ASSERT_TRUE(merge(spilled, rows));
    EXPECT_EQ(rows, all_);
  }
}

// Every byte that the disk gives otherwise, and every place where the file may end.
TEST_F(SpilledRowsTest, WhatIsNotReadBackAsItWasWrittenIsToldOf) {
  uint64_t end = 0;
  for (uint64_t step = 0; step == 0 || step < end; step += 61) {
    for (const bool cuts : {false, true}) {
      all_.clear();
      SpilledRows spilled(os_, "/d/spilled");
      for (const uint32_t seed : {1u, 2u}) ASSERT_TRUE(add(spilled, seed, 40, 20));
      auto file = std::move(*machine_.os().open("/d/spilled", os::OpenMode::kReadWrite));
      end = (*file->info()).size_bytes;
      if (cuts) {
        ASSERT_TRUE(file->truncate(step));
      } else {
        machine_.flip("/d/spilled", step);
      }
      SpilledModel rows;
      const Status merged = merge(spilled, rows);
      EXPECT_EQ(merged.code(), StatusCode::kCorruption) << step << " " << merged.to_string();
      for (const auto& [key, value] : rows) EXPECT_EQ(all_[key], value);
    }
  }
  EXPECT_GT(end, 1000u);
}

TEST_F(SpilledRowsTest, EachErrorOfTheDiskIsTold) {
  for (int step = 1, count = step; count >= step; ++step) {
    count = 0;
    os_.fault = [&](const Attempt&) {
      return ++count == step ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
    };
    SpilledRows spilled(os_, "/d/spilled");
    Status status = add(spilled, 1, 600, 400);
    if (status) status = add(spilled, 2, 600, 400);
    SpilledModel rows;
    if (status) status = merge(spilled, rows);
    EXPECT_EQ(status.code(), count >= step ? StatusCode::kIoError : StatusCode::kOk) << step;
    os_.fault = nullptr;
  }
}

}  // namespace
}  // namespace holdfast::store
