// Observations under 16 processes that are killed: what was acknowledged is there with all by which
// it is found, what was removed or forgotten never again, and an index made anew says the same.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr int kWriters = 16;

// What a writer has acknowledged of one of its observations. Sent whole; ids have 36 bytes.
struct Acknowledged {
  enum class What : uint8_t { kAdded, kEdited, kForgotten, kRemoved, kReinforced };
  char id[36] = {};
  What what = What::kAdded;
  uint8_t writer = 0;
  int32_t number = 0;
};

// Consonants only: nothing that the analysis would cut or stem.
std::string own_word(int writer, int number, char end) {
  std::string word = "x";
  for (const char digit : std::to_string(writer) + "/" + std::to_string(number)) {
    word += digit == '/' ? 'z' : "bcdfghjklm"[digit - '0'];
  }
  return word + end;
}

// Adds one after the other, and does something else to most of them, until it is killed.
void write_until_killed(const std::string& path, int writer, Channel& acknowledged) {
  Store store = open_or_die(path);
  const Observations observations = store.space("crowd")->observations();
  for (int number = 0;; ++number) {
    const auto id = observations.add({.content = "common " + own_word(writer, number, 'q'),
                                      .session = "s" + std::to_string(writer),
                                      .tags = {"tagged"}});
    ASSERT_TRUE(id) << id.status().to_string();
    const auto say = [&](Acknowledged::What what) {
      Acknowledged said{
          .id = {}, .what = what, .writer = static_cast<uint8_t>(writer), .number = number};
      id->copy(said.id, sizeof(said.id));
      acknowledged.send({reinterpret_cast<const char*>(&said), sizeof(said)});
    };
    say(Acknowledged::What::kAdded);
    if (number % 4 == 1) {
      ASSERT_TRUE(observations.edit(*id, {.content = "common " + own_word(writer, number, 'v')}));
      say(Acknowledged::What::kEdited);
    }
    if (number % 4 == 2) {
      ASSERT_TRUE(observations.forget(*id));
      say(Acknowledged::What::kForgotten);
    }
    if (number % 4 == 3) {
      ASSERT_TRUE(observations.remove(*id));
      say(Acknowledged::What::kRemoved);
    }
    if (number % 4 == 0) {
      ASSERT_TRUE(observations.reinforce(std::span(&*id, 1), Reinforcement::confirmation));
      say(Acknowledged::What::kReinforced);
    }
  }
}

std::set<std::string> found(const Space& space, const std::string& text) {
  const auto hits = space.recall({.text = text, .limit = kRecallLimitMax, .as_typed = true});
  EXPECT_TRUE(hits) << hits.status().to_string();
  std::set<std::string> ids;
  if (!hits) return ids;
  for (const RecallHit& hit : *hits) ids.insert(hit.observation.id);
  return ids;
}

// The last thing that each writer was about to do may have happened, or not.
void expect_there(const Space& space, const Acknowledged& said, bool is_last) {
  const std::string id(said.id, sizeof(said.id));
  const auto one = space.observations().get(id);
  const bool is_gone = !one || one->forgotten_us != 0;
  const std::string added = own_word(said.writer, said.number, 'q');
  const std::string edited = own_word(said.writer, said.number, 'v');
  std::set<std::string> ids = found(space, added);
  ids.merge(found(space, edited));
  EXPECT_EQ(ids, is_gone ? std::set<std::string>() : std::set<std::string>{id}) << added;
  if (is_gone && one) {
    EXPECT_EQ(one->content, "common " + added);
  }
  if (is_last) return;
  switch (said.what) {
    case Acknowledged::What::kAdded:
      ADD_FAILURE() << "every observation but the last has had its second step";
      break;
    case Acknowledged::What::kEdited:
      ASSERT_TRUE(one) << one.status().to_string();
      EXPECT_EQ(one->content, "common " + edited);
      EXPECT_EQ(space.observations().history(id)->size(), 1u);
      break;
    case Acknowledged::What::kForgotten:
      ASSERT_TRUE(one) << one.status().to_string();
      EXPECT_NE(one->forgotten_us, 0);
      break;
    case Acknowledged::What::kRemoved:
      EXPECT_EQ(one.status().code(), StatusCode::kNotFound);
      break;
    case Acknowledged::What::kReinforced:
      ASSERT_TRUE(one) << one.status().to_string();
      EXPECT_EQ(space.observations().strength(id)->confirmations, 1u);
      break;
  }
}

