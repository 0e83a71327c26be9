#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "care/test_store.h"

namespace holdfast::care {
namespace {

using testing::HasSubstr;
using testing::Not;

class DumpTest : public testing::Test, protected TestStore {
 protected:
  DumpTest() {
    Store store = open();
    for (int i = 0; i < 60; ++i) {
      EXPECT_TRUE(store.put("key" + std::to_string(i), "value" + std::to_string(i)));
    }
    EXPECT_TRUE(store.put(std::string("\x01\xff\\", 3), std::string(3000, 'v')));
    EXPECT_TRUE(store.del("key7"));
    EXPECT_TRUE(store.checkpoint());
    EXPECT_TRUE(store.put("after", "the checkpoint"));
  }
};

TEST(KeyText, EscapesAllThatCannotBeReadAndIsParsedBack) {
  EXPECT_EQ(key_text(std::string("a\0\x7f\\\xc3", 5)), "a\\x00\\x7f\\\\\\xc3");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(parse_key_text(key_text(all)), all);
  for (const char* text : {"\\", "\\x1", "\\q", "\\xg0"}) EXPECT_FALSE(parse_key_text(text));
}

TEST_F(DumpTest, TheLogShowsEachRecordAndWhatItWrote) {
  LogDumpOptions options;
  options.keys = true;
  ASSERT_TRUE(dump_log(*os_, "/store", options, sink()));
  uint64_t commits = 0;
  for (const Row& row : rows_of("record")) {
    EXPECT_EQ(field(row, "chained"), "yes");
    EXPECT_EQ(field(row, "void"), "");
    if (field(row, "kind") != "commit") continue;
    EXPECT_EQ(field(row, "version"), std::to_string(++commits));
    EXPECT_EQ(field(row, "actor"), "tester");
  }
  EXPECT_EQ(commits, 63u);
  const std::vector<Row> operations = rows_of("operation");
  ASSERT_EQ(operations.size(), 63u);
  EXPECT_EQ(field(operations[60], "key"), "\\x01\\xff\\\\");
  EXPECT_EQ(field(operations[60], "value_bytes"), "3000");
  EXPECT_EQ(field(operations[61], "operation"), "delete");
  EXPECT_TRUE(rows_of("gap").empty());
}

TEST_F(DumpTest, FromAndToLimitTheRecords) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  const std::vector<Row> all = rows_of("record");
  LogDumpOptions options;
  options.from_lsn = std::stoull(field(all[5], "lsn"));
  options.to_lsn = std::stoull(field(all[9], "lsn"));
  ASSERT_TRUE(dump_log(*os_, "/store", options, sink()));
  EXPECT_EQ(rows_of("record").size(), 4u);
}

TEST_F(DumpTest, DamageInTheMiddleOfTheLogIsAGapAndWhatFollowsIsShown) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  const std::vector<Row> all = rows_of("record");
  const uint64_t lsn = std::stoull(field(all[5], "lsn"));
  flip(segment(lsn >> 32), (lsn & 0xffffffff) + 20);
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  ASSERT_EQ(rows_of("gap").size(), 1u);
  EXPECT_EQ(field(rows_of("gap")[0], "lsn"), std::to_string(lsn));
  EXPECT_THAT(field(rows_of("gap")[0], "problem"), HasSubstr("damaged"));
  ASSERT_EQ(rows_of("record").size(), all.size() - 1);
  EXPECT_EQ(field(rows_of("record")[5], "chained"), "no");
  EXPECT_EQ(field(rows_of("record")[6], "chained"), "yes");
}

TEST_F(DumpTest, RecordsOfASegmentWithoutAHeaderAreShownAsFarAsTheirPayloadsProveThem) {
  flip(segment(1), 40);
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  EXPECT_EQ(field(rows_of("segment")[0], "state"), "damaged");
  ASSERT_FALSE(rows_of("record").empty());
  EXPECT_EQ(field(rows_of("record")[0], "header_verified"), "no");
}

TEST_F(DumpTest, ATornRecordAtTheEndIsSaidToBeBegun) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  const Row last = rows_of("record").back();
  const uint64_t lsn = std::stoull(field(last, "lsn"));
  flip(segment(lsn >> 32), (lsn & 0xffffffff) + 60);
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  ASSERT_EQ(rows_of("gap").size(), 1u);
  EXPECT_THAT(field(rows_of("gap")[0], "problem"), HasSubstr("begun"));
}

