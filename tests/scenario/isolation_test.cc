// What one project remembers never reaches another, by any way of reading; and what can be found
// can still be found after every kind of reopening.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class IsolationTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

// Names that a careless prefix scan would confuse.
const std::vector<SpaceSegments> kProjects = {
    {"acme"},      {"acme-corp"},         {"acm"},      {"acme", "corp"},
    {"acme/corp"}, {"acme", "corp", "x"}, {"acme\x01"}, {"Acme"}};

// Words that have no part in common.
std::string secret_of(size_t project) {
  return std::vector{
      "amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heron"}[project];
}

std::vector<std::string> found_in(Store& store, size_t project) {
  const Space space = *store.space(kProjects[project]);
  const auto hits = space.recall({.text = "number 3"});
  EXPECT_TRUE(hits) << hits.status().to_string();
  std::vector<std::string> found;
  for (const RecallHit& hit : *hits) {
    found.push_back(hit.observation.id + std::to_string(hit.score) + hit.snippet);
  }
  return found;
}

void fill(Store& store, size_t project) {
  const Space space = *store.space(kProjects[project]);
  for (int i = 0; i < 5; ++i) {
    NewObservation observation;
    observation.content = "shared anchor " + secret_of(project) + " number " + std::to_string(i);
    observation.kind = "note";
    observation.source = "shared";
    observation.tags = {"shared"};
    observation.key = "key" + std::to_string(i);
    const auto id = space.observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
  }
  ASSERT_TRUE(space.kv().put("shared", secret_of(project)));
  ASSERT_TRUE(space.kv().put("only" + std::to_string(project), secret_of(project)));
}

// Every way of reading `project` gives what is its own, all of it, and nothing else.
template <typename... View>
void expect_only_its_own(const Space& space, size_t project, View&... view) {
  const std::string secret = secret_of(project);
  const auto hits = space.recall(view..., {.text = "shared anchor", .limit = 1000});
  ASSERT_TRUE(hits) << hits.status().to_string();
  EXPECT_EQ(hits->size(), 5u);
  for (const RecallHit& hit : *hits) {
    EXPECT_THAT(hit.observation.content, HasSubstr(secret + " "));
    EXPECT_THAT(hit.snippet, HasSubstr(secret + " "));
  }
  const auto list = space.observations(view...).list({.limit = 1000});
  ASSERT_TRUE(list) << list.status().to_string();
  EXPECT_EQ(list->size(), 5u);
  for (const Observation& row : *list) EXPECT_THAT(row.content, HasSubstr(secret + " "));
  EXPECT_EQ(*space.observations(view...).count(), 5u);
  const auto entries = space.kv(view...).list();
  ASSERT_TRUE(entries) << entries.status().to_string();
  EXPECT_EQ(entries->size(), 2u);
  for (const KvEntry& entry : *entries) EXPECT_EQ(entry.value, secret);
  for (size_t other = 0; other < kProjects.size(); ++other) {
    if (other == project) continue;
    const auto foreign = space.recall(view..., {.text = secret_of(other)});
    ASSERT_TRUE(foreign) << foreign.status().to_string();
    EXPECT_THAT(*foreign, IsEmpty()) << space.path() << " finds " << secret_of(other);
    EXPECT_EQ(*space.kv(view...).get("only" + std::to_string(other)), std::nullopt);
  }
}

TEST_F(IsolationTest, NoWayOfReadingLeavesTheProject) {
  std::vector<ChildProcess> writers;
  for (size_t project = 0; project < kProjects.size(); ++project) {
    writers.push_back(ChildProcess::start([&, project] {
      Store store = open_or_die(path_);
      fill(store, project);
    }));
  }
  for (ChildProcess& writer : writers) ASSERT_EQ(writer.wait(), ChildProcess::kSuccess);
  for (const bool cold : {false, true}) {
    if (cold) reboot(path_);
    Store store = open_or_die(path_);
    for (size_t project = 0; project < kProjects.size(); ++project) {
      const Space space = *store.space(kProjects[project]);
      SCOPED_TRACE(space.path());
      expect_only_its_own(space, project);
      Snapshot snapshot = std::move(*store.snapshot());
      expect_only_its_own(space, project, snapshot);
      Transaction transaction = std::move(*store.begin());
      expect_only_its_own(space, project, transaction);
    }
  }
}

TEST_F(IsolationTest, AnIdOfAnotherProjectIsNotFound) {
  Store store = open_or_die(path_);
  for (size_t project = 0; project < kProjects.size(); ++project) fill(store, project);
  for (size_t owner = 0; owner < kProjects.size(); ++owner) {
    const auto list = store.space(kProjects[owner])->observations().list();
    for (size_t other = 0; other < kProjects.size(); ++other) {
      if (other == owner) continue;
      const Space space = *store.space(kProjects[other]);
      for (const Observation& row : *list) {
        EXPECT_EQ(space.observations().get(row.id).status().code(), StatusCode::kNotFound);
        EXPECT_EQ(space.observations().remove(row.id).code(), StatusCode::kNotFound);
      }
    }
    EXPECT_EQ(*store.space(kProjects[owner])->observations().count(), 5u);
  }
}

TEST_F(IsolationTest, AskingAProjectThatDoesNotExistFindsNothingAndMakesNothing) {
  Store store = open_or_die(path_);
  fill(store, 0);
  const uint64_t version = store.stats()->version;
  const Space space = *store.space("elsewhere");
  EXPECT_THAT(*space.recall({.text = "anchor"}), IsEmpty());
  EXPECT_THAT(*space.observations().list(), IsEmpty());
  EXPECT_THAT(*space.kv().list(), IsEmpty());
  EXPECT_EQ(store.stats()->version, version);
  Snapshot snapshot = std::move(*store.snapshot());
  EXPECT_EQ(list_spaces(snapshot)->size(), 1u);
}

TEST_F(IsolationTest, TheSearchIndexSurvivesEveryKindOfReopening) {
  std::vector<std::string> expected;
  {
    Store store = open_or_die(path_);
    for (size_t project = 0; project < kProjects.size(); ++project) fill(store, project);
    expected = found_in(store, 3);
    ASSERT_THAT(expected, Not(IsEmpty()));
  }
  const auto found = [&] {
    Store store = open_or_die(path_);
    return found_in(store, 3);
  };
  EXPECT_EQ(found(), expected) << "warm";
  reboot(path_);
  EXPECT_EQ(found(), expected) << "cold";
  EXPECT_EQ(run_in_child([&] {
              Store store = open_or_die(path_);
              Transaction txn = std::move(*store.begin());
              NewObservation lost;
              lost.content = "number 3 that was never committed";
              ASSERT_TRUE(store.space(kProjects[3])->observations(txn).add(lost));
              die_by_kill();
            }),
            (ChildProcess::End{-1, SIGKILL}));
  EXPECT_EQ(found(), expected) << "after a kill";
}

}  // namespace
}  // namespace holdfast
