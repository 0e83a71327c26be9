// What is taken for a duplicate, beside a loop over the newest observations and the sets of their
// words.
#include "memory/duplicate_guard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "holdfast/observation.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

class DuplicateModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  struct Known {
    std::set<char> words;
    std::vector<float> values;
    bool is_forgotten = false;
  };

  size_t below(size_t end) { return random_() % end; }
  Observations observations() {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  }
  // Words that the analysis leaves as they are, in any order.
  std::string text_of(const std::set<char>& words) {
    std::vector<char> order(words.begin(), words.end());
    std::shuffle(order.begin(), order.end(), random_);
    std::string text;
    for (const char word : order) text += std::string("xq") + word + "z ";
    return text;
  }
  static double jaccard(const std::set<char>& a, const std::set<char>& b) {
    std::vector<char> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return static_cast<double>(both.size()) /
           static_cast<double>(a.size() + b.size() - both.size());
  }
  static double distance(const std::vector<float>& a, const std::vector<float>& b) {
    return 1 - double{a[0]} * b[0] - double{a[1]} * b[1];  // of length 1
  }
  // Ids of the newest few that are like this one.
  std::set<std::string> alike(const Known& one, const DuplicateGuard& guard) const {
    std::set<std::string> ids;
    size_t looked_at = 0;
    for (auto at = model_.rbegin(); at != model_.rend() && looked_at < guard.recent; ++at) {
      if (at->second.is_forgotten) continue;
      ++looked_at;
      if (jaccard(one.words, at->second.words) >= guard.similarity_min ||
          distance(one.values, at->second.values) <= guard.distance_max) {
        ids.insert(at->first);
      }
    }
    return ids;
  }

  void add() {
    Known known;
    while (known.words.size() < 3 + below(5)) known.words.insert("bcdfghjk"[below(8)]);
    const auto turn = static_cast<float>(below(628)) / 100;
    known.values = {std::cos(turn), std::sin(turn)};
    DuplicateGuard guard{.similarity_min = std::vector<double>{0.5, 0.85, 1}[below(3)],
                         .distance_max = std::vector<double>{0.000001, 0.0006, 0.0105}[below(3)],
                         .recent = 1 + below(12)};
    guard.action = below(2) == 0 ? OnDuplicate::refuse : OnDuplicate::merge;
    const NewObservation observation = {.content = text_of(known.words),
                                        .embedding = Embedding{"m", "1", known.values}};
    const std::set<std::string> expected = alike(known, guard);
    clock_.now_us += 1'000;
    const auto before = keys_.entries;
    const auto added = observations().add_all(std::span(&observation, 1), {.duplicates = guard});
    if (expected.empty()) {
      ASSERT_TRUE(added) << added.status().to_string();
      ASSERT_FALSE(added->front().is_duplicate);
      model_[added->front().id] = known;
      return;
    }
    EXPECT_EQ(keys_.entries, before) << "something was written";
    if (guard.action == OnDuplicate::merge) {
      ASSERT_TRUE(added) << added.status().to_string();
      EXPECT_TRUE(added->front().is_duplicate);
      EXPECT_TRUE(expected.contains(added->front().id));
    } else {
      ASSERT_EQ(added.status().code(), StatusCode::kConditionFalse);
      EXPECT_TRUE(std::any_of(expected.begin(), expected.end(), [&](const std::string& id) {
        return added.status().message().find(id) != std::string_view::npos;
      })) << added.status().to_string();
    }
  }
  void change() {
    const auto at = std::next(model_.begin(), static_cast<ptrdiff_t>(below(model_.size())));
    if (below(3) == 0) {
      ASSERT_TRUE(observations().remove(at->first));
      model_.erase(at);
    } else if (at->second.is_forgotten) {
      ASSERT_TRUE(observations().restore(at->first));
      at->second.is_forgotten = false;
    } else {
      ASSERT_TRUE(observations().forget(at->first));
      at->second.is_forgotten = true;
    }
  }

  std::mt19937 random_{GetParam()};
  search::MapKeyspace keys_;
  MapClock clock_;
  std::map<std::string, Known> model_;  // oldest first
};

TEST_P(DuplicateModelTest, AreThoseThatALoopFinds) {
  for (int step = 0; step < 400 && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    if (model_.empty() || below(5) > 0) {
      add();
    } else {
      change();
    }
  }
  EXPECT_GT(model_.size(), 20u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, DuplicateModelTest, testing::Range(1u, 7u));

}  // namespace
}  // namespace holdfast::memory
