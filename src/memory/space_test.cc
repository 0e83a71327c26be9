#include "holdfast/space.h"
#include "holdfast/digest.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "holdfast/blob.h"
#include "holdfast/digest.h"
#include "holdfast/store.h"

namespace holdfast {
namespace {

Store memory_store(Durability durability = Durability::strict) {
  auto store = Store::memory({.durability = durability});
  EXPECT_TRUE(store) << store.status().to_string();
  return std::move(*store);
}

Space space_of(Store& store, std::string_view path) {
  auto space = store.space(path);
  EXPECT_TRUE(space) << space.status().to_string();
  return *space;
}

std::set<std::string> keys_of(Store& store) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot);
  std::set<std::string> keys;
  Cursor cursor = snapshot->scan(KeyRange::all());
  for (; cursor.valid(); cursor.next()) keys.emplace(cursor.key());
  EXPECT_TRUE(cursor.status());
  return keys;
}

TEST(Space, PathsAreCheckedWhenOpened) {
  Store store = memory_store();
  for (const char* path : {"", "/", "a/", "/a", "a//b", "1/2/3/4/5/6/7/8/9", "\xff"}) {
    EXPECT_EQ(store.space(path).status().code(), StatusCode::kInvalidArgument) << path;
  }
  EXPECT_TRUE(store.space("1/2/3/4/5/6/7/8"));
  EXPECT_EQ(store.space(std::string(129, 'a')).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(space_of(store, "1/2/3/4/5/6/7/8").child("9").status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Space, ReadingCreatesNothing) {
  Store store = memory_store();
  const Space space = space_of(store, "a/b");
  EXPECT_EQ(*space.kv().get("k"), std::nullopt);
  EXPECT_TRUE(space.kv().del("k"));
  EXPECT_TRUE(space.observations().list()->empty());
  EXPECT_TRUE(space.recall({.text = "x"})->empty());
  EXPECT_EQ(space.observations().get("01234567").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(space.observations().remove("01234567").code(), StatusCode::kNotFound);
  EXPECT_TRUE(keys_of(store).empty());
}

TEST(Space, WhatIsReleasedIsCollectedWithoutBeingAskedFor) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  const auto stats = [&] {
    Snapshot snapshot = std::move(*store.snapshot());
    return *store.blobs().stats(snapshot);
  };
  for (const char* key : {"deleted", "replaced"}) {
    BlobWriter writer = std::move(*space.kv().write());
    ASSERT_TRUE(writer.append(std::string(100'000, key[0])));
    ASSERT_TRUE(space.kv().put(key, std::move(*writer.finish())));
  }
  ASSERT_EQ(stats().blobs, 2u);
  ASSERT_TRUE(space.kv().del("deleted"));
  ASSERT_TRUE(space.kv().put("replaced", "small"));
  EXPECT_EQ(stats().blobs, 0u);
  EXPECT_EQ(stats().dead_blobs, 0u);
}

TEST(Space, HostileNamesNeverShareAnything) {
  const std::vector<SpaceSegments> paths = {{"acme"},
                                            {"acme-corp"},
                                            {"acme", "corp"},
                                            {"acme/corp"},
                                            {std::string("acme\0", 5)},
                                            {std::string("\0", 1), "acme"},
                                            {"\U0010FFFF"},
                                            {"\u00ff\u00ff", "\u00ff"},
                                            {"acm"}};
  for (const Durability durability : {Durability::strict, Durability::batched}) {
    Store store = memory_store(durability);
    for (size_t i = 0; i < paths.size(); ++i) {
      auto space = store.space(paths[i]);
      ASSERT_TRUE(space) << space.status().to_string();
      ASSERT_TRUE(space->kv().put("k", std::to_string(i)));
      ASSERT_TRUE(
          space->observations().add({.content = "secret " + std::to_string(i), .key = "k"}));
    }
    for (size_t i = 0; i < paths.size(); ++i) {
      auto space = store.space(paths[i]);
      EXPECT_EQ(**space->kv().get("k"), std::to_string(i));
      EXPECT_EQ(space->kv().list()->size(), 1u);
      EXPECT_EQ(*space->observations().count(), 1u);
      const auto hits = space->recall({.text = "secret"});
      ASSERT_EQ(hits->size(), 1u);
      EXPECT_EQ(hits->at(0).observation.content, "secret " + std::to_string(i));
    }
  }
}

TEST(Space, ChildrenAndListsNameWhatExists) {
  Store store = memory_store();
  const Space acme = space_of(store, "acme");
  ASSERT_TRUE(acme.child("a/b")->kv().put("k", "v"));
  ASSERT_TRUE(space_of(store, "acme/x/y").kv().put("k", "v"));
  ASSERT_TRUE(space_of(store, "acme-corp").kv().put("k", "v"));
  const auto children = acme.children();
  ASSERT_TRUE(children);
  ASSERT_EQ(children->size(), 2u);
  EXPECT_EQ(children->at(0).path(), "acme/a\\/b");
  EXPECT_EQ(**children->at(0).kv().get("k"), "v");
  EXPECT_EQ(children->at(1).segments(), (SpaceSegments{"acme", "x", "y"}));

  auto snapshot = store.snapshot();
  const auto all = list_spaces(*snapshot);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, (std::vector<SpaceSegments>{{"acme", "a/b"}, {"acme", "x", "y"}, {"acme-corp"}}));
  EXPECT_EQ(list_spaces(*snapshot, {.limit = 0}).status().code(), StatusCode::kInvalidArgument);
}

TEST(Space, EverythingOfATransactionIsOneCommit) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  const auto done = store.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(space.kv(txn).put("k", "v"));
    HOLDFAST_TRY(space.observations(txn).add({.content = "learned"}).status());
    EXPECT_EQ(**space.kv(txn).get("k"), "v");  // its own writes
    EXPECT_EQ(space.recall(txn, {.text = "learned"})->size(), 1u);
    EXPECT_EQ(*space.kv().get("k"), std::nullopt);  // not yet for others
    return Status::ok();
  });
  ASSERT_TRUE(done) << done.status().to_string();
  EXPECT_EQ(**space.kv().get("k"), "v");
  EXPECT_EQ(space.recall({.text = "learned"})->size(), 1u);
}

TEST(Space, AnAbortedTransactionLeavesNothing) {
  Store store = memory_store();
  const Space space = space_of(store, "a/b");
  {
    auto txn = store.begin();
    ASSERT_TRUE(txn);
    ASSERT_TRUE(space.observations(*txn).add({.content = "gone", .key = "k"}));
    txn->abort();
  }
  EXPECT_TRUE(keys_of(store).empty());
  ASSERT_TRUE(space_of(store, "other").kv().put("k", "v"));  // takes the id that was not taken
  EXPECT_EQ(*space.observations().count(), 0u);
  EXPECT_EQ(*space.kv().get("k"), std::nullopt);
}

TEST(Space, ASnapshotStaysAndRefusesWrites) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  ASSERT_TRUE(space.kv().put("k", "old"));
  auto snapshot = store.snapshot();
  ASSERT_TRUE(space.kv().put("k", "new"));
  ASSERT_TRUE(space.observations().add({.content = "later"}));
  EXPECT_EQ(**space.kv(*snapshot).get("k"), "old");
  EXPECT_EQ(*space.observations(*snapshot).count(), 0u);
  EXPECT_TRUE(space.recall(*snapshot, {.text = "later"})->empty());
  EXPECT_EQ(space.kv(*snapshot).put("k", "x").code(), StatusCode::kReadOnly);
  EXPECT_EQ(space.kv(*snapshot).del("k").code(), StatusCode::kReadOnly);
  EXPECT_EQ(space.observations(*snapshot).add({.content = "x"}).status().code(),
            StatusCode::kReadOnly);
}