// Every list says the same as the rows.
void expect_lists(const Space& space, const std::set<std::string>& live) {
  std::set<std::string> by_session;
  for (int writer = 0; writer < kWriters; ++writer) {
    const auto listed = space.observations().list(
        {.limit = kObservationListLimitMax, .session = "s" + std::to_string(writer)});
    ASSERT_TRUE(listed);
    for (const Observation& one : *listed) by_session.insert(one.id);
  }
  EXPECT_EQ(by_session, live);
  const auto tagged =
      space.observations().list({.limit = kObservationListLimitMax, .tags = {"tagged"}});
  ASSERT_TRUE(tagged);
  EXPECT_EQ(tagged->size(), live.size());
}

TEST(Observations, WhatWasAcknowledgedIsThereAfterSixteenWritersWereKilled) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  Channel acknowledged;
  std::vector<ChildProcess> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.push_back(
        ChildProcess::start([&, writer] { write_until_killed(path, writer, acknowledged); }));
  }
  acknowledged.close_sending();
  // The last of each observation, in order of writer and number. One writer after the other dies,
  // while the others go on.
  std::map<std::pair<int, int>, Acknowledged> said;
  constexpr int kBetween = 40;
  for (ChildProcess& writer : writers) {
    for (int i = 0; i < kBetween; ++i) {
      const auto bytes = acknowledged.receive(sizeof(Acknowledged));
      ASSERT_TRUE(bytes);
      Acknowledged one;
      bytes->copy(reinterpret_cast<char*>(&one), sizeof(one));
      said[{one.writer, one.number}] = one;
    }
    writer.kill();
    EXPECT_NE(writer.wait().signal, 0);
  }
  const std::string rest = acknowledged.receive_all();
  for (size_t at = 0; at + sizeof(Acknowledged) <= rest.size(); at += sizeof(Acknowledged)) {
    Acknowledged one;
    rest.copy(reinterpret_cast<char*>(&one), sizeof(one), at);
    said[{one.writer, one.number}] = one;
  }

  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  // What the last of the killed had appended, and nobody has heard of, becomes durable with the
  // next commit, and visible then. From here on nothing changes.
  ASSERT_TRUE(space.kv().put("settled", ""));
  for (auto one = said.begin(); one != said.end(); ++one) {
    const auto next = std::next(one);
    expect_there(space, one->second, next == said.end() || next->first.first != one->first.first);
  }
  const std::set<std::string> live = found(space, "common");
  ASSERT_LT(live.size(), kRecallLimitMax) << "else recall does not show all of them";
  EXPECT_EQ(*space.observations().count(), live.size());
  expect_lists(space, live);
  EXPECT_EQ(*space.observations().reindex(), live.size());
  EXPECT_EQ(found(space, "common"), live);
  EXPECT_TRUE(store.check()->problems.empty());
}

// --- Upkeep: what makes many observations one, or moves them between tiers, beside who writes them

constexpr int kGroups = 6;
constexpr TierOptions kColdSoon{.warm_after_us = 2'000, .cold_after_us = 20'000, .limit = 20};

std::string group_word(int group) {
  return std::string("group") + "bcdfgh"[group] + "z";
}

// By turns something of its own, and what is said again and again.
void say_again_and_again(const std::string& path, int writer, Channel& told) {
  Store store = open_or_die(path);
  const Observations observations = store.space("crowd")->observations();
  for (int number = 0; number < 60; ++number) {
    const std::string word =
        number % 2 == 0 ? own_word(writer, number, 'q') : group_word(number / 2 % kGroups);
    const auto id = observations.add({.content = "common " + word});
    ASSERT_TRUE(id) << id.status().to_string();
    const Status used = observations.reinforce(std::span(&*id, 1), Reinforcement::access);
    ASSERT_TRUE(used || used.code() == StatusCode::kConditionFalse) << used.to_string();
    Acknowledged said{.id = {}, .writer = static_cast<uint8_t>(writer), .number = number};
    id->copy(said.id, sizeof(said.id));
    told.send({reinterpret_cast<const char*>(&said), sizeof(said)});
  }
}

void keep_up(const std::string& path, bool moves) {
  Store store = open_or_die(path);
  const Observations observations = store.space("crowd")->observations();
  for (int i = 0; i < 40; ++i) {
    const Status done = moves ? observations.tier_step(kColdSoon).status()
                              : observations.consolidate({.similarity_min = 1}).status();
    ASSERT_TRUE(done) << done.to_string();
  }
}

void expect_one_of_each_group(const Space& space) {
  while (!space.observations().consolidate({.similarity_min = 1})->empty()) {
  }
  for (int group = 0; group < kGroups; ++group) {
    const std::set<std::string> ids = found(space, group_word(group));
    ASSERT_EQ(ids.size(), 1u) << group_word(group);
    const auto one = space.observations().get(*ids.begin());
    EXPECT_EQ(one->content, "common " + group_word(group));
    for (const std::string& source : one->derived_from) {
      EXPECT_NE(space.observations().get(source)->forgotten_us, 0) << source;
    }
  }
}

