#include "holdfast/spaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "memory/content_parts.h"
#include "memory/keys.h"

namespace holdfast {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SpacesTest : public testing::Test {
 protected:
  Space space(const std::string& path) { return *store_.space(path); }
  static SpaceSegments segments(const std::string& path) { return *parse_space_path(path); }
  void put(const std::string& path, const std::string& key, const std::string& value) {
    ASSERT_TRUE(space(path).kv().put(key, value));
  }
  std::string get(const std::string& path, const std::string& key) {
    const auto value = space(path).kv().get(key);
    EXPECT_TRUE(value) << value.status().to_string();
    return value ? value->value_or("-") : "";
  }
  std::vector<std::string> list() {
    auto snapshot = store_.snapshot();
    std::vector<std::string> paths;
    const auto spaces = list_spaces(*snapshot);
    EXPECT_TRUE(spaces);
    for (const SpaceSegments& found : *spaces) {
      paths.push_back(space_path_text(found));
    }
    return paths;
  }
  // Some commits do a step of it by themselves.
  void trim_histories() {
    while (*store_.trim_histories()) {
    }
  }
  // Every key of the store but the catalog's counters and the marks of dead blobs, which go with
  // their files when those are collected.
  std::set<std::string> keys() {
    trim_histories();
    auto snapshot = store_.snapshot();
    std::set<std::string> all;
    for (Cursor cursor = snapshot->scan({}); cursor.valid(); cursor.next()) {
      const std::string key(cursor.key());
      if (key != "\x01n" &&
          key !=
              "\x01"
              "e" &&
          key.substr(0, 2) != "\rx")
        all.insert(key);
    }
    return all;
  }
  // Something of every kind, in every form that stands by itself.
  void fill(const std::string& path) {
    const Space filled = space(path);
    ASSERT_TRUE(filled.kv().keep_history({.count = 3}, "doc/"));
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(filled.kv().put("doc/" + std::to_string(i % 2), "value"));
    }
    ASSERT_TRUE(filled.kv().put("expires", "v", {.ttl = std::chrono::hours(1)}));
    ASSERT_TRUE(filled.kv().add("counter", 1));
    auto writer = filled.kv().write();
    ASSERT_TRUE(writer->append("a large value"));
    const auto blob = writer->finish();
    ASSERT_TRUE(filled.kv().put("large", *blob));
    fill_observations(filled);
    fill_coordination(filled);
    fill_runs(filled.runs());
    fill_artifacts(filled.artifacts());
    ASSERT_TRUE(filled.registry().put({.kind = "k", .name = "n", .body = "b", .publish = true}));
    ASSERT_TRUE(filled.registry().take("k", "n"));
    ASSERT_TRUE(filled.records().add({.title = "t", .fields = {{"cause", "c"}}}));
  }
  static void fill_observations(const Space& filled) {
    const Observations observations = filled.observations();
    const auto first = observations.add({.content = "the clock was behind",
                                         .kind = "fact",
                                         .session = "s",
                                         .tags = {"t"},
                                         .metadata = "{\"a\":1}",
                                         .embedding = Embedding{"m", "1", {1, 0}},
                                         .key = "once"});
    ASSERT_TRUE(first);
    const auto derived = observations.add({.content = std::string(memory::kPartSizeMax + 1, 'x'),
                                           .derived_from = {*first},
                                           .embedding = Embedding{"m", "1", {0, 1}}});
    ASSERT_TRUE(derived);
    const std::vector<std::string> ids = {*first};
    ASSERT_TRUE(observations.reinforce(ids, Reinforcement::access));
    ASSERT_TRUE(observations.edit(*derived, {.title = "edited"}));
    ASSERT_TRUE(observations.forget(*derived));
    ASSERT_TRUE(observations.tier_step({.warm_after_us = 0, .cold_after_us = 0}));
    ASSERT_TRUE(filled.links().put({.from = link_end(*first), .type = "t", .to = "end"}));
    ASSERT_TRUE(observations.configure({}));
  }
  static void fill_coordination(const Space& filled) {
    ASSERT_TRUE(filled.queue("work").push({.payload = "payload", .key = "k"}));
    ASSERT_TRUE(filled.queue("work").take({}));
    ASSERT_TRUE(filled.claims().take("build"));
    ASSERT_TRUE(filled.events().stream("log").append({.data = "x"}));
    ASSERT_TRUE(filled.events().stream("log").consume("reader"));
    ASSERT_TRUE(filled.events().stream("log").retain({.count = 10}));
    ASSERT_TRUE(filled.cache("c").put("k", "v", {.ttl = std::chrono::hours(1), .tags = {"t"}}));
    ASSERT_TRUE(filled.inbox("in").mark("k"));
    ASSERT_TRUE(filled.outbox("out").add("t", "x"));
    ASSERT_TRUE(filled.messages().send({.to = "me", .body = "x"}));
    ASSERT_TRUE(filled.presence().enter({.agent = "me"}));
  }
  static void fill_runs(const Runs& runs) {
    const auto run = runs.start({.name = "run", .key = "k", .input = "1"});
    ASSERT_TRUE(run);
    ASSERT_TRUE(runs.open_gate(run->id, {.name = "gate"}));
    const auto begun = runs.begin(run->id, {.key = "a", .input = "1"});
    ASSERT_TRUE(begun);
    ASSERT_TRUE(runs.complete(*begun->lease, "2"));
    const std::vector<NewStep> waits = {{.key = "b", .after = {"a"}, .gates = {"gate"}}};
    ASSERT_TRUE(runs.define(run->id, waits));
  }
  // One small, one large, with all that a version can have.
  static void fill_artifacts(const Artifacts& artifacts) {
    ASSERT_TRUE(artifacts.put({.name = "data", .aliases = {"first"}}, "small"));
    ASSERT_TRUE(artifacts.put({.name = "model", .metadata = "{\"a\":1}", .parents = {"data"}},
                              std::string(kArtifactInlineMax + 1, 'x')));
    ASSERT_TRUE(artifacts.sign("model", "1", SigningKey{}));
  }

  Store store_ = *Store::memory();
  Spaces spaces_{store_};
};

TEST_F(SpacesTest, RenamingMovesTheWholeTree) {
  put("a/b", "k", "1");
  put("a/b/c", "k", "2");
  const Space before = space("a/b");
  EXPECT_EQ(**before.kv().get("k"), "1");
  ASSERT_TRUE(spaces_.rename(segments("a/b"), segments("x/y")));
  EXPECT_THAT(list(), ElementsAre("x/y", "x/y/c"));
  EXPECT_EQ(get("x/y", "k"), "1");
  EXPECT_EQ(get("x/y/c", "k"), "2");
  EXPECT_EQ(*before.kv().get("k"), std::nullopt);  // a handle that knew it
  ASSERT_TRUE(before.kv().put("k", "new"));
  EXPECT_EQ(get("x/y", "k"), "1");
  EXPECT_THAT(list(), ElementsAre("a/b", "x/y", "x/y/c"));
}

TEST_F(SpacesTest, RenamingThereAndBackIsAsBefore) {
  put("a/b", "k", "1");
  const auto before = keys();
  ASSERT_TRUE(spaces_.rename(segments("a/b"), segments("c")));
  ASSERT_TRUE(spaces_.rename(segments("c"), segments("a/b")));
  EXPECT_EQ(keys().size(), before.size());
  EXPECT_EQ(get("a/b", "k"), "1");
}

