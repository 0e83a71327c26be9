#include "store/named.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <utility>

#include "store/append.h"
#include "store/page_allocation.h"
#include "store/reclaim.h"
#include "store/test_interloper.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NamedSnapshotTest : public testing::Test {
 protected:
  void overwrite_all(const std::string& value) {
    Transaction txn = std::move(*store_->begin());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(txn.put("key" + std::to_string(i), value));
    const auto version = txn.commit();
    ASSERT_TRUE(version) << version.status().to_string();
  }
  void create(const std::string& name) {
    const auto created = store_->create_snapshot(name);
    ASSERT_TRUE(created) << created.status().to_string();
  }
  void reopen_cold() {
    store_.reset();
    machine_.reboot();
    store_ = machine_.open();
  }
  void expect_all(const std::string& name, const std::string& value) {
    auto snapshot = store_->open_snapshot(name);
    ASSERT_TRUE(snapshot) << snapshot.status().to_string();
    const KeyRange keys = KeyRange::prefix("key");
    int count = 0;
    Cursor cursor = snapshot->scan(keys);
    for (; cursor.valid(); cursor.next(), ++count) ASSERT_EQ(cursor.value(), value);
    ASSERT_TRUE(cursor.status()) << cursor.status().to_string();
    EXPECT_EQ(count, 200);
  }
  void expect_sound() { EXPECT_THAT(store_->check()->problems, IsEmpty()); }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    const std::vector<NamedSnapshot> list = *store_->list_snapshots();
    for (const NamedSnapshot& each : list) all.push_back(each.name);
    return all;
  }
  // Everything that can be let go is let go.
  void reclaim_all() {
    overwrite_all("x");
    ASSERT_TRUE(store_->checkpoint());
    overwrite_all("x");
    ASSERT_TRUE(store_->checkpoint());
    const auto context = machine_.attach();
    ASSERT_EQ(context->locks->apply.try_lock(false), LockOutcome::kAcquired);
    ASSERT_TRUE(reclaim(*context, ReclaimEffort::kThorough));
    context->locks->apply.unlock();
  }
  // What is not free is reached from the tree, a checkpoint or a named snapshot.
  void expect_nothing_else_kept() {
    const auto context = machine_.attach();
    const PublishedRoot latest = read_latest_root(context->control());
    std::vector<tree::Root> roots = {latest.root, root_of(*machine_.meta(0)).root,
                                     root_of(*machine_.meta(1)).root};
    const NamedList list = *read_named(*context, latest.root);
    for (const Named& named : list.named) roots.push_back(named.root.root);
    std::set<uint32_t> needed;
    for (const tree::Root& root : roots) {
      const auto visit = [&](const tree::VisitedRun& run) -> Result<bool> {
        for (uint32_t i = 0; i < run.count; ++i) needed.insert(run.pgno + i);
        return true;
      };
      ASSERT_TRUE(tree::walk(*context->pages, root, true, visit));
    }
    EXPECT_EQ(store_->stats()->file_pages - kFirstPage - store_->stats()->free_pages,
              needed.size());
    EXPECT_EQ(store_->stats()->leaked_pages, 0u);
  }

  TestMachine machine_;
  std::optional<Store> store_ = machine_.open();
};

TEST_F(NamedSnapshotTest, ShowsTheVersionThatWasNamed) {
  overwrite_all("old");
  const auto created = store_->create_snapshot("before");
  ASSERT_TRUE(created) << created.status().to_string();
  EXPECT_EQ(created->version, 1u);
  EXPECT_EQ(created->name, "before");
  for (int round = 0; round < 30; ++round) overwrite_all(std::to_string(round));
  expect_all("before", "old");
  EXPECT_EQ(store_->open_snapshot("before")->version(), 1u);
  expect_sound();
  EXPECT_EQ(store_->check()->snapshots, 1u);
}

TEST_F(NamedSnapshotTest, OfAnEmptyStoreIsEmpty) {
  create("empty");
  overwrite_all("later");
  reopen_cold();
  auto snapshot = store_->open_snapshot("empty");
  ASSERT_TRUE(snapshot);
  EXPECT_THAT(contents(*snapshot), IsEmpty());
  expect_sound();
}

