#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "care/test_store.h"
#include "store/open.h"

namespace holdfast::care {
namespace {

using testing::HasSubstr;

class DoctorTest : public testing::Test, protected TestStore {
 protected:
  DoctorTest() {
    Store store = open();
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(store.put("key" + std::to_string(i), "value"));
    EXPECT_TRUE(store.checkpoint());
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(store.put("later" + std::to_string(i), "value"));
  }
  // What it says of `topic`; what does not depend on the machine that the test runs on.
  std::vector<Finding> found(const std::string& topic) {
    const Contents before = files();
    auto report = doctor(*os_, "/store");
    EXPECT_TRUE(report) << report.status().to_string();
    EXPECT_TRUE(files() == before) << "it changed something";
    std::vector<Finding> findings;
    for (const Finding& finding : report->findings) {
      EXPECT_FALSE(finding.what.empty() || finding.why.empty() || finding.advice.empty());
      if (finding.topic == topic) findings.push_back(finding);
    }
    return findings;
  }
  void expect_damage(const std::string& topic, const std::string& what) {
    const std::vector<Finding> findings = found(topic);
    ASSERT_FALSE(findings.empty());
    EXPECT_EQ(findings[0].severity, Severity::kDamage);
    EXPECT_THAT(findings[0].what, HasSubstr(what));
    EXPECT_THAT(findings[0].advice, HasSubstr("holdfast salvage /store"));
    EXPECT_EQ(doctor(*os_, "/store")->severity(), Severity::kDamage);
  }
};

TEST_F(DoctorTest, NothingIsWrongWithASoundStoreOpenOrNot) {
  for (const bool is_open : {false, true}) {
    std::optional<Store> store;
    if (is_open) store.emplace(open());
    for (const char* topic : {"data", "superblock", "checkpoint", "log", "lock", "reader", "state",
                              "control-block", "foreign-file", "leftover", "permissions", "disk"}) {
      EXPECT_TRUE(found(topic).empty()) << topic;
    }
  }
}

TEST_F(DoctorTest, NamesEachDamagedPartAndPointsToSalvage) {
  flip("/store/data", 100);
  expect_damage("superblock", "damaged");
  flip("/store/data", 100);
  flip("/store/data", kPageSize + 40);
  EXPECT_EQ(found("checkpoint")[0].severity, Severity::kAdvice);
  flip("/store/data", 2 * kPageSize + 40);
  expect_damage("checkpoint", "neither of the two metas");
}

TEST_F(DoctorTest, ADamagedRootIsNamedWithItsPage) {
  ASSERT_TRUE(dump_meta(*os_, "/store", sink()));
  const uint64_t root = std::stoull(field(rows_of("meta")[1], "root_page"));
  damage_page(root);
  expect_damage("checkpoint", "page " + std::to_string(root));
}

TEST_F(DoctorTest, DamageAndHolesInTheLogAreNamed) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  const std::vector<Row> records = rows_of("record");
  const uint64_t lsn = std::stoull(field(records[records.size() - 8], "lsn"));
  flip(segment(lsn >> 32), (lsn & 0xffffffff) + 20);
  expect_damage("log", "offset " + std::to_string(lsn & 0xffffffff));
  flip(segment(lsn >> 32), (lsn & 0xffffffff) + 20);
  ASSERT_TRUE(found("log").empty());
  ASSERT_TRUE(os_->remove(segment(1)));
  expect_damage("log", "segment 1 is missing");
}

TEST_F(DoctorTest, AMissingDataFileLeavesTheLog) {
  ASSERT_TRUE(os_->remove("/store/data"));
  expect_damage("data", "no such file");
}

TEST_F(DoctorTest, FilesThatDoNotBelongThereAreNamed) {
  ASSERT_TRUE(os_->open("/store/notes.txt", os::OpenMode::kCreate));
  ASSERT_TRUE(os_->open("/store/data.new", os::OpenMode::kCreate));
  EXPECT_THAT(found("foreign-file")[0].what, HasSubstr("notes.txt"));
  EXPECT_THAT(found("leftover")[0].what, HasSubstr("data.new"));
}

TEST_F(DoctorTest, ALockOfADeadHolderIsNoCauseForAlarm) {
  Store store = open();
  {
    auto opened = store::open_context(*os_, "/store", options());
    ASSERT_TRUE(opened);
    ASSERT_EQ(opened->context->locks->turn.try_lock(false), store::LockOutcome::kAcquired);
  }
  ASSERT_EQ(found("lock").size(), 1u);
  EXPECT_EQ(found("lock")[0].severity, Severity::kAdvice);
  EXPECT_THAT(found("lock")[0].what, HasSubstr("turn"));
}

TEST_F(DoctorTest, AReaderThatHoldsPagesBackIsNamed) {
  Store store = open();
  Snapshot snapshot = std::move(*store.snapshot());
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(store.put("key" + std::to_string(i % 60), std::to_string(i)));
  }
  ASSERT_TRUE(store.put("large", std::string(200'000, 'l')));
  ASSERT_TRUE(store.flush());  // a snapshot holds pages of what is in the tree
  Snapshot large = std::move(*store.snapshot());
  ASSERT_TRUE(store.del("large"));
  ASSERT_TRUE(store.flush());
  ASSERT_FALSE(found("reader").empty());
  EXPECT_THAT(found("reader")[0].what, HasSubstr("pid "));
  EXPECT_THAT(found("reader")[0].why, HasSubstr("pages"));
}

TEST_F(DoctorTest, AStoreThatOnlyReadsIsSaidToBe) {
  Store store = open();
  auto opened = store::open_context(*os_, "/store", options());
  ASSERT_TRUE(opened);
  store::make_read_only(opened->context->control());
  ASSERT_EQ(found("state").size(), 1u);
  EXPECT_EQ(found("state")[0].severity, Severity::kProblem);
}

TEST_F(DoctorTest, WhatIsNoStoreIsNotAStore) {
  ASSERT_TRUE(os_->make_directories("/empty"));
  EXPECT_EQ(doctor(*os_, "/empty").status().code(), StatusCode::kNotAStore);
  EXPECT_EQ(doctor(*os_, "/nowhere").status().code(), StatusCode::kNotAStore);
}

}  // namespace
}  // namespace holdfast::care