// Every tier has as many as are counted, and each of them its content.
void expect_tiers(const Space& space) {
  const auto counts = space.observations().tier_counts();
  size_t cold = 0;
  size_t others = 0;
  const auto forgotten = space.observations().forgotten({.limit = kObservationListLimitMax});
  const auto live = space.observations().list({.limit = kObservationListLimitMax});
  for (const auto* some : {&*forgotten, &*live}) {
    for (const Observation& one : *some) {
      EXPECT_TRUE(one.content.starts_with("common ")) << one.id;
      ++(one.tier == Tier::cold ? cold : others);
    }
  }
  EXPECT_EQ(counts->cold, cold);
  EXPECT_EQ(counts->hot + counts->warm, others);
}

TEST(Observations, UpkeepBesideWritersLosesNothingThoughBothAreKilled) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  Channel told;
  std::vector<ChildProcess> crew;
  for (int i = 0; i < 16; ++i) {
    crew.push_back(ChildProcess::start([&, i] {
      if (i % 2 == 0) return say_again_and_again(path, i, told);
      told.close_sending();
      keep_up(path, i % 4 == 1);
    }));
  }
  std::string said;
  for (size_t death = 0; death < 8; ++death) {
    const auto bytes = told.receive(12 * sizeof(Acknowledged));
    ASSERT_TRUE(bytes);
    said += *bytes;
    crew[death].kill();
    crew[death].wait();
  }
  told.close_sending();
  said += told.receive_all();
  for (size_t i = 8; i < crew.size(); ++i) EXPECT_EQ(crew[i].wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  expect_one_of_each_group(space);
  for (size_t at = 0; at + sizeof(Acknowledged) <= said.size(); at += sizeof(Acknowledged)) {
    Acknowledged one;
    said.copy(reinterpret_cast<char*>(&one), sizeof(one), at);
    const std::string id(one.id, sizeof(one.id));
    ASSERT_TRUE(space.observations().get(id)) << "it was acknowledged";
    if (one.number % 2 != 0) continue;
    const std::string word = own_word(one.writer, one.number, 'q');
    EXPECT_EQ(found(space, word), std::set<std::string>{id}) << word;
  }
  expect_tiers(space);
  const std::set<std::string> live = found(space, "common");
  EXPECT_EQ(*space.observations().reindex(), live.size());
  EXPECT_EQ(found(space, "common"), live);
  // The first round was begun by somebody else.
  for (int round = 0; round < 2;) {
    const auto step = space.observations().tier_step({.warm_after_us = 0, .cold_after_us = 0});
    ASSERT_TRUE(step) << step.status().to_string();
    round += step->is_round_over;
  }
  expect_tiers(space);
  EXPECT_GE(space.observations().tier_counts()->cold, live.size());
  EXPECT_EQ(found(space, "common"), live);
  expect_sound(store);
}

// Of the process itself: without the mapped files of the store.
uint64_t own_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    uint64_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

TEST(Observations, AllAreListedInBoundedMemory) {
  constexpr size_t kObservations = 40'000;
  constexpr size_t kBatch = 2'000;
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  const auto fill = [&] {
    Store store = open_or_die(path, {.durability = Durability::batched});
    const Observations observations = store.space("crowd")->observations();
    for (size_t i = 0; i < kObservations; i += kBatch) {
      std::vector<NewObservation> batch(kBatch);
      for (NewObservation& one : batch) {
        one.content = std::string(500, 'x');
        one.tags = {"tagged"};
      }
      ASSERT_TRUE(observations.add_all(batch));
    }
    ASSERT_TRUE(store.close());
  };
  ASSERT_EQ(run_in_child(fill), ChildProcess::kSuccess);
  // 20 MB of contents; a page of 500 observations has a quarter of one.
  const auto list_all = [&] {
    Store store = open_or_die(path);
    const Space space = *store.space("crowd");
    for (const std::vector<std::string>& tags : {std::vector<std::string>{}, {"tagged"}}) {
      ObservationListOptions options{.limit = 500, .tags = tags};
      const uint64_t before_kib = own_memory_kib();
      uint64_t most_kib = 0;
      size_t seen = 0;
      while (true) {
        const auto page = space.observations().list(options);
        ASSERT_TRUE(page) << page.status().to_string();
        if (page->empty()) break;
        seen += page->size();
        options.after = page->back().id;
        most_kib = std::max(most_kib, own_memory_kib());
      }
      EXPECT_EQ(seen, kObservations);
      EXPECT_GT(before_kib, 0u);
      EXPECT_LT(most_kib - std::min(before_kib, most_kib), 12u << 10);
    }
  };
  EXPECT_EQ(run_in_child(list_all), ChildProcess::kSuccess);
}

}  // namespace
}  // namespace holdfast