TEST_F(DumpTest, TheTreeShowsEachPageWithItsFences) {
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  const std::vector<Row> pages = rows_of("page");
  ASSERT_GT(pages.size(), 3u);
  EXPECT_EQ(field(pages[0], "kind"), "branch");
  EXPECT_EQ(field(pages[0], "lower"), "");
  std::string upper;
  for (const Row& page : pages) {
    EXPECT_EQ(field(page, "crc_ok"), "yes");
    EXPECT_EQ(field(page, "problem"), "");
    if (field(page, "kind") != "leaf") continue;
    EXPECT_EQ(field(page, "lower"), upper);
    upper = field(page, "upper");
  }
  ASSERT_EQ(rows_of("overflow").size(), 1u);
  EXPECT_EQ(field(rows_of("overflow")[0], "crc_ok"), "yes");
  TreeDumpOptions shallow;
  shallow.depth_max = 0;
  ASSERT_TRUE(dump_tree(*os_, "/store", shallow, sink()));
  EXPECT_EQ(rows_of("page").size(), 1u);
}

TEST_F(DumpTest, ADamagedPageOfTheTreeIsNamedAndTheOthersAreShown) {
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  const std::vector<Row> pages = rows_of("page");
  const std::string damaged = field(pages.back(), "page");
  damage_page(std::stoull(damaged));
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  ASSERT_EQ(rows_of("page").size(), pages.size());
  EXPECT_EQ(field(rows_of("page").back(), "page"), damaged);
  EXPECT_EQ(field(rows_of("page").back(), "crc_ok"), "no");
  EXPECT_THAT(field(rows_of("page").back(), "problem"), HasSubstr("checksum"));
}

TEST_F(DumpTest, APageShowsItsCells) {
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  const uint64_t leaf = std::stoull(field(rows_of("page").back(), "page"));
  ASSERT_TRUE(dump_page(*os_, "/store", leaf, sink()));
  EXPECT_EQ(std::to_string(rows_of("cell").size()), field(rows_of("page")[0], "cells"));
  EXPECT_THAT(field(rows_of("cell")[0], "key"), HasSubstr("key"));
  EXPECT_THAT(field(rows_of("cell")[0], "value"), HasSubstr("value"));
  EXPECT_EQ(dump_page(*os_, "/store", 1u << 30, sink()).code(), StatusCode::kInvalidArgument);
}

TEST_F(DumpTest, TheMetasAreReadWithoutASuperblock) {
  ASSERT_TRUE(dump_meta(*os_, "/store", sink()));
  const Row before = rows_of("meta")[1];
  EXPECT_EQ(field(before, "checkpoint"), "1");
  flip("/store/data", 100);
  ASSERT_TRUE(dump_meta(*os_, "/store", sink()));
  EXPECT_THAT(field(rows_of("superblock")[0], "problem"), HasSubstr("damaged"));
  EXPECT_EQ(field(rows_of("superblock")[0], "page_size"), "512");
  EXPECT_EQ(field(rows_of("meta")[1], "root_page"), field(before, "root_page"));
}

TEST_F(DumpTest, TheControlBlockShowsWhoHasTheStoreOpenAndWhatTheyPin) {
  Store store = open();
  ASSERT_TRUE(store.flush());
  Snapshot snapshot = std::move(*store.snapshot());
  ASSERT_TRUE(store.put("more", "of it"));
  ASSERT_TRUE(store.flush());
  ASSERT_TRUE(dump_control(*os_, "/store", sink()));
  ASSERT_EQ(rows_of("process").size(), 1u);
  EXPECT_EQ(field(rows_of("process")[0], "liveness"), "alive");
  ASSERT_EQ(rows_of("reader").size(), 1u);
  EXPECT_EQ(field(rows_of("reader")[0], "version"), std::to_string(snapshot.version()));
  EXPECT_EQ(field(rows_of("reader")[0], "versions_behind"), "1");
  EXPECT_EQ(rows_of("lock").size(), 6u);
  EXPECT_EQ(field(rows_of("control")[0], "in_use"), "yes");
}

TEST_F(DumpTest, NothingIsChangedAndNothingIsNeeded) {
  ASSERT_TRUE(os_->remove("/store/shm"));
  const Contents before = files();
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  ASSERT_TRUE(dump_meta(*os_, "/store", sink()));
  EXPECT_EQ(dump_control(*os_, "/store", sink()).code(), StatusCode::kNotFound);
  EXPECT_EQ(files(), before);
  EXPECT_THAT(*os_->list("/store"), Not(testing::Contains("shm")));
  EXPECT_EQ(dump_meta(*os_, "/nowhere", sink()).code(), StatusCode::kNotAStore);
}

TEST_F(DumpTest, EveryBitOfTheFilesMayBeWrongAndADumpStillEnds) {
  for (const char* path : {"/store/data", "/store/wal/00000000000000000001.wal"}) {
    const std::string intact = read(path);
    for (uint64_t offset = 0; offset < std::min<uint64_t>(intact.size(), 8192); offset += 61) {
      flip(path, offset);
      EXPECT_TRUE(dump_log(*os_, "/store", {}, sink()));
      EXPECT_TRUE(dump_meta(*os_, "/store", sink()));
      EXPECT_TRUE(dump_tree(*os_, "/store", {}, sink()));
      write(path, offset, intact.substr(offset, 1));
    }
  }
}

}  // namespace
}  // namespace holdfast::care
