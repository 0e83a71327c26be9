// Records of the log that no build writes, under a right checksum: they are told of where they are
// read, by every call, by a check and by a cold start.
#include <set>

#include "support/store_world.h"

namespace holdfast::store {
namespace {

using testing::Contains;
using testing::HasSubstr;

enum class Nonsense : uint8_t { kCutShort, kUnknownOperation };

// Appends a commit whose second operation is none. `synced`: by one who lived to make it durable.
void append_nonsense(TestMachine& machine, Nonsense nonsense) {
  const auto context = machine.attach();
  log::PayloadBuilder payload("");
  payload.put("w1", "sense");
  const size_t second = payload.payload().size();
  payload.put("w2", "nonsense");
  char* const at = const_cast<char*>(payload.payload().data()) + second;  // its kind and key size
  at[nonsense == Nonsense::kCutShort ? 1 : 0] = 0x7f;
  ASSERT_TRUE(append(*context, payload, {}, {}, context->deadline()));
}

class SpoiledRecordTest : public testing::TestWithParam<Nonsense> {
 protected:
  StatusCode expected() const {
    return GetParam() == Nonsense::kCutShort ? StatusCode::kCorruption : StatusCode::kUnsupported;
  }
};

TEST_P(SpoiledRecordTest, IsToldByEveryCallThatReadsIt) {
  int told = 0;
  for_each_call([&](const ApiCall& call) {
    World world(Durability::strict, std::chrono::milliseconds(20));
    append_nonsense(world.machine, GetParam());
    const Status status = call.run(world);
    // A check says it in its own words.
    const std::set<StatusCode> answers = {StatusCode::kOk, expected(), StatusCode::kCorruption};
    EXPECT_TRUE(answers.contains(status.code())) << status.to_string();
    told += !status;
    // Once the commit is durable, nobody can tell what it has done to this row.
    const auto row = world.store->get(row_key(1));
    EXPECT_TRUE(row ? *row == row_value(1) : row.status().code() == expected())
        << call.name << ": " << row.status().to_string();
  });
  EXPECT_GT(told, 10);
}

TEST_P(SpoiledRecordTest, IsToldByAColdStart) {
  for (const bool with_range : {false, true}) {
    TestMachine machine;
    {
      Store store = machine.open();
      ASSERT_TRUE(store.put("a", "1"));
      if (with_range) {
        ASSERT_TRUE(store.update([](Transaction& txn) { return txn.del_range({"b", "c"}); }));
      }
      append_nonsense(machine, GetParam());
      ASSERT_TRUE(store.put("c", "1") || true);
    }
    machine.reboot();
    EXPECT_EQ(machine.try_open().status().code(), expected());
  }
}

TEST_P(SpoiledRecordTest, IsToldByACheck) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("a", "1"));
  append_nonsense(machine, GetParam());
  const auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(report->problems, Contains(HasSubstr("cannot be taken apart")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, SpoiledRecordTest,
                         testing::Values(Nonsense::kCutShort, Nonsense::kUnknownOperation),
                         [](const auto& with) {
                           return with.param == Nonsense::kCutShort ? "CutShort"
                                                                    : "UnknownOperation";
                         });

}  // namespace
}  // namespace holdfast::store
