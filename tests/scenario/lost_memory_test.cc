// Files that are cut while processes have them mapped: errors, not the end of the process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "holdfast/diff.h"
#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::HasSubstr;

// Rows of 500 bytes on more than 4 MiB (Os::read_first_bytes_max): the rest of them is mapped.
constexpr int kMorePagesThanAreReadFirst = 15'000;

class LostMemoryTest : public testing::TestWithParam<Durability> {
 protected:
  static StoreOptions options() {
    StoreOptions options;
    options.durability = GetParam();
    options.helper_thread = false;
    options.guard_mappings = true;
    options.deadline = std::chrono::milliseconds(2000);
    return options;
  }
  // Keys 0 to 999, or as many as said, in a checkpoint.
  void fill(int count = 1000) const {
    Store store = open_or_die(path_, options());
    ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
      for (int i = 0; i < count; ++i) HOLDFAST_TRY(txn.put(std::to_string(i), value_));
      return Status::ok();
    }));
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.close());
  }
  void cut(const std::string& file, off_t size) const {
    EXPECT_EQ(run_in_child([&] { ASSERT_EQ(::truncate((path_ + file).c_str(), size), 0); }),
              ChildProcess::kSuccess);
  }
  static void expect_refused(Store& store, const std::string& file) {
    for (const Status& status :
         {store.get("1").status(), store.put("1", "x").status(), store.snapshot().status(),
          store.begin().status(), store.flush(), store.checkpoint(), store.stats().status(),
          store.check().status()}) {
      EXPECT_EQ(status.code(), StatusCode::kIoError) << status.to_string();
      EXPECT_THAT(status.path(), HasSubstr(file)) << status.to_string();
      EXPECT_THAT(std::string(status.message()), HasSubstr("open the store again"));
    }
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  const std::string value_ = std::string(500, 'v');
};

TEST_P(LostMemoryTest, ReadersOfDataThatIsCutGetAnErrorAndNoWrongAnswer) {
  fill(kMorePagesThanAreReadFirst);
  EXPECT_EQ(run_in_child([&] {
              Store store = open_or_die(path_, options());
              Snapshot snapshot = std::move(*store.snapshot());
              int before = 0;
              for (Cursor c = snapshot.scan(KeyRange::all()); c.valid(); c.next()) ++before;
              ASSERT_EQ(before, kMorePagesThanAreReadFirst);
              cut("/data", 8192);
              Cursor cursor = snapshot.scan(KeyRange::all());
              while (cursor.valid()) cursor.next();
              EXPECT_EQ(cursor.status().code(), StatusCode::kIoError);
              EXPECT_THAT(std::string(cursor.status().message()), HasSubstr("of the data file"));
              EXPECT_EQ(snapshot.get("1").status().code(), StatusCode::kIoError);
              expect_refused(store, "/data");
            }),
            ChildProcess::kSuccess);
}

TEST_P(LostMemoryTest, WhoeverUsesAControlBlockThatIsCutStopsAndTheNextOpeningHasAllThatWasSaid) {
  for (const off_t size : {off_t{0}, off_t{4096}, off_t{65536}}) {
    const std::string key = "before" + std::to_string(size);
    EXPECT_EQ(run_in_child([&] {
                Store store = open_or_die(path_, options());
                Store other = open_or_die(path_, options());
                ASSERT_TRUE(store.put(key, "1"));
                cut("/shm", size);
                (void)store.put("during", "x");
                (void)other.put("during", "y");
                (void)store.get(key);
                (void)other.get(key);
                expect_refused(store, "/shm");
                expect_refused(other, "/shm");
                // Who has it open has to let go first.
                EXPECT_FALSE(Store::open(path_, options()));
                (void)store.close();
                (void)other.close();
                Store again = open_or_die(path_, options());
                EXPECT_TRUE(again.recovery().cold);
                EXPECT_EQ(*again.get(key), "1");
                EXPECT_TRUE(again.put("after", "2"));
                expect_sound(again);
              }),
              ChildProcess::kSuccess)
        << size;
  }
}

TEST_P(LostMemoryTest, ADiffOfDataThatIsCutIsAnError) {
  fill();
  EXPECT_EQ(run_in_child([&] {
              Store store = open_or_die(path_, options());
              Snapshot before = std::move(*store.snapshot());
              for (int i = 0; i < 1000; ++i) ASSERT_TRUE(store.put(std::to_string(i), "new"));
              Snapshot after = std::move(*store.snapshot());
              Diff diff = std::move(*Diff::between(before, after));
              ASSERT_TRUE(diff.valid());
              cut("/data", 8192);
              while (diff.valid()) diff.next();
              EXPECT_EQ(diff.status().code(), StatusCode::kIoError) << diff.status().to_string();
            }),
            ChildProcess::kSuccess);
}

// Written to, the file would be as long as before, with zeros in place of what was cut off.
TEST_P(LostMemoryTest, DataThatIsCutIsNotWrittenToAndMadeUpForFromTheLog) {
  fill();
  const std::string data = path_ + "/data";
  for (const bool guarded : {false, true}) {
    SCOPED_TRACE(guarded ? "guarded" : "not guarded");
    EXPECT_EQ(run_in_child([&] {
                StoreOptions with = options();
                with.guard_mappings = guarded;
                Store store = open_or_die(path_, with);
                const std::string key = guarded ? "1" : "0";
                ASSERT_TRUE(store.put("before" + key, "1"));
                // Free pages and what is newer than the checkpoint: what a cold start makes anew.
                const auto size = std::filesystem::file_size(data) - 4096;
                cut("/data", static_cast<off_t>(size));
                (void)store.put("during" + key, "1");
                const Status flushed = store.flush();
                EXPECT_TRUE(flushed.code() == StatusCode::kCorruption ||
                            flushed.code() == StatusCode::kReadOnly)
                    << flushed.to_string();
                EXPECT_EQ(store.put("more" + key, "1").status().code(), StatusCode::kReadOnly);
                EXPECT_EQ(std::filesystem::file_size(data), size);
                (void)store.close();
                Store again = open_or_die(path_, with);
                EXPECT_TRUE(again.recovery().cold);
                EXPECT_EQ(*again.get("before" + key), "1");
                EXPECT_EQ(*again.get("999"), value_);
                ASSERT_TRUE(again.put("after" + key, "1"));
                expect_sound(again);
              }),
              ChildProcess::kSuccess);
  }
}

