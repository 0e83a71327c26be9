// A data file that decayed: a damaged page, damaged metas, a file cut short. Never a wrong answer;
// an error that names the place, or the truth from what is intact.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/crc32c.h"
#include "holdfast/holdfast.h"
#include "store/superblock.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Contents = std::map<std::string, std::string>;

constexpr uint64_t kPageSize = 512;
constexpr int kKeys = 300;

std::string value_of(int number) {
  return "value:" + std::to_string(number) + ":";
}

class DataDamageTest : public testing::Test {
 protected:
  DataDamageTest() {
    Store store = open();
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = "key" + std::to_string(i);
      expected_[key] = value_of(i);
      EXPECT_TRUE(store.put(key, expected_[key]));
      if (i == kKeys / 2) {
        EXPECT_TRUE(store.checkpoint());
      }
    }
    EXPECT_TRUE(store.checkpoint());
    EXPECT_TRUE(store.close());
  }
  Store open() const { return open_or_die(path_, options()); }
  static StoreOptions options() {
    StoreOptions options;
    options.page_size_bytes = kPageSize;
    options.helper_thread = false;
    return options;
  }
  std::string data() const { return path_ + "/data"; }
  // Every page that holds `text`, in use or not.
  void damage_pages_with(const std::string& text) const {
    std::string bytes = read_file(data());
    for (size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    }
    overwrite(data(), 0, bytes);
  }
  // Corruption of the data file, with an offset in it.
  void expect_damage(const Status& status) const {
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.to_string();
    EXPECT_EQ(status.path(), data()) << status.to_string();
    EXPECT_TRUE(status.offset()) << status.to_string();
  }
  // What can be read is right, what cannot be is an error.
  void expect_no_wrong_answer(Store& store) const {
    for (const auto& [key, value] : expected_) {
      const auto found = store.get(key);
      if (!found) {
        EXPECT_EQ(found.status().code(), StatusCode::kCorruption) << found.status().to_string();
      } else {
        EXPECT_EQ(*found, value) << key;
      }
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
  Contents expected_;
};

TEST_F(DataDamageTest, ADamagedPageIsAnErrorWithItsPlaceAndTheOthersAreRead) {
  damage_pages_with(value_of(77));
  for (const bool cold : {false, true}) {
    SCOPED_TRACE(cold ? "cold" : "warm");
    if (cold) reboot(path_);
    Store store = open();
    const auto damaged = store.get("key77");
    ASSERT_FALSE(damaged);
    expect_damage(damaged.status());
    EXPECT_EQ(store.get("key250")->value(), value_of(250));
    expect_no_wrong_answer(store);
    Snapshot snapshot = std::move(*store.snapshot());
    Cursor cursor = snapshot.scan(KeyRange::all());
    while (cursor.valid()) cursor.next();
    EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
    auto report = store.check();
    ASSERT_TRUE(report) << report.status().to_string();
    EXPECT_THAT(report->problems, Not(IsEmpty()));
  }
}

TEST_F(DataDamageTest, WritingIntoADamagedPageIsAnErrorAndOtherWritesGoOn) {
  damage_pages_with(value_of(77));
  Store store = open();
  // It is durable, in the log; whoever needs it in the tree is told of the damage.
  ASSERT_TRUE(store.put("key77", "new"));
  expected_["key77"] = "new";
  expect_damage(store.flush());
  ASSERT_TRUE(store.put("other", "value"));
  EXPECT_EQ(*store.get("key77"), "new");
  EXPECT_EQ(*store.get("other"), "value");
  expect_no_wrong_answer(store);
}

TEST_F(DataDamageTest, OneDamagedMetaIsMadeUpForByTheOtherAndTheLog) {
  for (const uint64_t slot : {1, 2}) {
    SCOPED_TRACE("meta " + std::to_string(slot));
    const std::string copy = directory_.path_of("copy" + std::to_string(slot));
    fs::copy(path_, copy, fs::copy_options::recursive);
    reboot(copy);
    flip_bit(copy + "/data", slot * kPageSize + 40);
    auto store = Store::open(copy, options());
    ASSERT_TRUE(store) << store.status().to_string();
    EXPECT_EQ(store->recovery().version, static_cast<uint64_t>(kKeys));
    EXPECT_EQ(contents(*store), expected_);
    expect_sound(*store);
  }
}

TEST_F(DataDamageTest, TwoDamagedMetasAreRefusedAndNothingIsChanged) {
  reboot(path_);
  for (const uint64_t slot : {1, 2}) flip_bit(data(), slot * kPageSize + 40);
  const auto before = files_below(path_);
  const auto store = Store::open(path_, options());
  ASSERT_FALSE(store);
  expect_damage(store.status());
  const auto after = files_below(path_);
  EXPECT_TRUE(after == before) << "files were changed";
}

TEST_F(DataDamageTest, ADamagedSuperblockIsRefused) {
  reboot(path_);
  flip_bit(data(), 100);
  const auto store = Store::open(path_, options());
  ASSERT_FALSE(store);
  expect_damage(store.status());
  EXPECT_EQ(store.status().offset(), 0u);
}

TEST_F(DataDamageTest, ACutDataFileNeverGivesAWrongAnswer) {
  const uint64_t size = fs::file_size(data());
  for (const uint64_t left : {uint64_t{0}, uint64_t{100}, kPageSize, 3 * kPageSize, size / 4,
                              size / 2, size - kPageSize}) {
    for (const bool cold : {false, true}) {
      SCOPED_TRACE("cut to " + std::to_string(left) + (cold ? ", cold" : ", warm"));
      const std::string copy = directory_.path_of("copy");
      fs::remove_all(copy);
      fs::copy(path_, copy, fs::copy_options::recursive);
      if (cold) {
        reboot(copy);
      } else {
        ASSERT_EQ(run_in_child([&] { open_or_die(copy, options()); }), ChildProcess::kSuccess);
      }
      fs::resize_file(copy + "/data", left);
      EXPECT_EQ(run_in_child([&] {
                  auto store = Store::open(copy, options());
                  if (store) {
                    expect_no_wrong_answer(*store);
                  } else {
                    EXPECT_THAT(store.status().code(),
                                testing::AnyOf(StatusCode::kCorruption, StatusCode::kNotAStore));
                    EXPECT_EQ(store.status().path(), copy + "/data") << store.status().to_string();
                  }
                }),
                ChildProcess::kSuccess);
    }
  }
}

TEST_F(DataDamageTest, ANewerFormatIsRefusedByItsNumber) {
  reboot(path_);
  store::Superblock superblock;
  std::string bytes = read_file(data()).substr(0, sizeof(superblock));
  std::memcpy(&superblock, bytes.data(), sizeof(superblock));
  superblock.format_version = store::kDataFormatVersion + 1;
  std::memcpy(bytes.data(), &superblock, sizeof(superblock));
  superblock.crc = crc32c(std::string_view(bytes).substr(0, offsetof(store::Superblock, crc)));
  std::memcpy(bytes.data(), &superblock, sizeof(superblock));
  overwrite(data(), 0, bytes);
  const auto store = Store::open(path_, options());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(store.status().path(), data());
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("format 2"));
}

}  // namespace
}  // namespace holdfast
