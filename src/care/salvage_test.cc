// Salvage: on an intact store, everything; on a damaged one, every key whose pages are intact with
// its right value, nothing that never was, and a report of the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/ordered_key.h"
#include "care/span_map.h"
#include "care/test_store.h"
#include "holdfast/blob.h"

namespace holdfast::care {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SalvageTest : public testing::Test, protected TestStore {
 protected:
  // Two checkpoints with changes before, between and after them; deletions, large values.
  SalvageTest() {
    Store store = open();
    for (int round = 0; round < 3; ++round) {
      for (int i = round; i < 120; i += round + 1) put(store, key(i), value(i, round));
      put(store, "large" + std::to_string(round),
          std::string(2000, static_cast<char>('a' + round)));
      erase(store, key(7 + round));
      read_nothing(store, round);
      if (round < 2) {
        EXPECT_TRUE(store.checkpoint());
      }
    }
    version_ = store.stats()->version;
    EXPECT_TRUE(store.close());
    EXPECT_TRUE(os_->remove("/store/shm"));
  }
  static std::string key(int i) { return "key" + std::to_string(1000 + i); }
  static std::string value(int i, int round) {
    return "value " + std::to_string(i) + " of round " + std::to_string(round);
  }
  void put(Store& store, const std::string& key, const std::string& value) {
    EXPECT_TRUE(store.put(key, value));
    model_[key] = value;
    ever_[key].insert(value);
  }
  // One of each operation that reads nothing.
  void read_nothing(Store& store, int round) {
    const std::string begin = key(20 * round + 30), end = key(20 * round + 35);
    const auto version = store.update([&](Transaction& txn) -> Status {
      HOLDFAST_TRY(txn.add("number", 5));
      HOLDFAST_TRY(txn.raise("greatest", round));
      HOLDFAST_TRY(txn.put_stamped("stamped/", "/x", std::to_string(round)));
      return txn.del_range({begin, end});
    });
    EXPECT_TRUE(version);
    model_.erase(model_.lower_bound(begin), model_.lower_bound(end));
    std::string stamped = "stamped/";
    append_ordered_u64(stamped, *version);
    for (const auto& [key, value] : {std::pair(std::string("number"), encode_number(5 * round + 5)),
                                     {"greatest", encode_number(round)},
                                     {stamped + "/x", std::to_string(round)}}) {
      model_[key] = value;
      ever_[key].insert(value);
    }
  }
  void erase(Store& store, const std::string& key) {
    EXPECT_TRUE(store.del(key));
    model_.erase(key);
  }

  // Salvages into a new path; the old store is as it was.
  SalvageReport salvaged(const SalvageOptions& options = {}) {
    const Contents before = files();
    to_ = "/new" + std::to_string(++count_);
    auto report = salvage(*os_, "/store", to_, options);
    EXPECT_TRUE(report) << report.status().to_string();
    EXPECT_TRUE(files() == before) << "the old store was changed";
    if (!report) return {};
    Store store = open(to_);
    found_ = contents(store);
    const auto check = store.check();
    EXPECT_TRUE(check && check->problems.empty());
    EXPECT_EQ(found_.size(), report->keys);
    EXPECT_GT(report->version_new, version_);
    EXPECT_TRUE(store.put("goes on", "from here"));
    return std::move(*report);
  }
  // The names of snapshots are the store's own, and lead to other pages in each.
  static void without_names(Contents& all) {
    std::erase_if(all, [](const auto& entry) { return entry.first.starts_with('\x0f'); });
  }
  static Contents contents_of(Snapshot snapshot) {
    Contents all;
    Cursor cursor = snapshot.scan(KeyRange::all());
    for (; cursor.valid(); cursor.next()) all.emplace(cursor.key(), cursor.value());
    EXPECT_TRUE(cursor.status());
    without_names(all);
    return all;
  }
  // A leaf that the commit of that version made.
  uint64_t page_born_at(uint64_t version) {
    const uint64_t pages = read("/store/data").size() / kPageSize;
    for (uint64_t pgno = 3; pgno < pages; ++pgno) {
      if (!dump_page(*os_, "/store", pgno, sink()) || rows_.empty()) continue;
      if (field(rows_[0], "birth") == std::to_string(version)) return pgno;
    }
    ADD_FAILURE() << "no page was born at version " << version;
    return 0;
  }
  static bool damaged(const SalvageReport& report, const std::string& key) {
    for (const DamagedRange& range : report.damaged_ranges) {
      if (key >= range.lower && (!range.upper || key < *range.upper)) return true;
    }
    return false;
  }
  // Outside of the damaged ranges the truth; inside nothing that was never written.
  void expect_truth(const SalvageReport& report) {
    for (const auto& [key, value] : model_) {
      if (damaged(report, key)) continue;
      EXPECT_EQ(found_[key], value) << key;
    }
    for (const auto& [key, value] : found_) {
      if (damaged(report, key)) {
        EXPECT_TRUE(ever_[key].count(value) != 0) << key << " never was " << value;
      } else {
        EXPECT_EQ(model_.count(key), 1u) << key << " was deleted";
      }
    }
  }

