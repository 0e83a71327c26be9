// Headroom: what commits count on besides free pages.
#include "store/headroom.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/faulty_os.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

constexpr uint64_t kPlenty = uint64_t{1} << 40;

class HeadroomTest : public testing::Test {
 protected:
  static StoreOptions batched() {
    StoreOptions options = TestMachine::small_store();
    options.durability = Durability::batched;
    return options;
  }
  // Single puts; returns how many batches were applied meanwhile.
  uint64_t applies_of(int puts) {
    const uint64_t before = store_->stats()->applies;
    for (int i = 0; i < puts; ++i) EXPECT_TRUE(put(i));
    return store_->stats()->applies - before;
  }
  Result<uint64_t> put(int i) { return store_->put("key " + std::to_string(i * 7919), "value"); }
  void refuse_growth() {
    os_.fault = [](Call call, const std::string& path, uint64_t) {
      return call == Call::kAllocate && is_data(path)
                 ? Status(StatusCode::kNoSpace, "the disk is full")
                 : Status::ok();
    };
  }
  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  std::optional<Store> store_{std::move(*Store::open(os_, "/s", batched()))};
};

TEST_F(HeadroomTest, ARoomyDiskLetsBatchesGrow) {
  const uint64_t alone = applies_of(900);
  os_.free_bytes = kPlenty;
  EXPECT_GT(alone, 2u);
  EXPECT_LE(applies_of(900), 2u);  // what is reported applies, too
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(HeadroomTest, ADiskWithLittleRoomIsNotCountedOn) {
  os_.free_bytes = kSpareBytes;
  EXPECT_GT(applies_of(900), 2u);
  refuse_growth();
  Status refused;
  int count = 900;
  while (refused && count < 20'000) refused = put(count++).status();
  EXPECT_EQ(refused.code(), StatusCode::kNoSpace);
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(count) - 1);
}

TEST_F(HeadroomTest, ADiskThatBreaksItsPromiseDelaysCommitsAndLosesNone) {
  os_.free_bytes = kPlenty;
  ASSERT_TRUE(store_->flush());
  constexpr int kCount = 1000;
  EXPECT_EQ(applies_of(0), 0u);
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(put(i));
  refuse_growth();
  os_.free_bytes = 0;
  EXPECT_EQ(store_->snapshot().status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(put(kCount).status().code(), StatusCode::kNoSpace);
  EXPECT_TRUE(store_->get("key 0")->has_value());  // through the log
  os_.fault = {};
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(kCount));
  EXPECT_TRUE(put(kCount));
  EXPECT_THAT(store_->check()->problems, IsEmpty());
}

TEST_F(HeadroomTest, ABrokenPromiseSurvivesReboot) {
  os_.free_bytes = kPlenty;
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) ASSERT_TRUE(put(i));
  refuse_growth();
  EXPECT_FALSE(store_->close());
  store_.reset();
  os_.fault = {};
  machine_.reboot();
  store_.emplace(machine_.open());
  EXPECT_EQ(contents(*store_).size(), static_cast<size_t>(kCount));
}

}  // namespace
}  // namespace holdfast::store
