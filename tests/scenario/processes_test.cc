// Many real processes on one store: everything that each of them wrote is there, whole, and none
// of them ever sees "busy".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

std::string text_of(int writer, int number) {
  const std::string word = "w" + std::to_string(writer) + "n" + std::to_string(number);
  std::string text = "observation " + word + ":";
  for (int i = 0; i < 1 + number % 40; ++i) text += " " + word;
  return text + " end";
}

NewObservation observation_of(int writer, int number) {
  NewObservation observation;
  observation.content = text_of(writer, number);
  observation.source = "writer " + std::to_string(writer);
  observation.metadata = "{\"number\":" + std::to_string(number) + "}";
  return observation;
}

void add_observations(const std::string& path, int writer, int count) {
  auto store = Store::open(path);
  ASSERT_TRUE(store) << store.status().to_string();
  const Space space = *store->space("crowd");
  for (int number = 0; number < count; ++number) {
    const auto id = space.observations().add(observation_of(writer, number));
    ASSERT_TRUE(id) << id.status().to_string();
  }
  const Status closed = store->close();
  EXPECT_TRUE(closed) << closed.to_string();
}

// Every observation of every writer, once, as it was written.
void expect_observations(const std::string& path, int writers, int count) {
  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  ObservationListOptions options;
  options.limit = kObservationListLimitMax;
  auto list = space.observations().list(options);
  ASSERT_TRUE(list) << list.status().to_string();
  std::multiset<std::string> found;
  for (const Observation& observation : *list) {
    found.insert(*observation.source + *observation.metadata + observation.content);
  }
  std::multiset<std::string> expected;
  for (int writer = 0; writer < writers; ++writer) {
    for (int number = 0; number < count; ++number) {
      const NewObservation observation = observation_of(writer, number);
      expected.insert(*observation.source + *observation.metadata + observation.content);
    }
  }
  EXPECT_EQ(found.size(), static_cast<size_t>(writers) * count);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(*space.observations().count(), static_cast<uint64_t>(writers) * count);
  expect_sound(store);
}

// Starts `count` processes, lets them go at the same moment, and expects exit code 0 of each.
void run_crowd(int count, const std::function<void(int)>& body) {
  Gate gate;
  std::vector<ChildProcess> crowd;
  for (int i = 0; i < count; ++i) {
    crowd.push_back(ChildProcess::start([&, i] {
      gate.pass();
      body(i);
    }));
  }
  gate.open_for(count);
  for (ChildProcess& child : crowd) EXPECT_EQ(child.wait(), ChildProcess::kSuccess);
}

class ProcessesTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(ProcessesTest, ThreeProcessesOfAHundredObservationsLeaveExactlyThreeHundred) {
  { Store store = open_or_die(path_); }
  run_crowd(3, [&](int writer) { add_observations(path_, writer, 100); });
  expect_observations(path_, 3, 100);
}

TEST_F(ProcessesTest, ACrowdThatUsesOneStoreAfterAnotherLeavesNothingBehind) {
  for (int writer = 0; writer < 5; ++writer) {
    EXPECT_EQ(run_in_child([&] { add_observations(path_, writer, 4); }), ChildProcess::kSuccess);
  }
  expect_observations(path_, 5, 4);
  Store store = open_or_die(path_);
  EXPECT_EQ(store.stats()->processes, 1u);
}

class CrowdTest : public ProcessesTest, public testing::WithParamInterface<int> {};

TEST_P(CrowdTest, LosesNothing) {
  { Store store = open_or_die(path_); }
  const int count = std::max(3, 100 / GetParam());
  run_crowd(GetParam(), [&](int writer) { add_observations(path_, writer, count); });
  expect_observations(path_, GetParam(), count);
}

TEST_P(CrowdTest, OpensAStoreThatDoesNotExistYetAllAtOnce) {
  run_crowd(GetParam(), [&](int writer) { add_observations(path_, writer, 1); });
  expect_observations(path_, GetParam(), 1);
}

TEST_P(CrowdTest, OpensAStoreThatNeedsRecoveryAllAtOnce) {
  EXPECT_EQ(run_in_child([&] { add_observations(path_, 0, 2); }), ChildProcess::kSuccess);
  reboot(path_);
  Channel cold_starts;
  run_crowd(GetParam(), [&](int writer) {
    Store store = open_or_die(path_);
    if (store.recovery().cold) cold_starts.send("x");
    if (writer > 0) add_observations(path_, writer, 2);
  });
  EXPECT_EQ(cold_starts.receive_all(), "x");
  expect_observations(path_, GetParam(), 2);
}