  Contents model_;
  std::map<std::string, std::set<std::string>> ever_;
  Contents found_;
  uint64_t version_ = 0;
  std::string to_;
  int count_ = 0;
};

TEST_F(SalvageTest, AnIntactStoreIsSalvagedKeyForKey) {
  const SalvageReport report = salvaged();
  EXPECT_EQ(found_, model_);
  EXPECT_TRUE(report.complete()) << testing::PrintToString(report.doubts);
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_EQ(report.version, version_);
  EXPECT_THAT(report.base, HasSubstr("checkpoint"));
  EXPECT_GT(report.log_records_applied, 0u);
  EXPECT_EQ(report.log_records_beyond_damage, 0u);
}

TEST_F(SalvageTest, AnyDamagedPageCostsAtMostWhatOnlyItHeld) {
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  const std::vector<Row> pages = rows_of("page");
  ASSERT_GT(pages.size(), 5u);
  for (const Row& row : pages) {
    const uint64_t pgno = std::stoull(field(row, "page"));
    SCOPED_TRACE("page " + std::to_string(pgno) + " of level " + field(row, "level"));
    damage_page(pgno);
    const SalvageReport report = salvaged();
    damage_page(pgno);  // and back
    EXPECT_EQ(report.damage_count, 1u) << testing::PrintToString(report.damage);
    EXPECT_THAT(report.damage[0], HasSubstr("page " + std::to_string(pgno)));
    expect_truth(report);
    if (field(row, "kind") == "leaf") continue;
    // The leaves below are intact: every key is there.
    for (const auto& [key, value] : model_) EXPECT_EQ(found_[key], value) << key;
  }
}

TEST_F(SalvageTest, ADamagedLargeValueCostsItsKeyAlone) {
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  for (const Row& row : rows_of("overflow")) {
    const uint64_t pgno = std::stoull(field(row, "page"));
    damage_page(pgno);
    const SalvageReport report = salvaged();
    damage_page(pgno);
    expect_truth(report);
    EXPECT_LE(report.damaged_ranges_count, 1u);
    EXPECT_GE(found_.size() + 1, model_.size());
  }
}

TEST_F(SalvageTest, EachMetaIsMadeUpForByTheOtherAndBothByThePages) {
  for (const std::vector<uint64_t>& slots :
       std::vector<std::vector<uint64_t>>{{1}, {2}, {1, 2}, {0}, {0, 1}, {0, 1, 2}}) {
    SCOPED_TRACE(testing::PrintToString(slots));
    for (const uint64_t slot : slots) flip("/store/data", slot * kPageSize + 40);
    const SalvageReport report = salvaged();
    for (const uint64_t slot : slots) flip("/store/data", slot * kPageSize + 40);
    EXPECT_EQ(found_, model_);
    EXPECT_EQ(report.damaged_ranges_count, 0u);
  }
}

TEST_F(SalvageTest, DamageInTheMiddleOfTheLogIsSaidAndWhatFollowsIsTaken) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  std::vector<Row> commits;
  for (const Row& row : rows_of("record")) {
    if (field(row, "kind") == "commit") commits.push_back(row);
  }
  const uint64_t lsn = std::stoull(field(commits[commits.size() - 10], "lsn"));
  const std::string path = segment(lsn >> 32);
  flip(path, (lsn & 0xffffffff) + 70);
  const SalvageReport report = salvaged();
  EXPECT_FALSE(report.complete());
  ASSERT_THAT(report.doubts, Not(IsEmpty()));
  EXPECT_THAT(report.doubts[0], HasSubstr(path));
  EXPECT_EQ(report.log_records_beyond_damage, 9u);
  uint64_t wrong = 0;
  for (const auto& [key, value] : model_) wrong += found_[key] != value ? 1 : 0;
  EXPECT_LE(wrong, 1u) << "the damaged record wrote one key";
}

TEST_F(SalvageTest, ATornEndIsLeftOutAsRecoveryWould) {
  ASSERT_TRUE(dump_log(*os_, "/store", {}, sink()));
  const std::vector<Row> records = rows_of("record");
  // The last commit and the note behind it, which says that it was durable.
  const uint64_t lsn = std::stoull(field(records[records.size() - 2], "lsn"));
  const std::string path = segment(lsn >> 32);
  const std::string bytes = read(path);
  write(path, (lsn & 0xffffffff) + 70, std::string(bytes.size() - (lsn & 0xffffffff) - 70, '\0'));
  const SalvageReport report = salvaged();
  EXPECT_TRUE(report.complete()) << testing::PrintToString(report.doubts);
  Store store = open();  // recovery
  EXPECT_EQ(contents(store), found_);
  EXPECT_EQ(report.version, version_ - 1);
}