TEST_F(NamedSnapshotTest, SurvivesRestartsAndWhatIsWrittenAfterThem) {
  overwrite_all("one");
  create("a");
  overwrite_all("two");
  create("b");
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 6; ++i) overwrite_all(std::to_string(i));
    expect_all("a", "one");
    expect_all("b", "two");
    expect_sound();
    reopen_cold();
    expect_all("a", "one");
    expect_all("b", "two");
    expect_sound();
  }
  EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(NamedSnapshotTest, LargeValuesAreKeptToo) {
  ASSERT_TRUE(store_->put("large", std::string(9000, 'a')));
  create("a");
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(store_->put("large", std::string(9000, static_cast<char>('b' + round))));
    if (round == 2) reopen_cold();
  }
  reopen_cold();
  EXPECT_EQ(**store_->open_snapshot("a")->get_view("large"), std::string(9000, 'a'));
  expect_sound();
}

TEST_F(NamedSnapshotTest, CostsItsOwnPagesOnly) {
  overwrite_all("old");
  create("a");
  for (int round = 0; round < 10; ++round) overwrite_all(std::to_string(round));
  const uint64_t before = store_->stats()->file_pages;
  for (int round = 0; round < 300; ++round) overwrite_all(std::to_string(round));
  EXPECT_LE(store_->stats()->file_pages, before + 256);
  expect_all("a", "old");
  expect_sound();
}

TEST_F(NamedSnapshotTest, DroppingOneFreesExactlyWhatNoOtherNeeds) {
  for (const bool cold : {false, true}) {
    SCOPED_TRACE(cold);
    overwrite_all("zero");
    create("keep1");
    overwrite_all("one");
    overwrite_all("two");
    create("drop");
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(store_->put("key" + std::to_string(i), "three"));
    create("keep2");
    reclaim_all();
    expect_nothing_else_kept();
    if (cold) reopen_cold();
    ASSERT_TRUE(store_->drop_snapshot("drop"));
    reclaim_all();
    expect_nothing_else_kept();
    ASSERT_TRUE(store_->drop_snapshot("keep2"));
    reclaim_all();
    expect_nothing_else_kept();
    expect_all("keep1", "zero");
    expect_sound();
    ASSERT_TRUE(store_->drop_snapshot("keep1"));
    reclaim_all();
    expect_nothing_else_kept();
  }
}

TEST_F(NamedSnapshotTest, SaysHowManyPagesEachHoldsAlone) {
  overwrite_all("old");
  create("a");
  overwrite_all("new");
  reclaim_all();
  const std::vector<NamedSnapshot> all = *store_->list_snapshots();
  ASSERT_EQ(all.size(), 1u);
  const CheckReport report = *store_->check();
  // Every page of the old version but the few of the names.
  EXPECT_NEAR(static_cast<double>(all[0].pages_held),
              static_cast<double>(report.leaf_pages + report.branch_pages), 6);
  EXPECT_EQ(store_->stats()->snapshots[0].pages_held, all[0].pages_held);
  create("b");
  EXPECT_LE(store_->list_snapshots()->at(1).pages_held, 3u);  // all but the names are of now
}

TEST_F(NamedSnapshotTest, OneThatIsReadMayBeDropped) {
  overwrite_all("old");
  create("a");
  Store other = machine_.open();
  Snapshot read = std::move(*other.open_snapshot("a"));
  ASSERT_TRUE(store_->drop_snapshot("a"));
  for (int round = 0; round < 20; ++round) overwrite_all(std::to_string(round));
  ASSERT_TRUE(store_->checkpoint());
  reclaim_all();
  for (const auto& [key, value] : contents(read)) EXPECT_EQ(value, "old");
  EXPECT_EQ(other.open_snapshot("a").status().code(), StatusCode::kNotFound);
}