TEST(Space, AddingNeverConflictsWithOtherObservations) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  ASSERT_TRUE(space.kv().put("k", "v"));  // the space exists
  auto one = store.begin();
  auto two = store.begin();
  ASSERT_TRUE(space.observations(*one).add({.content = "same words", .key = "1"}));
  ASSERT_TRUE(space.observations(*two).add({.content = "same words", .key = "2"}));
  EXPECT_TRUE(one->commit());
  EXPECT_TRUE(two->commit());
  EXPECT_EQ(space.recall({.text = "words"})->size(), 2u);
}

TEST(Space, TwoTransactionsCannotAddTheSameKey) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  ASSERT_TRUE(space.kv().put("k", "v"));
  auto one = store.begin();
  auto two = store.begin();
  ASSERT_TRUE(space.observations(*one).add({.content = "text", .key = "k"}));
  ASSERT_TRUE(space.observations(*two).add({.content = "text", .key = "k"}));
  EXPECT_TRUE(one->commit());
  EXPECT_EQ(two->commit().status().code(), StatusCode::kConflict);
  EXPECT_EQ(*space.observations().count(), 1u);
}

void run_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(Space, AddsOfThreadsAllArriveWithoutConflict) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  Store store = memory_store();
  const Space space = space_of(store, "a/b/c");
  ASSERT_TRUE(space.kv().put("k", "v"));
  const uint64_t conflicts_before = store.stats()->conflicts;
  std::atomic<int> failures{0};
  run_threads(kThreads, [&](int t) {
    for (int i = 0; i < kEach; ++i) {
      const std::string name = "writer" + std::to_string(t) + "n" + std::to_string(i);
      if (!space.observations().add({.content = "the shared words of " + name, .key = name})) {
        ++failures;
      }
    }
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(store.stats()->conflicts, conflicts_before);
  const auto all = space.observations().list({.limit = 1000});
  ASSERT_TRUE(all);
  std::set<std::string> contents;
  for (const Observation& o : *all) contents.insert(o.content);
  EXPECT_EQ(contents.size(), static_cast<size_t>(kThreads * kEach));
  EXPECT_EQ(space.recall({.text = "shared", .limit = 1000})->size(), contents.size());
  EXPECT_EQ(space.recall({.text = "writer3n17"})->at(0).observation.content,
            "the shared words of writer3n17");
}

TEST(Space, ABatchIsRefusedWhicheverOfItsThreadsFindsWhy) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  std::vector<NewObservation> batch(300, {.content = "login fails"});
  for (const size_t place : {0, 299}) {
    const std::string content = batch[place].content;
    batch[place].content =
        std::string(kRecalledBegin) + "\nlogin fails\n" + std::string(kRecalledEnd);
    EXPECT_EQ(space.observations().add_all(batch).status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(*space.observations().count(), 0u);
    batch[place].content = content;
  }
  EXPECT_EQ(space.observations().add_all(batch)->size(), 300u);
}

TEST(Space, FirstWritesOfThreadsMakeOneSpaceEach) {
  constexpr int kThreads = 8;
  Store store = memory_store();
  std::atomic<int> failures{0};
  run_threads(kThreads, [&](int t) {
    const Space shared = space_of(store, "new/shared");
    const Space own = space_of(store, "new/own" + std::to_string(t));
    if (!shared.kv().put(std::to_string(t), "v") || !own.kv().put("k", std::to_string(t))) {
      ++failures;
    }
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(space_of(store, "new/shared").kv().list()->size(), size_t{kThreads});
  for (int t = 0; t < kThreads; ++t) {
    EXPECT_EQ(**space_of(store, "new/own" + std::to_string(t)).kv().get("k"), std::to_string(t));
  }
  EXPECT_EQ(space_of(store, "new").children()->size(), size_t{kThreads + 1});
}

TEST(Space, AddsOfThreadsOfOneKeyAddOnce) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  std::vector<std::string> ids(8);
  run_threads(8, [&](int t) {
    auto id = space.observations().add({.content = "same text", .key = "same"});
    if (id) ids[static_cast<size_t>(t)] = *id;
  });
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_FALSE(ids[0].empty());
  EXPECT_EQ(*space.observations().count(), 1u);
}

TEST(Space, RemovalLeavesTheKeysOfBefore) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  ASSERT_TRUE(
      space.observations().add({.content = "stays", .embedding = Embedding{"m", "1", {3, 4}}}));
  const std::set<std::string> before = keys_of(store);
  const auto id = space.observations().add({.content = std::string(300'000, 'x') + " long",
                                            .tags = {"t"},
                                            .embedding = Embedding{"m", "1", {1, 2}},
                                            .key = "k"});
  ASSERT_TRUE(id) << id.status().to_string();
  EXPECT_EQ(keys_of(store).size(), before.size() + 8);
  ASSERT_TRUE(space.observations().remove(id->substr(0, 30)));
  EXPECT_EQ(keys_of(store), before);
}

TEST(Space, LargestObservationIsStoredAndFound) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  std::string text = "needle ";
  text.resize(kContentSizeMax, 'x');
  const auto id = space.observations().add(
      {.content = text, .embedding = Embedding{"m", "1", std::vector<float>(kDimensionMax, 1)}});
  ASSERT_TRUE(id) << id.status().to_string();
  const auto got = space.observations().get(*id);
  EXPECT_EQ(got->content, text);
  EXPECT_EQ(got->embedding->values.size(), kDimensionMax);
  EXPECT_EQ(space.recall({.text = "needle"})->size(), 1u);
  EXPECT_EQ(space.observations().add({.content = text + "y"}).status().code(),
            StatusCode::kTooLarge);
  // What it was and what it is are one commit.
  text[0] = 'N';
  const auto edited = space.observations().edit(*id, {.content = text});
  ASSERT_TRUE(edited) << edited.status().to_string();
  EXPECT_EQ(space.observations().history(*id)->at(0).content, got->content);
  ASSERT_TRUE(space.observations().remove(*id));
  EXPECT_TRUE(space.recall({.text = "needle"})->empty());
}

TEST(Space, HandlesKeepTheStoreOpen) {
  auto space = std::make_unique<Space>([] {
    Store store = memory_store();
    return space_of(store, "a");
  }());
  ASSERT_TRUE(space->kv().put("k", "v"));
  const Kv kv = space->kv();
  space.reset();
  EXPECT_EQ(**kv.get("k"), "v");
}

TEST(Space, AClosedStoreIsClosedForItsSpaces) {
  Store store = memory_store();
  const Space space = space_of(store, "a");
  ASSERT_TRUE(store.close());
  EXPECT_EQ(space.kv().put("k", "v").code(), StatusCode::kClosed);
  EXPECT_EQ(space.recall({.text = "x"}).status().code(), StatusCode::kClosed);
}

}  // namespace
}  // namespace holdfast
