// Handles inherited over fork(): refused in the child, untouched in the parent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

class ForkTest : public testing::TestWithParam<Durability> {
 protected:
  static StoreOptions options() {
    StoreOptions options;
    options.durability = GetParam();
    return options;
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(ForkTest, AnInheritedHandleIsRefusedAndTheParentGoesOn) {
  Store store = open_or_die(path_, options());
  const Space space = *store.space("project");
  ASSERT_TRUE(store.put("before", "1"));
  EXPECT_EQ(run_in_child([&] {
              EXPECT_EQ(store.get("before").status().code(), StatusCode::kForked);
              EXPECT_EQ(store.put("child", "x").status().code(), StatusCode::kForked);
              EXPECT_EQ(store.del("before").status().code(), StatusCode::kForked);
              EXPECT_EQ(store.begin().status().code(), StatusCode::kForked);
              EXPECT_EQ(store.snapshot().status().code(), StatusCode::kForked);
              EXPECT_EQ(store.flush().code(), StatusCode::kForked);
              EXPECT_EQ(store.checkpoint().code(), StatusCode::kForked);
              EXPECT_EQ(store.close().code(), StatusCode::kForked);
              EXPECT_EQ(store.check().status().code(), StatusCode::kForked);
              EXPECT_EQ(store.stats().status().code(), StatusCode::kForked);
              EXPECT_EQ(store.update([](Transaction&) { return Status::ok(); }).status().code(),
                        StatusCode::kForked);
              EXPECT_EQ(space.kv().put("key", "x").code(), StatusCode::kForked);
              EXPECT_EQ(space.observations().count().status().code(), StatusCode::kForked);
            }),
            ChildProcess::kSuccess);
  ASSERT_TRUE(store.put("after", "2"));
  EXPECT_EQ(contents(store), (std::map<std::string, std::string>{{"after", "2"}, {"before", "1"}}));
  EXPECT_EQ(store.stats()->processes, 1u);
  expect_sound(store);
}

TEST_P(ForkTest, TheChildOpensAnewAndBothWrite) {
  Store store = open_or_die(path_, options());
  Gate gate;
  ChildProcess child = ChildProcess::start([&] {
    Store own = open_or_die(path_, options());
    gate.pass();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(own.put("child" + std::to_string(i), "c"));
  });
  gate.open_for(1);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store.put("parent" + std::to_string(i), "p"));
  EXPECT_EQ(child.wait(), ChildProcess::kSuccess);
  EXPECT_EQ(contents(store).size(), 100u);
  EXPECT_EQ(store.stats()->version, 100u);
  expect_sound(store);
}

TEST_P(ForkTest, AnInheritedHandleMayBeDroppedAndDoesNotEndTheParents) {
  Store store = open_or_die(path_, options());
  ASSERT_TRUE(store.put("before", "1"));
  EXPECT_EQ(run_in_child([&] { Store dropped = std::move(store); }), ChildProcess::kSuccess);
  EXPECT_EQ(store.stats()->processes, 1u);
  // Still attached: another process joins instead of starting cold.
  EXPECT_EQ(run_in_child([&] {
              Store other = open_or_die(path_, options());
              EXPECT_FALSE(other.recovery().cold);
              EXPECT_EQ(other.stats()->processes, 2u);
              EXPECT_TRUE(other.put("other", "2"));
            }),
            ChildProcess::kSuccess);
  ASSERT_TRUE(store.put("after", "3"));
  EXPECT_EQ(contents(store).size(), 3u);
}

// The thread that looks after the indexes of the space is not there to be waited for.
TEST_P(ForkTest, AnInheritedSpaceMayBeDroppedWhileItsIndexesAreLookedAfter) {
  Store store = open_or_die(path_, options());
  std::optional<Space> space = *store.space("project");
  const std::vector<NewObservation> many(200, {.content = "login fails"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(space->observations().add_all(many));
  EXPECT_EQ(run_in_child([&] {
              EXPECT_EQ(space->observations().add_all(many).status().code(), StatusCode::kForked);
              space.reset();
            }),
            ChildProcess::kSuccess);
  ASSERT_TRUE(space->observations().add_all(many));
  EXPECT_EQ(*space->observations().count(), 800u);
}

// The child keeps the parent's lock file open; that must not make the dead parent look alive.
TEST_P(ForkTest, AParentThatDiesIsSeenAsDeadThoughItsChildLives) {
  Channel ready;
  Channel hold;
  const auto end = run_in_child([&] {
    Store store = open_or_die(path_, options());
    ASSERT_TRUE(store.put("before", "1"));
    Transaction txn = std::move(*store.begin());
    ASSERT_TRUE(txn.put("never", "x"));
    // Not a ChildProcess: it must outlive its parent.
    if (::fork() == 0) {
      hold.close_sending();
      ready.send("x");
      (void)hold.receive(1);
      ::_exit(0);
    }
    (void)ready.receive(1);
    die_by_kill();
  });
  EXPECT_EQ(end, (ChildProcess::End{-1, SIGKILL}));
  Store store = open_or_die(path_, options());
  ASSERT_TRUE(store.put("after", "2"));
  EXPECT_EQ(contents(store), (std::map<std::string, std::string>{{"after", "2"}, {"before", "1"}}));
  expect_sound(store);
  hold.close_sending();
}

INSTANTIATE_TEST_SUITE_P(Durabilities, ForkTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

}  // namespace
}  // namespace holdfast
