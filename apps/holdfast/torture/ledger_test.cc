#include "torture/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

namespace holdfast::torture {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  void append(Phase phase, uint64_t number, uint64_t version = 0) {
    LedgerWriter writer;
    ASSERT_TRUE(writer.open(path_, 3));
    ASSERT_TRUE(writer.append(phase, number, version));
  }
  TemporaryDirectory temporary_;
  std::string path_ = temporary_.path_of("ledger");
};

TEST_F(LedgerTest, AMissingFileIsEmpty) {
  EXPECT_TRUE(read_ledger(path_, 3)->empty());
}

TEST_F(LedgerTest, AnIntentWithoutAcknowledgementIsUnknown) {
  append(Phase::kIntent, 1);
  append(Phase::kAcknowledged, 1, 17);
  append(Phase::kIntent, 2);
  append(Phase::kIntent, 3);
  auto entries = read_ledger(path_, 3);
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_TRUE((*entries)[0].acknowledged);
  EXPECT_EQ((*entries)[0].version, 17u);
  EXPECT_FALSE((*entries)[1].acknowledged);
  EXPECT_EQ((*entries)[2].number, 3u);
}

TEST_F(LedgerTest, AnIncompleteRecordAtTheEndIsCutOff) {
  append(Phase::kIntent, 1);
  std::ofstream(path_, std::ios::app | std::ios::binary) << "torn";
  EXPECT_EQ(read_ledger(path_, 3)->size(), 1u);
  append(Phase::kIntent, 2);
  EXPECT_EQ(read_ledger(path_, 3)->size(), 2u);
}

TEST_F(LedgerTest, DamageIsFound) {
  append(Phase::kIntent, 1);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(9);
  file.put('x');
  file.close();
  EXPECT_EQ(read_ledger(path_, 3).status().code(), StatusCode::kCorruption);
}

TEST_F(LedgerTest, AGapIsDamage) {
  append(Phase::kIntent, 2);
  EXPECT_EQ(read_ledger(path_, 3).status().code(), StatusCode::kCorruption);
}

TEST_F(LedgerTest, AnotherWorkersLedgerIsDamage) {
  append(Phase::kIntent, 1);
  EXPECT_EQ(read_ledger(path_, 4).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace holdfast::torture