TEST_F(SalvageTest, AMissingLogLeavesTheCheckpointAndIsSaid) {
  for (const uint64_t number : log_numbers()) EXPECT_TRUE(os_->remove(segment(number)));
  const SalvageReport report = salvaged();
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(report.doubts, testing::Contains(HasSubstr("missing")));
  for (const auto& [key, value] : found_) EXPECT_TRUE(ever_[key].count(value) != 0) << key;
}

TEST_F(SalvageTest, AnyMissingOrHeadlessSegmentIsSaid) {
  for (const uint64_t number : log_numbers()) {
    if (number == log_numbers().back()) continue;  // prepared
    for (const bool missing : {true, false}) {
      SCOPED_TRACE(std::to_string(number) + (missing ? " missing" : " headless"));
      const std::string bytes = read(segment(number));
      if (missing) {
        EXPECT_TRUE(os_->remove(segment(number)));
      } else {
        flip(segment(number), 40);
      }
      const SalvageReport report = salvaged();
      const bool as_it_was = found_ == model_;
      EXPECT_TRUE(as_it_was || !report.complete());
      for (const auto& [key, value] : found_) EXPECT_TRUE(ever_[key].count(value) != 0) << key;
      EXPECT_TRUE(os_->open(segment(number), os::OpenMode::kCreate));
      write(segment(number), 0, bytes);
    }
  }
}

TEST_F(SalvageTest, WithoutADataFileTheLogGivesWhatItHas) {
  EXPECT_TRUE(os_->remove("/store/data"));
  const SalvageReport report = salvaged();
  for (const auto& [key, value] : found_) EXPECT_TRUE(ever_[key].count(value) != 0) << key;
  EXPECT_TRUE(found_ == model_ || !report.complete());
  EXPECT_THAT(found_, Not(IsEmpty()));
}

TEST_F(SalvageTest, RefusesAStoreThatIsOpenUnlessAskedTo) {
  Store store = open();
  const auto refused = salvage(*os_, "/store", "/new", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.status().code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("pid "));
  SalvageOptions options;
  options.while_open = true;
  const auto report = salvage(*os_, "/store", "/new", options);
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_FALSE(report->complete());
  Store copy = open("/new");
  EXPECT_EQ(contents(copy), model_);
}

