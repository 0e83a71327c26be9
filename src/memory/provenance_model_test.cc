// Trust and time of observations beside a plain model, by random calls: what is derived is trusted
// no more than anything it comes from, however far back, and at each time exactly what held then is
// answered.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "holdfast/observation.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

constexpr int64_t kTimeMax = 40;  // of validity; so short that many times are the same

class ProvenanceModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  struct Known {
    double trust = 1;
    double effective = 1;  // its own, and that of all it comes from
    std::vector<std::string> sources = {};
    int64_t from = INT64_MIN;  // it holds from then
    int64_t to = INT64_MAX;    // and before then
    std::string successor = {};
    bool is_forgotten = false;
  };

  size_t below(size_t end) { return random_() % end; }
  double some_trust() { return static_cast<double>(1 + below(10)) / 10; }
  Observations observations() {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  }
  std::string some_id() {
    return std::next(model_.begin(), static_cast<ptrdiff_t>(below(model_.size())))->first;
  }
  // Sources are older, so their ids are less: in this order each is told before what needs it. What
  // is gone counts as what it had left behind, which a later rise of others cannot lift.
  void settle() {
    for (auto& [id, known] : model_) {
      double effective = known.trust;
      for (const std::string& source : known.sources) {
        const auto there = model_.find(source);
        effective =
            std::min(effective, there == model_.end() ? known.effective : there->second.effective);
      }
      known.effective = effective;
    }
  }

  void add() {
    Known known{.trust = some_trust()};
    std::set<std::string> sources;
    for (size_t i = below(4); !model_.empty() && i > 0; --i) sources.insert(some_id());
    known.sources = {sources.begin(), sources.end()};
    NewObservation observation = {.content = "common", .trust = known.trust};
    observation.derived_from = known.sources;
    if (below(2) == 0) known.from = observation.valid_from_us.emplace(below(kTimeMax));
    if (below(4) == 0) {
      const int64_t least = known.from == INT64_MIN ? 0 : known.from + 1;
      known.to = observation.valid_to_us.emplace(least + static_cast<int64_t>(below(kTimeMax)));
    }
    put(observation, known);
  }
  void put(const NewObservation& observation, const Known& known) {
    clock_.now_us += 1'000;
    const auto id = observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
    model_[*id] = known;
    settle();
  }
  void change_trust() {
    const std::string id = some_id();
    const double trust = some_trust();
    const bool may = !model_[id].is_forgotten;
    ASSERT_EQ(observations().edit(id, {.trust = trust}).is_ok(), may);
    if (!may) return;
    model_[id].trust = trust;
    settle();
  }
  void supersede() {
    const std::string id = some_id();
    Known& old = model_[id];
    const auto from = static_cast<int64_t>(below(kTimeMax));
    const bool is_superseded = model_.contains(old.successor);
    const bool may = !old.is_forgotten && !is_superseded && from > old.from &&
                     (from <= old.to || !old.successor.empty());
    clock_.now_us += 1'000;
    const auto next = observations().supersede(id, {.content = "common", .valid_from_us = from});
    ASSERT_EQ(next.is_ok(), may) << next.status().to_string();
    if (!may) return;
    old.to = from;
    old.successor = *next;
    model_[*next] = {.from = from};
  }
  void forget_or_restore() {
    const std::string id = some_id();
    Known& known = model_[id];
    ASSERT_TRUE(known.is_forgotten ? observations().restore(id) : observations().forget(id));
    known.is_forgotten = !known.is_forgotten;
  }
  void remove() {
    const std::string id = some_id();
    ASSERT_TRUE(observations().remove(id));
    model_.erase(id);
  }

  template <typename Wanted>
  std::set<std::string> ids_of(const Wanted& is_wanted) const {
    std::set<std::string> ids;
    for (const auto& [id, known] : model_) {
      if (!known.is_forgotten && is_wanted(known)) ids.insert(id);
    }
    return ids;
  }
  std::set<std::string> recalled(const RecallQuery& query) {
    MapAccess view(keys_, clock_, {"a"});
    const auto hits = recall(view, query);
    EXPECT_TRUE(hits) << hits.status().to_string();
    std::set<std::string> ids;
    for (const RecallHit& hit : *hits) ids.insert(hit.observation.id);
    return ids;
  }
  void compare() {
    for (const auto& [id, known] : model_) {
      const auto got = observations().get(id);
      ASSERT_TRUE(got) << got.status().to_string();
      EXPECT_EQ(got->effective_trust, known.effective) << id;
      EXPECT_EQ(got->derived_from, known.sources);
      EXPECT_EQ(got->superseded_by, known.successor);
    }
    const auto at = static_cast<int64_t>(below(2 * kTimeMax));
    const auto holds = [&](const Known& known) { return known.from <= at && at < known.to; };
    std::set<std::string> listed;
    const auto list = observations().list({.limit = 1'000, .as_of_us = at});
    for (const Observation& one : *list) listed.insert(one.id);
    EXPECT_EQ(listed, ids_of(holds)) << "at " << at;
    RecallQuery query{.text = "common", .limit = 1'000, .as_of_us = at};
    EXPECT_EQ(recalled(query), ids_of(holds)) << "at " << at;
    query.as_of_us.reset();
    EXPECT_EQ(recalled(query), ids_of([](const Known& known) { return known.to == INT64_MAX; }));
    query.trust_min = some_trust();
    EXPECT_EQ(recalled(query), ids_of([&](const Known& known) {
                return known.to == INT64_MAX && known.effective >= *query.trust_min;
              }));
  }

  std::mt19937 random_{GetParam()};
  search::MapKeyspace keys_;
  MapClock clock_;
  std::map<std::string, Known> model_;  // oldest first
};

TEST_P(ProvenanceModelTest, TrustAndTimeAreThoseOfAPlainMap) {
  for (int step = 0; step < 300 && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const size_t choice = model_.empty() ? 0 : below(12);
    if (choice < 4) add();
    if (choice == 4 || choice == 5) change_trust();
    if (choice == 6 || choice == 7) supersede();
    if (choice == 8 || choice == 9) forget_or_restore();
    if (choice == 10) remove();
    compare();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProvenanceModelTest, testing::Range(1u, 11u));

}  // namespace
}  // namespace holdfast::memory