// Nothing faults then: all who have it mapped see zeros.
TEST_P(LostMemoryTest, AControlBlockThatIsCutAndAsLongAgainIsNoticedWithoutAGuardToo) {
  const std::string shm = path_ + "/shm";
  for (const bool guarded : {false, true}) {
    SCOPED_TRACE(guarded ? "guarded" : "not guarded");
    const std::string key = guarded ? "1" : "0";
    EXPECT_EQ(run_in_child([&] {
                StoreOptions with = options();
                with.guard_mappings = guarded;
                Store store = open_or_die(path_, with);
                ASSERT_TRUE(store.put("before" + key, "1"));
                const auto size = std::filesystem::file_size(shm);
                const auto data_size = std::filesystem::file_size(path_ + "/data");
                EXPECT_EQ(run_in_child([&] {
                            ASSERT_EQ(::truncate(shm.c_str(), 0), 0);
                            ASSERT_EQ(::truncate(shm.c_str(), static_cast<off_t>(size)), 0);
                          }),
                          ChildProcess::kSuccess);
                expect_refused(store, "/shm");
                EXPECT_FALSE(Store::open(path_, with)) << "who has it open has to let go first";
                (void)store.close();
                EXPECT_EQ(std::filesystem::file_size(path_ + "/data"), data_size);
                Store again = open_or_die(path_, with);
                EXPECT_EQ(*again.get("before" + key), "1");
                expect_sound(again);
              }),
              ChildProcess::kSuccess);
  }
}

// A hole of a file that is mapped, and no room on the disk to fill it.
TEST_P(LostMemoryTest, HolesThatAFullDiskCannotFillAreAnError) {
  constexpr int kNotPermitted = 77;
  const std::string mount = directory_.path_of("small");
  std::filesystem::create_directory(mount);
  const auto end = run_in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=24m") != 0) {
      ::_exit(kNotPermitted);
    }
    const std::string path = mount + "/store";
    Store store = open_or_die(path, options());
    ASSERT_TRUE(store.put("before", "1"));
    const int shm = ::open((path + "/shm").c_str(), O_RDWR | O_CLOEXEC);
    const int full = ::open((mount + "/full").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::fallocate(shm, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 64 << 20), 0);
    for (off_t at = 0; ::fallocate(full, 0, at, 4096) == 0; at += 4096) continue;
    (void)store.put("during", "1");
    (void)store.get("before");
    expect_refused(store, "/shm");
    ASSERT_EQ(::ftruncate(full, 0), 0);
    (void)store.close();
    Store again = open_or_die(path, options());
    EXPECT_EQ(*again.get("before"), "1");
    expect_sound(again);
  });
  if (end.exit_code == kNotPermitted) GTEST_SKIP() << "mounting is not permitted here";
  EXPECT_EQ(end, ChildProcess::kSuccess);
}

// At any moment of what threads do, and of their helper.
TEST_P(LostMemoryTest, ThreadsAtWorkWhenAFileIsCutEndWithAnErrorAndNothingSaidIsLost) {
  for (const char* file : {"/data", "/shm"}) {
    SCOPED_TRACE(file);
    std::filesystem::remove_all(path_);
    fill();
    Channel acknowledged;
    EXPECT_EQ(run_in_child([&] {
                StoreOptions with = options();
                with.helper_thread = true;
                Store store = open_or_die(path_, with);
                std::atomic<int> counts[4] = {};
                std::vector<std::thread> threads;
                for (int t = 0; t < 4; ++t) {
                  threads.emplace_back([&, t] {
                    // A cut of `data` between the look at its length and a write behind the cut
                    // is made good by that write, if all pages are written again that are needed.
                    const bool may_go_unnoticed = file == std::string("/data");
                    while (!may_go_unnoticed || counts[t] < 5000) {
                      const std::string key = std::to_string(t) + "/" + std::to_string(counts[t]);
                      if (!store.put(key, value_) || !store.get(std::to_string(t))) return;
                      ++counts[t];
                    }
                  });
                }
                for (auto& count : counts) {
                  while (count < 50) std::this_thread::yield();
                }
                ASSERT_EQ(::truncate((path_ + file).c_str(), 8192), 0);
                for (std::thread& thread : threads) thread.join();
                for (auto& count : counts) acknowledged.send(std::to_string(count) + " ");
                (void)store.close();
              }),
              ChildProcess::kSuccess);
    std::istringstream counts(acknowledged.receive_all());
    if (file == std::string("/data")) continue;  // the checkpoint is gone
    Store again = open_or_die(path_, options());
    int count = 0;
    for (int t = 0; counts >> count; ++t) {
      EXPECT_GE(count, 50);
      for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(again.get(std::to_string(t) + "/" + std::to_string(i))->has_value());
      }
    }
    expect_sound(again);
  }
}

INSTANTIATE_TEST_SUITE_P(Durabilities, LostMemoryTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast
