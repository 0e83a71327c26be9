// Writers that are really killed, again and again, at moments nobody chose for them. What was
// acknowledged is noted outside the store, before the next transaction begins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstring>
#include <random>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr int kParts = 3;

struct Acknowledged {
  uint32_t writer;
  uint32_t number;
  uint64_t version;
};

std::string key_of(uint32_t writer, uint32_t number, int part) {
  char key[64];
  std::snprintf(key, sizeof(key), "w%02u/%06u/%d", writer, number, part);
  return key;
}

// Sometimes larger than a page, so that overflow pages are written and given back, too.
std::string value_of(uint32_t writer, uint32_t number, int part) {
  std::string value = key_of(writer, number, part);
  const size_t size = number % 17 == 0 ? 3000 : 20 + (writer * 31 + number * 7 + part * 13) % 200;
  while (value.size() < size) value += static_cast<char>('a' + (number + value.size()) % 26);
  return value;
}

std::string last_key(uint32_t writer) {
  return "last/" + std::to_string(writer);
}

Result<uint64_t> number_at(Reader& reader, const std::string& key) {
  HOLDFAST_ASSIGN(const auto value, reader.get(key));
  return value ? std::stoull(*value) : 0;
}

// One transaction: parts that belong together, the writer's last number, a sum over all writers,
// and the removal of an older one.
Status write_number(Transaction& txn, uint32_t writer, uint32_t number) {
  for (int part = 0; part < kParts; ++part) {
    HOLDFAST_TRY(txn.put(key_of(writer, number, part), value_of(writer, number, part)));
    if (number > 5 && number % 2 == 0) HOLDFAST_TRY(txn.del(key_of(writer, number - 5, part)));
  }
  HOLDFAST_TRY(txn.put(last_key(writer), std::to_string(number)));
  HOLDFAST_ASSIGN(const uint64_t sum, number_at(txn, "sum"));
  return txn.put("sum", std::to_string(sum + 1));
}

bool removed(uint32_t number, uint32_t last) {
  return number % 2 == 1 && number + 5 <= last;
}

// Goes on where its predecessor was killed; until it is killed, too.
void write_until_killed(const std::string& path, Durability durability, uint32_t writer,
                        Channel& ledger) {
  StoreOptions options;
  options.durability = durability;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 64u << 10;
  auto store = Store::open(path, options);
  ASSERT_TRUE(store) << store.status().to_string();
  while (true) {
    uint64_t number = 0;
    // The number is read in the transaction: what its predecessor had written into the log when it
    // was killed, but not yet announced, may take effect until then.
    const auto version = store->update([&](Transaction& txn) -> Status {
      HOLDFAST_ASSIGN(number, number_at(txn, last_key(writer)));
      ++number;
      return write_number(txn, writer, static_cast<uint32_t>(number));
    });
    ASSERT_TRUE(version) << version.status().to_string();
    const Acknowledged line{writer, static_cast<uint32_t>(number), *version};
    ledger.send({reinterpret_cast<const char*>(&line), sizeof(line)});
  }
}

// Everything of the ledger is there, everything there is whole, and it all adds up.
void verify(Store& store, const std::vector<Acknowledged>& ledger, uint32_t writers) {
  expect_sound(store);
  Transaction reader = std::move(*store.begin());
  auto rows = contents(reader);
  std::map<uint32_t, uint64_t> last;
  uint64_t sum = 0;
  for (uint32_t writer = 0; writer < writers; ++writer) {
    last[writer] = *number_at(reader, last_key(writer));
    sum += last[writer];
    for (uint32_t number = 1; number <= last[writer]; ++number) {
      for (int part = 0; part < kParts; ++part) {
        const auto row = rows.find(key_of(writer, number, part));
        if (removed(number, static_cast<uint32_t>(last[writer]))) {
          EXPECT_EQ(row, rows.end()) << "not removed: " << key_of(writer, number, part);
          continue;
        }
        ASSERT_NE(row, rows.end()) << "lost: " << key_of(writer, number, part);
        EXPECT_EQ(row->second, value_of(writer, number, part));
        rows.erase(row);
      }
    }
    rows.erase(last_key(writer));
  }
  EXPECT_EQ(*number_at(reader, "sum"), sum);
  rows.erase("sum");
  EXPECT_THAT(rows, testing::IsEmpty()) << "torn: part of a transaction that is not there";
  EXPECT_EQ(reader.version(), sum) << "each version is one transaction";
  std::set<uint64_t> versions;
  for (const Acknowledged& line : ledger) {
    EXPECT_LE(line.number, last[line.writer]) << "lost: of writer " << line.writer;
    EXPECT_LE(line.version, sum);
    EXPECT_TRUE(versions.insert(line.version).second) << "version given twice: " << line.version;
  }
}

void spin_us(uint64_t duration_us) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(duration_us);
  while (std::chrono::steady_clock::now() < end) {
  }
}

class KillTest : public testing::TestWithParam<Durability> {
 protected:
  KillTest() {
    const char* given = std::getenv("HOLDFAST_SEED");
    seed_ = given != nullptr ? static_cast<uint32_t>(std::stoul(given)) : std::random_device()();
    random_.seed(seed_);
    RecordProperty("seed", std::to_string(seed_));
  }
  ~KillTest() override {
    if (HasFailure()) std::printf("repeat with HOLDFAST_SEED=%u\n", seed_);
  }

  void start_writer(uint32_t writer) {
    auto child = ChildProcess::start(
        [&, writer] { write_until_killed(path_, GetParam(), writer, ledger_pipe_); });
    if (writer < writers_.size()) {
      writers_[writer] = std::move(child);
    } else {
      writers_.push_back(std::move(child));
    }
  }
  void read_ledger(uint64_t lines) {
    for (uint64_t i = 0; i < lines; ++i) {
      Acknowledged line;
      std::memcpy(&line, ledger_pipe_.receive(sizeof(line))->data(), sizeof(line));
      ledger_.push_back(line);
    }
  }
  // At a random moment of whatever it is doing.
  void kill_writer(uint32_t writer) {
    spin_us(random_() % 400);
    writers_[writer].kill();
    EXPECT_EQ(writers_[writer].wait(), (ChildProcess::End{-1, SIGKILL}));
  }
  void read_rest_of_ledger() {
    const std::string rest = ledger_pipe_.receive_all();
    for (size_t at = 0; at + sizeof(Acknowledged) <= rest.size(); at += sizeof(Acknowledged)) {
      Acknowledged line;
      std::memcpy(&line, rest.data() + at, sizeof(line));
      ledger_.push_back(line);
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Channel ledger_pipe_;
  std::vector<ChildProcess> writers_;
  std::vector<Acknowledged> ledger_;
  uint32_t seed_ = 0;
  std::mt19937 random_;
};

TEST_P(KillTest, WritersKilledAtRandomMomentsLoseAndTearNothing) {
  constexpr uint32_t kWriters = 4;
  for (uint32_t writer = 0; writer < kWriters; ++writer) start_writer(writer);
  for (int kills = 0; kills < 30; ++kills) {
    read_ledger(1 + random_() % 12);
    const uint32_t victim = random_() % kWriters;
    kill_writer(victim);
    start_writer(victim);
  }
  for (uint32_t writer = 0; writer < kWriters; ++writer) kill_writer(writer);
  read_rest_of_ledger();
  {
    Store store = open_or_die(path_);
    EXPECT_FALSE(store.recovery().cold);
    verify(store, ledger_, kWriters);
  }
  reboot(path_);
  Store store = open_or_die(path_);
  EXPECT_TRUE(store.recovery().cold);
  verify(store, ledger_, kWriters);
}

TEST_P(KillTest, AllWritersKilledAtOnceAreRecoveredFromTheLogAlone) {
  constexpr uint32_t kWriters = 3;
  for (int round = 0; round < 4; ++round) {
    for (uint32_t writer = 0; writer < kWriters; ++writer) start_writer(writer);
    read_ledger(5 + random_() % 30);
    spin_us(random_() % 400);
    for (ChildProcess& writer : writers_) writer.kill();
    for (ChildProcess& writer : writers_) writer.wait();
    reboot(path_);
  }
  read_rest_of_ledger();
  Store store = open_or_die(path_);
  verify(store, ledger_, kWriters);
}

TEST_P(KillTest, ARecoveryKilledAtAnyMomentIsDoneByTheNext) {
  start_writer(0);
  read_ledger(60);
  kill_writer(0);
  read_rest_of_ledger();
  for (int round = 0; round < 12; ++round) {
    reboot(path_);
    Channel started;
    ChildProcess child = ChildProcess::start([&] {
      started.send("x");
      Store store = open_or_die(path_);
      started.send("x");
    });
    (void)started.receive(1);
    spin_us(random_() % 6000);
    child.kill();
    child.wait();
  }
  Store store = open_or_die(path_);
  verify(store, ledger_, 1);
}

TEST_P(KillTest, ACreationKilledAtAnyMomentIsDoneByTheNext) {
  for (int round = 0; round < 12; ++round) {
    const std::string path = directory_.path_of("new" + std::to_string(round));
    Channel started;
    ChildProcess child = ChildProcess::start([&] {
      started.send("x");
      Store store = open_or_die(path);
      EXPECT_TRUE(store.put("key", "value"));
      started.send("!");
    });
    (void)started.receive(1);
    spin_us(random_() % 6000);
    child.kill();
    child.wait();
    const bool acknowledged = started.receive_all() == "!";
    Store store = open_or_die(path);
    const auto value = store.get("key");
    ASSERT_TRUE(value) << value.status().to_string();
    EXPECT_TRUE(*value || !acknowledged) << "lost";
    EXPECT_EQ(value->value_or("value"), "value");
    expect_sound(store);
  }
}

INSTANTIATE_TEST_SUITE_P(Durabilities, KillTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast
