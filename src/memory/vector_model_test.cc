// Vectors beside a plain model of them: whatever is put, replaced, edited, forgotten, restored,
// removed, defined anew or made anew, the nearest are those that a loop over all finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "holdfast/observation.h"
#include "memory/map_access.h"
#include "memory/recall.h"

namespace holdfast::memory {
namespace {

using Values = std::vector<float>;

class VectorModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  struct ModelSpace {
    VectorSpaceOptions options;
    std::map<std::string, Values> vectors = {};  // by observation
    std::optional<VectorSpaceOptions> next = {};
    std::map<std::string, Values> next_vectors = {};
  };

  size_t below(size_t end) { return random_() % end; }
  std::shared_ptr<MapAccess> access() {
    return std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"});
  }
  Observations observations() { return Observations(access()); }
  Vectors vectors() { return Vectors(access()); }
  Values some_values(size_t dimension) {
    std::normal_distribution<float> normal;
    Values values(dimension);
    for (float& value : values) value = normal(random_);
    return values;
  }
  VectorSpaceOptions some_options() {
    return {.dimension = static_cast<uint32_t>(2 + below(7)),
            .metric = static_cast<VectorMetric>(below(3)),
            .model = "m" + std::to_string(below(3)),
            .model_version = std::to_string(++versions_)};
  }
  static Embedding embedding_of(const VectorSpaceOptions& options, Values values) {
    return {options.model, options.model_version, std::move(values)};
  }
  std::string some_id() {
    auto at = live_.begin();
    std::advance(at, below(live_.size()));
    return at->first;
  }
  std::map<std::string, ModelSpace>::iterator some_space() {
    return std::next(spaces_.begin(), static_cast<ptrdiff_t>(below(spaces_.size())));
  }
  void drop_vectors(const std::string& id) {
    for (auto& [name, space] : spaces_) {
      space.vectors.erase(id);
      space.next_vectors.erase(id);
    }
  }

  void add() {
    clock_.now_us += 1'000;
    const auto main = spaces_.find(std::string(kMainVectorSpace));
    NewObservation observation = {.content = "text " + std::to_string(++texts_)};
    Values values;
    if (main != spaces_.end() && below(3) > 0) {
      values = some_values(main->second.options.dimension);
      observation.embedding = embedding_of(main->second.options, values);
    }
    const auto id = observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
    live_[*id] = true;
    if (!values.empty()) main->second.vectors[*id] = values;
  }
  void put() {
    const auto at = some_space();
    ModelSpace& space = at->second;
    const bool is_next = space.next && below(2) == 0;
    const VectorSpaceOptions& options = is_next ? *space.next : space.options;
    const std::string id = some_id();
    const Values values = some_values(options.dimension + (below(10) == 0));
    const Status put = vectors().put(at->first, id, embedding_of(options, values));
    if (!live_[id]) {
      EXPECT_EQ(put.code(), StatusCode::kConditionFalse);
    } else if (values.size() != options.dimension) {
      EXPECT_EQ(put.code(), StatusCode::kInvalidArgument);
    } else {
      ASSERT_TRUE(put) << put.to_string();
      (is_next ? space.next_vectors : space.vectors)[id] = values;
    }
  }
  void change() {
    const std::string id = some_id();
    switch (below(5)) {
      case 0: {
        const std::string text = "text " + std::to_string(++texts_);
        EXPECT_EQ(observations().edit(id, {.content = text}).is_ok(), live_[id]);
        if (live_[id]) drop_vectors(id);
        return;
      }
      case 1:
        EXPECT_EQ(observations().edit(id, {.title = "t", .tags = {{"x"}}}).is_ok(), live_[id]);
        return;
      case 2:
        EXPECT_TRUE(observations().forget(id));
        live_[id] = false;
        return;
      case 3:
        EXPECT_EQ(observations().restore(id).is_ok(), !live_[id]);
        live_[id] = true;
        return;
      default:
        EXPECT_TRUE(observations().remove(id));
        drop_vectors(id);
        live_.erase(id);
    }
  }
  void change_spaces() {
    if (spaces_.size() < 3 && below(2) == 0) {
      const std::string name = std::vector<std::string>{"main", "titles", "other"}[below(3)];
      const VectorSpaceOptions options = some_options();
      ASSERT_EQ(vectors().define(name, options).is_ok(), !spaces_.contains(name));
      spaces_.try_emplace(name, ModelSpace{options});
      return;
    }
    if (spaces_.empty()) return;
    const auto at = some_space();
    ModelSpace& space = at->second;
    if (below(8) == 0) {
      ASSERT_TRUE(vectors().drop(at->first));
      spaces_.erase(at);
    } else if (!space.next) {
      EXPECT_EQ(vectors().finish_successor(at->first).code(), StatusCode::kNotFound);
      space.next = some_options();
      ASSERT_TRUE(vectors().begin_successor(at->first, *space.next));
    } else if (below(3) == 0) {
      ASSERT_TRUE(vectors().cancel_successor(at->first));
      space.next.reset();
      space.next_vectors.clear();
    } else {
      ASSERT_TRUE(vectors().finish_successor(at->first));
      space = ModelSpace{*space.next, std::move(space.next_vectors)};
    }
  }