TEST_F(SpacesTest, RenamesThatCannotBeAreRefused) {
  put("a", "k", "1");
  put("b", "k", "2");
  put("a/1/2/3/4", "k", "deep");
  const auto before = keys();
  EXPECT_EQ(spaces_.rename(segments("a"), segments("b")).code(), StatusCode::kConditionFalse);
  EXPECT_EQ(spaces_.rename(segments("a"), segments("a/c")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(spaces_.rename(segments("a"), segments("a")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(spaces_.rename(segments("none"), segments("c")).code(), StatusCode::kNotFound);
  EXPECT_EQ(spaces_.rename(segments("a"), {}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(spaces_.rename(segments("a"), segments("1/2/3/4/5")).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keys(), before);
}

TEST_F(SpacesTest, ARemovedSpaceLeavesNothingBehind) {
  put("kept", "k", "1");
  fill("kept");
  // Some commits trim histories, also those of others, and write down where that has got to.
  for (int i = 0; i < 4; ++i) {
    fill("gone");
    ASSERT_TRUE(spaces_.remove(segments("gone")));
  }
  const auto before = keys();
  fill("gone/deep");
  fill("gone/deep/er");
  EXPECT_EQ(spaces_.remove(segments("gone/deep")).code(), StatusCode::kConditionFalse);
  EXPECT_EQ(spaces_.remove(segments("gone")).code(), StatusCode::kNotFound);
  ASSERT_TRUE(spaces_.remove(segments("gone"), SubSpaces::include));
  for (const std::string& key : keys())
    EXPECT_TRUE(before.contains(key)) << "left: " << testing::PrintToString(key);
  EXPECT_EQ(keys().size(), before.size());
  EXPECT_THAT(list(), ElementsAre("kept"));
  EXPECT_THAT(store_.check()->problems, IsEmpty());
  // The path is free, and nothing comes back.
  EXPECT_EQ(get("gone/deep", "expires"), "-");
  put("gone/deep", "k", "2");
  EXPECT_EQ(space("gone/deep").kv().list()->size(), 1u);
}

TEST_F(SpacesTest, AWriterThatDidNotSeeTheRemovalConflicts) {
  put("a", "k", "1");
  const Space known = space("a");
  ASSERT_TRUE(known.kv().get("k"));
  auto txn = store_.begin();
  ASSERT_TRUE(known.kv(*txn).put("other", "2"));
  ASSERT_TRUE(known.kv(*txn).add("hits", 1));
  ASSERT_TRUE(spaces_.remove(segments("a")));
  EXPECT_EQ(txn->commit().status().code(), StatusCode::kConflict);
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(SpacesTest, TheTrashGivesBackWhatItWasGiven) {
  fill("a/b");
  fill("a/b/c");
  const auto before = keys();
  EXPECT_EQ(spaces_.trash(segments("a/b")).status().code(), StatusCode::kConditionFalse);
  const auto id = spaces_.trash(segments("a/b"), SubSpaces::include);
  ASSERT_TRUE(id);
  EXPECT_THAT(list(), IsEmpty());
  EXPECT_EQ(get("a/b", "doc/1"), "-");
  const auto trashed = spaces_.trashed();
  ASSERT_EQ(trashed->size(), 1u);
  EXPECT_EQ(trashed->front().id, *id);
  EXPECT_EQ(trashed->front().segments, segments("a/b"));
  EXPECT_GT(trashed->front().trashed_us, 1'600'000'000'000'000u);
  put("a/b", "k", "in the way");
  EXPECT_EQ(spaces_.restore(*id).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(spaces_.remove(segments("a/b")));
  ASSERT_TRUE(spaces_.restore(*id));
  EXPECT_EQ(keys().size(), before.size());
  EXPECT_EQ(get("a/b/c", "doc/1"), "value");
  EXPECT_EQ(spaces_.restore(*id).code(), StatusCode::kNotFound);
}

TEST_F(SpacesTest, WhatIsPurgedIsGone) {
  fill("a");
  const auto id = spaces_.trash(segments("a"));
  ASSERT_TRUE(spaces_.purge(*id));
  EXPECT_THAT(keys(), IsEmpty());
  EXPECT_EQ(spaces_.purge(*id).code(), StatusCode::kNotFound);
  EXPECT_THAT(*spaces_.trashed(), IsEmpty());
}

TEST_F(SpacesTest, RestoringElsewhereIsPossible) {
  put("a", "k", "1");
  const auto id = spaces_.trash(segments("a"));
  ASSERT_TRUE(spaces_.restore(*id, segments("z/q")));
  EXPECT_EQ(get("z/q", "k"), "1");
}

TEST_F(SpacesTest, UsageIsWhatTheCountersSayAndLimitsHold) {
  fill("a");
  fill("a/b");
  auto usage = spaces_.usage(segments("a"));
  ASSERT_TRUE(usage) << usage.status().to_string();
  EXPECT_EQ(usage->observations, 3u) << "one of them a record, one forgotten";
  const uint64_t bytes_before = usage->observation_bytes;
  ASSERT_TRUE(space("a").observations().add({.content = "0123456789"}));
  usage = spaces_.usage(segments("a"));
  EXPECT_EQ(usage->observations, 4u);
  EXPECT_EQ(usage->observation_bytes, bytes_before + 10);
  EXPECT_EQ(usage->values, std::nullopt) << "only counted where they have a limit";
  ASSERT_TRUE(spaces_.limit(segments("a"), {.observations = 1, .values = 5, .value_bytes = 100}));
  usage = spaces_.usage(segments("a"));
  EXPECT_EQ(usage->values, spaces_.stats(segments("a"))->values);
  EXPECT_EQ(usage->limits.observations, 1u);
  EXPECT_EQ(space("a").observations().add({.content = "more"}).status().code(),
            StatusCode::kNoSpace);
  EXPECT_TRUE(space("a/b").observations().add({.content = "not of the sub-space"}));
  auto writer = space("a").kv().write();
  ASSERT_TRUE(writer->append(std::string(101, 'x')));
  EXPECT_EQ(space("a").kv().put("large", *writer->finish()).code(), StatusCode::kNoSpace);
  EXPECT_EQ(get("a", "large"), "a large value");
  ASSERT_TRUE(space("a").kv().del("large"));
  EXPECT_EQ(*spaces_.usage(segments("a"))->value_bytes, *usage->value_bytes - 13);
  EXPECT_EQ(spaces_.limit(segments("none"), {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(spaces_.usage(segments("none")).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(spaces_.remove(segments("a"), SubSpaces::include));
  EXPECT_THAT(keys(), IsEmpty());
}

TEST_F(SpacesTest, StatsCountWhatIsThere) {
  fill("a");
  fill("a/b");
  trim_histories();
  const auto one = spaces_.stats(segments("a"));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->spaces, 1u);
  EXPECT_EQ(one->values, 4u);
  EXPECT_EQ(one->counters, 1u);
  EXPECT_EQ(one->observations, 2u) << "one of them a record";
  EXPECT_EQ(one->blob_bytes, std::string("a large value").size() + kArtifactInlineMax + 1);
  EXPECT_GT(one->history_bytes, 0u);
  const auto both = spaces_.stats(segments("a"), true);
  EXPECT_EQ(both->spaces, 2u);
  EXPECT_EQ(both->keys, 2 * one->keys);
  EXPECT_EQ(spaces_.stats(segments("none")).status().code(), StatusCode::kNotFound);
}

TEST_F(SpacesTest, AllIsPartOfATransaction) {
  put("a", "k", "1");
  auto txn = store_.begin();
  ASSERT_TRUE(spaces_.rename(*txn, segments("a"), segments("b")));
  EXPECT_EQ(**space("b").kv(*txn).get("k"), "1");
  ASSERT_TRUE(spaces_.remove(*txn, segments("b")));
  ASSERT_TRUE(space("b").kv(*txn).put("k", "2"));
  txn->abort();
  EXPECT_THAT(list(), ElementsAre("a"));
}

// --- Random trees, renamed, trashed, restored and removed, against a map of paths.

bool is_below(const SpaceSegments& path, const SpaceSegments& above) {
  return path.size() >= above.size() && std::equal(above.begin(), above.end(), path.begin());
}

class RandomSpacesTest : public SpacesTest {
 protected:
  using Model = std::map<SpaceSegments, std::string>;
  struct InTrash {
    SpaceSegments path;
    Model spaces;  // by what follows the path
  };

  SpaceSegments random_path() {
    SpaceSegments path;
    for (uint64_t i = 0; i < 1 + random_() % 3; ++i) {
      path.push_back(std::string(1, static_cast<char>('a' + random_() % 3)));
    }
    return path;
  }
  bool exists(const SpaceSegments& path) {
    return std::any_of(model_.begin(), model_.end(),
                       [&](const auto& entry) { return is_below(entry.first, path); });
  }
  Model take(const SpaceSegments& above) {
    Model taken;
    for (auto at = model_.begin(); at != model_.end();) {
      if (!is_below(at->first, above)) {
        ++at;
        continue;
      }
      const auto rest = at->first.begin() + static_cast<ptrdiff_t>(above.size());
      taken[SpaceSegments(rest, at->first.end())] = at->second;
      at = model_.erase(at);
    }
    return taken;
  }
  void put_back(const SpaceSegments& above, const Model& taken) {
    for (const auto& [rest, value] : taken) {
      SpaceSegments path = above;
      path.insert(path.end(), rest.begin(), rest.end());
      model_[path] = value;
    }
  }

  void rename_one(const SpaceSegments& path, const SpaceSegments& other) {
    const bool may = exists(path) && !exists(other) && !is_below(other, path);
    ASSERT_EQ(spaces_.rename(path, other).is_ok(), may);
    if (may) put_back(other, take(path));
  }
  void trash_one(const SpaceSegments& path) {
    const auto id = spaces_.trash(path, SubSpaces::include);
    ASSERT_EQ(id.is_ok(), exists(path));
    if (id) bin_[*id] = {path, take(path)};
  }
  void restore_or_purge_one() {
    if (bin_.empty()) return;
    const auto [id, trashed] = *bin_.begin();
    const bool may = !exists(trashed.path);
    ASSERT_EQ(spaces_.restore(id).is_ok(), may);
    if (may) {
      put_back(trashed.path, trashed.spaces);
    } else {
      ASSERT_TRUE(spaces_.purge(id));
    }
    bin_.erase(id);
  }
  void step(int round) {
    const SpaceSegments path = random_path(), other = random_path();
    switch (random_() % 6) {
      case 0:
      case 1:
        model_[path] = std::to_string(round);
        ASSERT_TRUE(store_.space(path)->kv().put("k", std::to_string(round)));
        break;
      case 2:
        return rename_one(path, other);
      case 3:
        ASSERT_EQ(spaces_.remove(path, SubSpaces::include).is_ok(), exists(path));
        take(path);
        break;
      case 4:
        return trash_one(path);
      default:
        return restore_or_purge_one();
    }
  }

  std::mt19937_64 random_{3};
  Model model_;
  std::map<uint64_t, InTrash> bin_;
};

TEST_F(RandomSpacesTest, ATreeOfSpacesBehavesAsAMapOfPaths) {
  for (int round = 0; round < 400 && !HasFatalFailure(); ++round) {
    step(round);
    std::vector<std::string> expected;
    for (const auto& [space, value] : model_) expected.push_back(space_path_text(space));
    ASSERT_EQ(list(), expected) << round;
  }
  for (const auto& [path, value] : model_) EXPECT_EQ(**store_.space(path)->kv().get("k"), value);
  for (const auto& [id, trashed] : bin_) ASSERT_TRUE(spaces_.purge(id));
  for (const char* top : {"a", "b", "c"}) (void)spaces_.remove({top}, SubSpaces::include);
  EXPECT_THAT(keys(), IsEmpty());
}

}  // namespace
}  // namespace holdfast
