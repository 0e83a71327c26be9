#include "store/superblock.h"

#include <gtest/gtest.h>

namespace holdfast::store {
namespace {

Superblock example_superblock() {
  Superblock superblock;
  superblock.page_shift = 9;
  superblock.store_id = {'i', 'd'};
  superblock.created_us = 5;
  superblock.segment_capacity_max = 8192;
  return superblock;
}

Meta example_meta(uint64_t number) {
  Meta meta;
  meta.number = number;
  meta.store_id = example_superblock().store_id;
  meta.version = number * 10;
  meta.lsn = log::make_lsn(3, 512);
  meta.root_pgno = 7;
  return meta;
}

class SuperblockTest : public testing::Test {
 protected:
  SuperblockTest() {
    auto file = os_->open("/data", os::OpenMode::kCreate);
    EXPECT_TRUE(file);
    data_ = std::move(*file);
  }
  Result<Superblock> read() { return read_superblock(*data_, "/data"); }
  // Written as it is, but for its checksum.
  void write(const Superblock& superblock) { EXPECT_TRUE(write_superblock(*data_, superblock)); }
  std::optional<Meta> meta(int slot) { return *read_meta(*data_, example_superblock(), slot); }
  void flip(uint64_t offset) {
    char byte = 0;
    ASSERT_TRUE(data_->read_at(offset, &byte, 1));
    byte = static_cast<char>(byte ^ 0x10);
    ASSERT_TRUE(data_->write_at(offset, {&byte, 1}));
  }
  std::unique_ptr<os::Os> os_ = os::make_memory_os();
  std::unique_ptr<os::File> data_;
};

TEST_F(SuperblockTest, ComesBack) {
  write(example_superblock());
  const auto superblock = read();
  ASSERT_TRUE(superblock) << superblock.status().to_string();
  EXPECT_EQ(superblock->page_shift, 9u);
  EXPECT_EQ(superblock->store_id, example_superblock().store_id);
  EXPECT_EQ(superblock->segment_capacity_max, 8192u);
}

TEST_F(SuperblockTest, AFlippedBitInAnyByteIsDetected) {
  write(example_superblock());
  for (uint64_t byte = 0; byte < sizeof(Superblock); ++byte) {
    flip(byte);
    EXPECT_FALSE(read()) << byte;
    flip(byte);
  }
  EXPECT_TRUE(read());
}

TEST_F(SuperblockTest, AFileThatIsTooShortIsNotAStore) {
  EXPECT_EQ(read().status().code(), StatusCode::kNotAStore);
  write(example_superblock());
  ASSERT_TRUE(data_->truncate(sizeof(Superblock) - 1));
  EXPECT_EQ(read().status().code(), StatusCode::kNotAStore);
}

TEST_F(SuperblockTest, AnotherMagicIsNotAStore) {
  ASSERT_TRUE(data_->write_at(0, "SQLite format 3" + std::string(500, '\0')));
  const Status status = read().status();
  EXPECT_EQ(status.code(), StatusCode::kNotAStore);
  EXPECT_EQ(status.path(), "/data");
}

TEST_F(SuperblockTest, ANewerFormatIsRefused) {
  Superblock superblock = example_superblock();
  superblock.format_version = kDataFormatVersion + 1;
  write(superblock);
  EXPECT_EQ(read().status().code(), StatusCode::kUnsupported);
}

TEST_F(SuperblockTest, AFeatureThatIsRequiredAndUnknownIsRefused) {
  Superblock superblock = example_superblock();
  superblock.features_required = kFeaturesKnown;
  write(superblock);
  EXPECT_TRUE(read());
  superblock.features_required = kFeaturesKnown + 1;
  write(superblock);
  EXPECT_EQ(read().status().code(), StatusCode::kUnsupported);
  superblock.features_required = 0;
  superblock.features_optional = 1;
  write(superblock);
  EXPECT_TRUE(read());
}

TEST_F(SuperblockTest, DamageIsCorruptionAtItsPlace) {
  write(example_superblock());
  flip(200);
  const Status status = read().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.offset(), 0u);
}

TEST_F(SuperblockTest, MetasStandInTheSlotOfTheirNumber) {
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(4)));
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(5)));
  EXPECT_EQ(meta(0)->number, 4u);
  EXPECT_EQ(meta(1)->number, 5u);
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(6)));
  EXPECT_EQ(meta(0)->number, 6u);
  EXPECT_EQ(meta(1)->number, 5u);
}

TEST_F(SuperblockTest, AMetaLeavesNothingOfItsPagesEarlierUse) {
  ASSERT_TRUE(data_->write_at(512, std::string(512, 'x')));
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(0)));
  std::string rest(512 - sizeof(Meta), 'y');
  ASSERT_TRUE(data_->read_at(512 + sizeof(Meta), rest.data(), rest.size()));
  EXPECT_EQ(rest, std::string(rest.size(), '\0'));
}

TEST_F(SuperblockTest, AFlippedBitInAnyByteOfAMetaIsDetected) {
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(2)));
  for (uint64_t byte = 0; byte < sizeof(Meta); ++byte) {
    flip(512 + byte);
    EXPECT_FALSE(meta(0)) << byte;
    flip(512 + byte);
  }
  EXPECT_TRUE(meta(0));
}

TEST_F(SuperblockTest, AMetaOfAnotherStoreOrSlotIsNotValid) {
  ASSERT_TRUE(write_meta(*data_, 9, example_meta(2)));
  std::string page(512, '\0');
  ASSERT_TRUE(data_->read_at(512, page.data(), page.size()));
  ASSERT_TRUE(data_->write_at(1024, page));
  EXPECT_FALSE(meta(1));
  Meta foreign = example_meta(3);
  foreign.store_id = {};
  ASSERT_TRUE(write_meta(*data_, 9, foreign));
  EXPECT_FALSE(meta(1));
}

TEST_F(SuperblockTest, NoMetaBehindTheEndOfTheFile) {
  EXPECT_FALSE(meta(1));
}

TEST_F(SuperblockTest, ARootSurvivesItsMeta) {
  PublishedRoot root;
  root.version = 11;
  root.lsn = 12;
  root.time_us = 13;
  root.root.page = {14, 15, true};
  root.root.height = 3;
  root.prev_crc = 16;
  root.epoch = 17;
  const PublishedRoot again = root_of(meta_of(root, {}, 9));
  EXPECT_EQ(again.version, 11u);
  EXPECT_EQ(again.lsn, 12u);
  EXPECT_EQ(again.time_us, 13u);
  EXPECT_EQ(again.root.page.pgno, 14u);
  EXPECT_EQ(again.root.page.crc, 15u);
  EXPECT_TRUE(again.root.page.has_overflow);
  EXPECT_EQ(again.root.height, 3u);
  EXPECT_EQ(again.prev_crc, 16u);
  EXPECT_EQ(again.epoch, 17u);
}

}  // namespace
}  // namespace holdfast::store