TEST_F(NamedSnapshotTest, NamesAreChecked) {
  EXPECT_EQ(store_->create_snapshot("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->create_snapshot(std::string(65, 'n')).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->open_snapshot("none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(store_->drop_snapshot("none").code(), StatusCode::kNotFound);
  create(std::string(64, 'n'));
  const auto twice = store_->create_snapshot(std::string(64, 'n'));
  EXPECT_EQ(twice.status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(store_->stats()->snapshots.size(), 1u);
  const auto context = machine_.attach();
  EXPECT_EQ(named_count(context->control()), 1u);
}

TEST_F(NamedSnapshotTest, ThereMayBeSixtyFourAndAllSurvive) {
  for (size_t i = 0; i < kNamedSnapshotsMax; ++i) {
    ASSERT_TRUE(store_->put("key", std::to_string(i)));
    create("s" + std::to_string(i));
  }
  EXPECT_EQ(store_->create_snapshot("one more").status().code(), StatusCode::kTooLarge);
  expect_sound();
  reopen_cold();
  for (size_t i = 0; i < kNamedSnapshotsMax; ++i) {
    auto snapshot = store_->open_snapshot("s" + std::to_string(i));
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(**snapshot->get("key"), std::to_string(i));
  }
  EXPECT_THAT(store_->recovery().warnings, IsEmpty());
  ASSERT_TRUE(store_->drop_snapshot("s5"));
  create("one more");
  expect_sound();
}

TEST_F(NamedSnapshotTest, BatchedStoresNameDurableVersions) {
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  store_.reset();
  store_ = machine_.open(options);
  overwrite_all("old");
  create("a");
  EXPECT_EQ(store_->stats()->durable_version, 2u);
  overwrite_all("new");
  expect_all("a", "old");
  ASSERT_TRUE(store_->drop_snapshot("a"));
  EXPECT_EQ(store_->stats()->durable_version, 4u);
}

TEST_F(NamedSnapshotTest, InMemoryStoresHaveThemToo) {
  Store memory = std::move(*Store::memory());
  ASSERT_TRUE(memory.put("a", "1"));
  ASSERT_TRUE(memory.create_snapshot("s"));
  ASSERT_TRUE(memory.put("a", "2"));
  EXPECT_EQ(**memory.open_snapshot("s")->get("a"), "1");
}

TEST_F(NamedSnapshotTest, APinThatADeadCreatorLeftIsSettledByTheNextCheckpoint) {
  overwrite_all("old");
  const auto context = machine_.attach();
  ControlBlock& control = context->control();
  control.named.unsettled.store(1);
  ASSERT_TRUE(pin_name(control, 1));
  overwrite_all("new");
  EXPECT_EQ(named_count(control), 1u);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(named_count(control), 0u);
  EXPECT_EQ(control.named.unsettled.load(), 0u);
}

TEST_F(NamedSnapshotTest, ADamagedOneIsReportedAndTheRestStays) {
  overwrite_all("old");
  create("a");
  overwrite_all("new");
  reclaim_all();
  uint64_t damaged = 0;
  {
    const auto context = machine_.attach();
    const NamedList list = *read_named(*context, read_latest_root(context->control()).root);
    ASSERT_EQ(list.named.size(), 1u);
    damaged = list.named[0].root.root.page.pgno;
  }
  store_.reset();
  machine_.flip(machine_.data_path(), damaged * 512 + 100);
  machine_.reboot();
  store_ = machine_.open();
  EXPECT_THAT(store_->recovery().warnings, ElementsAre(HasSubstr("snapshot \"a\" is damaged")));
  EXPECT_THAT(names(), ElementsAre("a"));
  EXPECT_THAT(store_->check()->problems, testing::Contains(HasSubstr("snapshot \"a\"")));
  ASSERT_TRUE(store_->drop_snapshot("a"));
  expect_sound();
}

TEST_F(NamedSnapshotTest, WhereNamesCannotBeReadNoPageIsUsedAgain) {
  overwrite_all("old");
  create("a");
  overwrite_all("new");
  ASSERT_TRUE(store_->checkpoint());
  // As a name whose record rotted before it was written.
  ASSERT_TRUE(store_->put(named_key("b"), "no record"));
  ASSERT_TRUE(store_->checkpoint());
  reopen_cold();
  EXPECT_THAT(store_->recovery().warnings, ElementsAre(HasSubstr("no page of the data file")));
  EXPECT_EQ(store_->open_snapshot("b").status().code(), StatusCode::kCorruption);
  expect_all("a", "old");
  const uint64_t leaked = store_->stats()->leaked_pages;
  EXPECT_GT(leaked, 0u);
  for (int round = 0; round < 5; ++round) overwrite_all(std::to_string(round));
  expect_all("a", "old");
  ASSERT_TRUE(store_->drop_snapshot("b"));
  expect_sound();
  ASSERT_TRUE(store_->checkpoint());
  reopen_cold();
  EXPECT_THAT(store_->recovery().warnings, IsEmpty());
  EXPECT_EQ(store_->stats()->leaked_pages, 0u);
  expect_all("a", "old");
  expect_sound();
}

TEST_F(NamedSnapshotTest, AFallBackToTheOlderCheckpointKeepsThem) {
  overwrite_all("old");
  ASSERT_TRUE(store_->checkpoint());
  overwrite_all("named");
  create("a");
  const uint64_t number = store_->stats()->checkpoints;
  overwrite_all("new");
  const int newest = static_cast<int>(number & 1);
  ASSERT_EQ(machine_.meta(newest)->version, store_->list_snapshots()->at(0).version);
  store_.reset();
  machine_.write(machine_.data_path(), static_cast<uint64_t>(1 + newest) * 512,
                 std::string(512, '\0'));
  machine_.reboot();
  store_ = machine_.open();
  expect_all("a", "named");
  expect_sound();
  for (int round = 0; round < 10; ++round) overwrite_all(std::to_string(round));
  expect_all("a", "named");
  expect_sound();
}

TEST_F(NamedSnapshotTest, DeletingARangeOfKeysLeavesTheNamesAlone) {
  overwrite_all("1");
  create("a");
  for (const KeyRange& range : {KeyRange::all(), KeyRange{"", "\x0f\x73"}, KeyRange{"\x0f", "\x10"},
                                KeyRange{"\x0f\x73", ""}, KeyRange{"\x01", "z"}}) {
    ASSERT_TRUE(store_->update([&](Transaction& txn) { return txn.del_range(range); }));
    EXPECT_THAT(names(), ElementsAre("a"));
  }
  EXPECT_EQ(*store_->get("key1"), std::nullopt);
  expect_all("a", "1");
  ASSERT_TRUE(store_->drop_snapshot("a"));
  expect_sound();
}

// --- Pins and records.

TEST_F(NamedSnapshotTest, PinsAreTakenOnceGivenUpAndNotMoreThanThereIsRoomFor) {
  const auto context = machine_.attach();
  ControlBlock& control = context->control();
  for (uint64_t version = 1; version <= kNamedPins; ++version) {
    ASSERT_TRUE(pin_name(control, version));
    ASSERT_TRUE(pin_name(control, version));
  }
  EXPECT_EQ(named_count(control), kNamedPins);
  EXPECT_EQ(pin_name(control, kNamedPins + 1).code(), StatusCode::kTooLarge);
  unpin_name(control, 7);
  unpin_name(control, kNamedPins + 1);
  EXPECT_FALSE(is_named(control, 7));
  EXPECT_TRUE(is_named(control, 8));
  EXPECT_EQ(named_count(control), kNamedPins - 1);
  EXPECT_TRUE(pin_name(control, kNamedPins + 1));
}

TEST_F(NamedSnapshotTest, ARecordUnderAnotherKeyIsNone) {
  Named named;
  named.name = "a";
  const std::string value = named_value(named);
  EXPECT_TRUE(parse_named(named_key("a"), value));
  EXPECT_FALSE(parse_named(named_key("b"), value));
  EXPECT_FALSE(parse_named("a", value));
  EXPECT_FALSE(parse_named(named_key("a"), value.substr(1)));
}

// Where a record is damaged nobody can tell what it pins: a name that is dropped gives up nothing.
TEST_F(NamedSnapshotTest, NothingIsLetGoWhileARecordIsDamaged) {
  overwrite_all("1");
  create("one");
  create("two");
  ASSERT_TRUE(store_->put(named_key("one"), "damaged"));
  const auto context = machine_.attach();
  const uint32_t before = named_count(context->control());
  ASSERT_TRUE(store_->drop_snapshot("two"));
  EXPECT_EQ(named_count(context->control()), before);
  ASSERT_TRUE(store_->drop_snapshot("one"));
  EXPECT_EQ(named_count(context->control()), 0u);
}

// --- Beside others who write the same keys by hand, or drop and create at each moment.

class BusyNamesTest : public testing::Test {
 protected:
  // `act` is done before each call to the machine, but its own.
  void act_always(const std::function<void()>& act) {
    os_.before_each = [this, act, inside = false]() mutable {
      if (std::exchange(inside, true)) return;
      ++acts_;
      act();
      inside = false;
    };
  }
  static StoreOptions hasty() {
    StoreOptions options = TestMachine::small_store();
    options.deadline = std::chrono::milliseconds(5);
    return options;
  }

  TestMachine machine_;
  FaultyOs os_{machine_.os()};
  Store other_ = machine_.open(hasty());
  Store store_ = std::move(*Store::open(os_, machine_.path(), hasty()));
  int acts_ = 0;
};

TEST_F(BusyNamesTest, WhoConflictsWithKeysWrittenByHandGivesUpInTheEnd) {
  act_always([&] { (void)other_.put(named_key("other"), std::to_string(acts_)); });
  const Status created = store_.create_snapshot("name").status();
  os_.before_each = nullptr;
  EXPECT_TRUE(created || created.code() == StatusCode::kConflict ||
              created.code() == StatusCode::kBusy)
      << created.to_string();
  EXPECT_GT(acts_, 1);
  ASSERT_TRUE(other_.drop_snapshot("other"));
  EXPECT_THAT(store_.check()->problems, IsEmpty());
}

TEST_F(BusyNamesTest, WhoConflictsOnceTriesAgain) {
  Store store = std::move(*Store::open(os_, machine_.path(), TestMachine::small_store()));
  for (const bool drops : {false, true}) {
    Interloper::Places places;
    for (bool acted = true; acted;) {
      if (drops) {
        ASSERT_TRUE(store.create_snapshot("name"));
      }
      Status status;
      {
        Interloper interloper(places, [&] {
          log::PayloadBuilder payload("");
          payload.put(named_key("by hand"), std::to_string(places.size()));
          const auto context = machine_.attach(hasty());  // which the lock may be in the way of
          (void)append(*context, payload, {}, {}, context->deadline());
        });
        status = drops ? store.drop_snapshot("name") : store.create_snapshot("name").status();
        acted = interloper.has_acted();
      }
      EXPECT_TRUE(status) << status.to_string();
      ASSERT_TRUE(store.del(named_key("by hand")));  // or nothing would be let go
      if (!drops) {
        ASSERT_TRUE(store.drop_snapshot("name"));
      }
    }
    EXPECT_GT(places.size(), 50u);
  }
}

TEST_F(BusyNamesTest, ANameThatIsMadeAnewAllTheTimeIsOpenedOrSaidToBeGone) {
  ASSERT_TRUE(other_.create_snapshot("name"));
  for (int i = 0; i < 10; ++i) {
    act_always([&] {
      (void)other_.put("a", std::to_string(acts_));
      (void)other_.drop_snapshot("name");
      (void)other_.create_snapshot("name");
    });
    const auto snapshot = store_.open_snapshot("name");
    os_.before_each = nullptr;
    EXPECT_TRUE(snapshot || snapshot.status().code() == StatusCode::kNotFound)
        << snapshot.status().to_string();
  }
  EXPECT_TRUE(store_.open_snapshot("name"));
}

}  // namespace
}  // namespace holdfast::store