  static double similarity(VectorMetric metric, const Values& a, const Values& b) {
    double product = 0, square_a = 0, square_b = 0, distance = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      product += double{a[i]} * b[i];
      square_a += double{a[i]} * a[i];
      square_b += double{b[i]} * b[i];
      distance += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    }
    if (metric == VectorMetric::dot) return product;
    return metric == VectorMetric::l2 ? -std::sqrt(distance)
                                      : product / std::sqrt(square_a * square_b);
  }
  void compare(const std::string& name, const ModelSpace& space) {
    const Values asked = some_values(space.options.dimension);
    RecallQuery query{.limit = 1 + below(20)};
    query.vector = RecallVector{.values = asked, .space = name};
    query.vector->accuracy = static_cast<VectorAccuracy>(below(3));
    MapAccess view(keys_, clock_, {"a"});
    const auto hits = recall(view, query);
    ASSERT_TRUE(hits) << hits.status().to_string();
    std::vector<std::pair<double, std::string>> expected;
    for (const auto& [id, values] : space.vectors) {
      if (live_[id]) expected.emplace_back(similarity(space.options.metric, asked, values), id);
    }
    std::sort(expected.rbegin(), expected.rend());
    ASSERT_EQ(hits->size(), std::min(query.limit, expected.size()));
    // By codes a near one may be missed now and then; what is returned is right in any case.
    const bool is_exact = query.vector->accuracy == VectorAccuracy::exact;
    for (size_t i = 0; i < hits->size(); ++i) {
      const double found = *(*hits)[i].similarity;
      const auto own = space.vectors.find((*hits)[i].observation.id);
      ASSERT_NE(own, space.vectors.end()) << "a ghost";
      EXPECT_NEAR(found, similarity(space.options.metric, asked, own->second), 1e-4);
      const bool is_best = std::abs(found - expected[i].first) < 1e-4;
      EXPECT_TRUE(is_best || !is_exact) << found << " rather than " << expected[i].first;
      ++(is_best ? best_ : missed_);
    }
  }
  void compare_all() {
    EXPECT_EQ(vectors().list()->size(), spaces_.size());
    for (const auto& [name, space] : spaces_) {
      compare(name, space);
      std::vector<std::string> missing;
      const auto& asked = space.next ? space.next_vectors : space.vectors;
      for (const auto& [id, is_live] : live_) {
        if (is_live && !asked.contains(id)) missing.push_back(id);
      }
      EXPECT_EQ(*vectors().missing(name, 10'000), missing);
      if (live_.empty()) continue;
      const std::string id = some_id();
      const auto got = vectors().get(name, id);
      if (!live_[id]) continue;
      ASSERT_TRUE(got) << got.status().to_string();
      ASSERT_EQ(got->has_value(), space.vectors.contains(id));
      if (*got) {
        EXPECT_EQ((*got)->values, space.vectors.at(id));
      }
    }
  }

  std::mt19937 random_{GetParam()};
  search::MapKeyspace keys_;
  MapClock clock_;
  int texts_ = 0;
  int versions_ = 0;
  size_t best_ = 0;
  size_t missed_ = 0;
  std::map<std::string, bool> live_;  // of observations that are there: not forgotten
  std::map<std::string, ModelSpace> spaces_;
};

TEST_P(VectorModelTest, TheNearestAreThoseThatALoopFinds) {
  ASSERT_NO_FATAL_FAILURE(change_spaces());
  for (int step = 0; step < 500 && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const size_t choice = live_.empty() ? 0 : below(40);
    for (size_t i = below(6); choice < 16 && i-- > 0;) add();
    if (choice >= 16 && choice < 28 && !spaces_.empty()) put();
    if (choice >= 28 && choice < 38) change();
    if (choice == 38) change_spaces();
    if (choice == 39 && step % 3 == 0) {
      EXPECT_TRUE(observations().reindex());
    }
    if (step % 4 == 0) compare_all();
  }
  EXPECT_LT(missed_ * 50, best_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, VectorModelTest, testing::Range(1u, 21u));

}  // namespace
}  // namespace holdfast::memory
