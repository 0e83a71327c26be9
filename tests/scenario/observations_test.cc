// Observations under 16 processes that are killed: what was acknowledged is there with all by which
// it is found, what was removed or forgotten never again, and an index made anew says the same.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace holdfast