TEST_F(SalvageTest, NeverWritesOverSomething) {
  ASSERT_TRUE(os_->make_directories("/there"));
  EXPECT_EQ(salvage(*os_, "/store", "/there", {}).status().code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(os_->make_directories("/new.partial/of somebody"));
  EXPECT_EQ(salvage(*os_, "/store", "/new", {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(os_->list("/new.partial/of somebody"));
  EXPECT_EQ(salvage(*os_, "/nowhere", "/new2", {}).status().code(), StatusCode::kNotAStore);
}

TEST_F(SalvageTest, BlobsComeAlongAndDamagedOnesAreSaid) {
  const std::string content(300'000, 'c');
  BlobRef ref;
  {
    Store store = open();
    auto blob = store.blobs().write(content);
    ASSERT_TRUE(blob) << blob.status().to_string();
    ref = blob->ref();
    ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
      return store.blobs().reference(txn, *blob, "somebody");
    }));
    ASSERT_TRUE(store.close());
  }
  const SalvageReport report = salvaged();
  EXPECT_TRUE(report.complete()) << testing::PrintToString(report.doubts);
  EXPECT_EQ(report.blob_files, 1u);
  Store store = open(to_);
  Snapshot snapshot = std::move(*store.snapshot());
  auto reader = store.blobs().open(snapshot, ref);
  ASSERT_TRUE(reader) << reader.status().to_string();
  std::string found(content.size() + 1, '\0');
  EXPECT_EQ(*reader->read(found.data(), found.size()), content.size());
  found.resize(content.size());
  EXPECT_EQ(found, content);

  const std::vector<std::string> directories = *os_->list("/store/blobs");
  for (const std::string& directory : directories) {
    const auto names = os_->list("/store/blobs/" + directory);
    if (!names || names->empty()) continue;
    flip("/store/blobs/" + directory + "/" + names->front(), 60);
  }
  EXPECT_FALSE(salvaged().complete());
}

TEST_F(SalvageTest, NamedSnapshotsAreCarriedOverWithWhatTheyHad) {
  std::map<std::string, Contents> named;
  {
    Store store = open();
    for (const char* name : {"first", "dropped", "second", "same"}) {
      ASSERT_TRUE(store.create_snapshot(name));
      named[name] = contents_of(*store.open_snapshot(name));
      if (name == std::string("second")) continue;
      for (int i = 0; i < 120; i += 3) put(store, key(i), value(i, 7) + name);
      for (int i = 1; i < 120; i += 10) erase(store, key(i));
      put(store, std::string("only ") + name, std::string(1500, 'o'));
    }
    named.erase("dropped");
    ASSERT_TRUE(store.drop_snapshot("dropped"));
    erase(store, "only first");
    ASSERT_TRUE(store.close());
  }
  const SalvageReport report = salvaged();
  EXPECT_TRUE(report.complete()) << testing::PrintToString(report.doubts);
  ASSERT_EQ(report.snapshots.size(), 3u);
  EXPECT_EQ(report.snapshots[0].name, "first");
  EXPECT_LT(report.snapshots[0].version, report.snapshots[1].version);
  EXPECT_LT(report.snapshots[2].version_new, report.version_new);
  without_names(found_);
  EXPECT_EQ(found_, model_);
  Store store = open(to_);
  EXPECT_EQ(store.list_snapshots()->size(), 3u);
  for (const auto& [name, expected] : named) {
    SCOPED_TRACE(name);
    EXPECT_EQ(contents_of(*store.open_snapshot(name)), expected);
  }
}

TEST_F(SalvageTest, DamageBesideASnapshotCostsNoMoreThanWithoutIt) {
  {
    Store store = open();
    ASSERT_TRUE(store.create_snapshot("before"));
    for (int i = 0; i < 120; i += 4) put(store, key(i), value(i, 7));
    for (int i = 1; i < 120; i += 4) erase(store, key(i));
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.close());
  }
  ASSERT_TRUE(dump_tree(*os_, "/store", {}, sink()));
  for (const Row& row : rows_of("page")) {
    const uint64_t pgno = std::stoull(field(row, "page"));
    SCOPED_TRACE("page " + std::to_string(pgno) + " of level " + field(row, "level"));
    damage_page(pgno);
    const SalvageReport report = salvaged();
    damage_page(pgno);  // and back
    without_names(found_);
    expect_truth(report);
  }
}

TEST_F(SalvageTest, ANamedSnapshotOfWhichAPageIsDamagedIsSaidToBeLeftBehind) {
  uint64_t version = 0;
  {
    Store store = open();
    ASSERT_TRUE(store.create_snapshot("whole"));
    for (int i = 0; i < 60; ++i) put(store, key(i), value(i, 8));
    version = store.create_snapshot("damaged")->version;
    for (int i = 0; i < 120; ++i) put(store, key(i), value(i, 9));
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.checkpoint());
    ASSERT_TRUE(store.close());
  }
  damage_page(page_born_at(version));
  const SalvageReport report = salvaged();
  ASSERT_EQ(report.doubts.size(), 1u) << testing::PrintToString(report.doubts);
  EXPECT_THAT(report.doubts[0], HasSubstr("\"damaged\" is not carried over"));
  EXPECT_THAT(report.damage, testing::Contains(HasSubstr("\"damaged\": page ")));
  ASSERT_EQ(report.snapshots.size(), 1u);
  EXPECT_EQ(report.snapshots[0].name, "whole");
  without_names(found_);
  EXPECT_EQ(found_, model_);
}

TEST_F(SalvageTest, AnyFlippedBitIsEitherMadeUpForOrSaid) {
  const std::string intact = read("/store/data");
  for (uint64_t offset = 13; offset < intact.size(); offset += 1031) {
    SCOPED_TRACE("offset " + std::to_string(offset));
    flip("/store/data", offset);
    const SalvageReport report = salvaged();
    flip("/store/data", offset);
    expect_truth(report);
    if (HasFailure()) return;
  }
}

TEST(SpanMap, KeepsEachKeyInOneSpan) {
  SpanMap spans;
  EXPECT_EQ(spans.unassigned().size(), 1u);
  spans.assign({"b", "m"}, 5);
  spans.assign({"d", "f"}, std::nullopt);
  spans.assign({"x", std::nullopt}, 9);
  EXPECT_EQ(spans.at("c"), 5u);
  EXPECT_EQ(spans.at("d"), std::nullopt);
  EXPECT_EQ(spans.at("f"), 5u);
  EXPECT_EQ(spans.at("m"), std::nullopt);
  EXPECT_EQ(spans.at("z"), 9u);
  EXPECT_EQ(spans.version_min(), 5u);
  ASSERT_EQ(spans.unassigned().size(), 3u);
  EXPECT_EQ(spans.unassigned()[2].lower, "m");
  EXPECT_EQ(spans.unassigned()[2].upper, "x");
  const auto behind = spans.behind(7, {"c", "y"});
  ASSERT_EQ(behind.size(), 1u);
  EXPECT_EQ(behind[0].lower, "c");
  EXPECT_EQ(behind[0].upper, "x");
}

}  // namespace
}  // namespace holdfast::care
