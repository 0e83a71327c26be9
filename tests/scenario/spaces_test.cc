// Processes that write to spaces while others rename them, or put them into the trash and give them
// back elsewhere, and remove them, all of them killed now and then: a removed space leaves nothing
// behind, and no write strays into another space.
#include <gtest/gtest.h>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr int kWriters = 12;
constexpr int kMovers = 4;
constexpr int kDeaths = 8;
constexpr int kRounds = 40;

class SpacesScenario : public testing::Test {
 protected:
  // Every value says which space it was put into; the handle is one that remembers its space.
  void write(int writer, Channel& told) {
    Store store = open_or_die(path_);
    const std::string path = "team/" + std::to_string(writer % 3);
    const Space space = *store.space(path);
    for (int round = 0; round < kRounds; ++round) {
      const std::string key = std::to_string(writer) + "/" + std::to_string(round % 5);
      ASSERT_TRUE(space.kv().put(key, path, {.ttl = std::chrono::hours(1)}));
      ASSERT_TRUE(space.kv().add("hits", 1));
      ASSERT_TRUE(space.queue("work").push({.payload = path}));
      told.send("x");
    }
  }

  // Who is killed in between leaves it in the trash.
  static Status by_trash(const Spaces& spaces, const SpaceSegments& from, const SpaceSegments& to) {
    HOLDFAST_ASSIGN(const uint64_t id, spaces.trash(from));
    return spaces.restore(id, to);
  }

  // Moves a space away, looks whether all in it is its own, and removes it.
  void move_and_remove(int mover, Channel& told) {
    Store store = open_or_die(path_);
    const Spaces spaces(store);
    for (int round = 0; round < kRounds; ++round) {
      const std::string from = "team/" + std::to_string(round % 3);
      const SpaceSegments to = {"away", std::to_string(mover)};
      const Status renamed = round % 2 == 0 ? spaces.rename(*parse_space_path(from), to)
                                            : by_trash(spaces, *parse_space_path(from), to);
      told.send("x");
      if (renamed.code() == StatusCode::kNotFound) continue;  // another was quicker
      ASSERT_TRUE(renamed) << renamed.to_string();
      const auto entries = store.space(to)->kv().list({.limit = 10'000});
      ASSERT_TRUE(entries) << entries.status().to_string();
      for (const KvEntry& entry : *entries) EXPECT_EQ(entry.value, from);
      const Status removed = spaces.remove(to);
      ASSERT_TRUE(removed) << removed.to_string();
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(SpacesScenario, NothingIsLeftThoughWritersAndRemoversAreKilled) {
  Channel told;
  std::vector<ChildProcess> crew;
  // The first eight die: movers, whose half-done move the next one finds, are among them.
  for (int i = 0; i < kMovers / 2; ++i) {
    crew.push_back(ChildProcess::start([&, i] { move_and_remove(i, told); }));
  }
  for (int i = 0; i < kWriters; ++i) {
    crew.push_back(ChildProcess::start([&, i] { write(i, told); }));
  }
  for (int i = kMovers / 2; i < kMovers; ++i) {
    crew.push_back(ChildProcess::start([&, i] { move_and_remove(i, told); }));
  }
  for (int death = 0; death < kDeaths; ++death) {
    ASSERT_TRUE(told.receive(20));
    crew[static_cast<size_t>(death)].kill();
    crew[static_cast<size_t>(death)].wait();
  }
  told.close_sending();
  for (size_t i = kDeaths; i < crew.size(); ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path_);
  for (const char* top : {"team", "away"}) {
    const Status removed = Spaces(store).remove({top}, SubSpaces::include);
    EXPECT_TRUE(removed || removed.code() == StatusCode::kNotFound) << removed.to_string();
  }
  const auto trashed = Spaces(store).trashed();
  for (const TrashedSpace& one : *trashed) EXPECT_TRUE(Spaces(store).purge(one.id));
  // What is left are the catalog's two counters.
  auto snapshot = store.snapshot();
  size_t keys = 0;
  for (Cursor cursor = snapshot->scan({}); cursor.valid(); cursor.next()) ++keys;
  EXPECT_EQ(keys, 2u);
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