TEST_P(CrowdTest, CountsTogetherWithoutLosingOne) {
  constexpr int kIncrements = 2;
  run_crowd(GetParam(), [&](int) {
    Store store = open_or_die(path_);
    for (int i = 0; i < kIncrements; ++i) {
      const auto version = store.update([](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto value, txn.get("counter"));
        return txn.put("counter", std::to_string(value ? std::stoi(*value) + 1 : 1));
      });
      ASSERT_TRUE(version) << version.status().to_string();
    }
  });
  Store store = open_or_die(path_);
  EXPECT_EQ(store.get("counter")->value(), std::to_string(GetParam() * kIncrements));
  expect_sound(store);
}

INSTANTIATE_TEST_SUITE_P(Processes, CrowdTest, testing::Values(10, 20, 50, 100),
                         testing::PrintToStringParamName());

// Readers check every byte of what they see, all the time, while writers write.
class ReadersBesideWritersTest : public ProcessesTest {
 protected:
  // Reads until the writers are done: whole rows only, none of them gone again, and of each writer
  // a beginning of its sequence, because each commit is a row.
  static void read_all_the_time(Store& store, Channel& done) {
    const Space space = *store.space("crowd");
    std::map<std::string, int> seen;
    ObservationListOptions options;
    options.limit = kObservationListLimitMax;
    options.newest_first = false;
    for (bool last = false; !last;) {
      last = done.has_ended();
      auto list = space.observations().list(options);
      ASSERT_TRUE(list) << list.status().to_string();
      std::map<std::string, std::set<int>> numbers;
      for (const Observation& row : *list) {
        const int writer = std::stoi(row.source->substr(std::string("writer ").size()));
        const int number = std::stoi(row.metadata->substr(std::string("{\"number\":").size()));
        ASSERT_EQ(row.content, text_of(writer, number));
        ASSERT_TRUE(numbers[*row.source].insert(number).second) << row.content;
      }
      for (const auto& [writer, of_writer] : numbers) {
        ASSERT_EQ(*of_writer.rbegin() + 1, static_cast<int>(of_writer.size())) << writer;
        ASSERT_GE(static_cast<int>(of_writer.size()), seen[writer]) << writer;
        seen[writer] = static_cast<int>(of_writer.size());
      }
      for (const auto& [writer, count] : seen) ASSERT_EQ(numbers[writer].size(), count) << writer;
    }
  }

  void run(int writers, int readers, int count) {
    { Store store = open_or_die(path_); }
    Gate gate;
    Channel done;  // ends with the last writer
    std::vector<ChildProcess> all;
    for (int i = 0; i < readers; ++i) {
      all.push_back(ChildProcess::start([&] {
        done.close_sending();
        Store store = open_or_die(path_);
        gate.pass();
        read_all_the_time(store, done);
      }));
    }
    for (int writer = 0; writer < writers; ++writer) {
      all.push_back(ChildProcess::start([&, writer] {
        gate.pass();
        add_observations(path_, writer, count);
      }));
    }
    done.close_sending();
    gate.open_for(readers + writers);
    for (ChildProcess& child : all) EXPECT_EQ(child.wait(), ChildProcess::kSuccess);
    expect_observations(path_, writers, count);
  }
};

TEST_F(ReadersBesideWritersTest, AReaderSeesWholeRowsOfOneWriter) {
  run(1, 1, 150);
}

TEST_F(ReadersBesideWritersTest, ReadersSeeWholeRowsOfManyWriters) {
  run(4, 3, 50);
}

TEST_F(ReadersBesideWritersTest, ATransactionOfManyRowsIsSeenWholeOrNotAtAll) {
  { Store store = open_or_die(path_); }
  constexpr int kRows = 40;
  Gate gate;
  Channel done;
  std::vector<ChildProcess> all;
  for (int i = 0; i < 2; ++i) {
    all.push_back(ChildProcess::start([&] {
      done.close_sending();
      Store store = open_or_die(path_);
      gate.pass();
      for (bool last = false; !last;) {
        last = done.has_ended();
        const auto rows = contents(store);
        if (rows.empty()) continue;
        ASSERT_EQ(rows.size(), kRows);
        for (const auto& [key, value] : rows) ASSERT_EQ(value, rows.begin()->second) << key;
      }
    }));
  }
  all.push_back(ChildProcess::start([&] {
    Store store = open_or_die(path_);
    gate.pass();
    for (int round = 0; round < 100; ++round) {
      Transaction txn = std::move(*store.begin());
      const std::string value(100 + round * 7 % 900, static_cast<char>('a' + round % 26));
      for (int row = 0; row < kRows; ++row) {
        ASSERT_TRUE(txn.put("row" + std::to_string(row), value));
      }
      const auto version = txn.commit();
      ASSERT_TRUE(version) << version.status().to_string();
    }
  }));
  done.close_sending();
  gate.open_for(3);
  for (ChildProcess& child : all) EXPECT_EQ(child.wait(), ChildProcess::kSuccess);
}

}  // namespace
}  // namespace holdfast
