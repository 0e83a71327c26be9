// The vector index beside a plain model that compares every vector: whatever is put, dropped,
// folded and merged, the nearest come in the same order.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "search/map_keyspace.h"
#include "search/vector_fold.h"
#include "search/vector_index.h"
#include "search/vector_keys.h"
#include "vector/codes.h"

namespace holdfast::search {
namespace {

struct Entry {
  std::vector<float> values;
  std::set<std::string> facets;
};

Signature signature_of(const std::set<std::string>& facets) {
  Signature signature;
  for (const std::string& facet : facets) signature.add(facet);
  return signature;
}

class VectorModel : public testing::TestWithParam<int> {
 protected:
  VectorModel() : engine_(static_cast<uint32_t>(GetParam())) {
    const uint32_t dimensions[] = {2, 3, 17, 64, 300, 768};
    shape_.dimension = dimensions[below(6)];
    shape_.metric = static_cast<VectorMetric>(below(3));
    common_ = numbers(1);
  }

  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(engine_() % bound); }
  std::vector<float> numbers(float scale) {
    std::vector<float> out(shape_.dimension);
    for (float& value : out) value = scale * normal_(engine_);
    for (size_t i = 0; i < common_.size(); ++i) out[i] += common_[i];
    return out;
  }
  DocumentId new_id() {
    DocumentId id{};
    // Mostly ascending, as ids are; now and then from the past.
    const uint32_t number = below(10) == 0 ? below(20'000) : 100 * ++last_id_;
    for (size_t i = 0; i < 4; ++i) id[i] = static_cast<uint8_t>(number >> (24 - 8 * i));
    id[15] = static_cast<uint8_t>(below(256));
    return id;
  }
  std::set<std::string> new_facets() {
    std::set<std::string> facets;
    for (uint32_t i = below(4); i > 0; --i) facets.insert("tag=" + std::to_string(below(6)));
    return facets;
  }
  const DocumentId& some_id() {
    auto at = live_.begin();
    std::advance(at, below(static_cast<uint32_t>(live_.size())));
    return at->first;
  }

  void put(const DocumentId& id) {
    if (live_.contains(id) || aside_.contains(id)) return;
    Entry entry{numbers(2), new_facets()};
    ASSERT_TRUE(check_vector(shape_, entry.values));
    ASSERT_TRUE(put_vector(keys_, kPrefix, id, signature_of(entry.facets), entry.values));
    live_[id] = std::move(entry);
  }
  void change() {
    if (live_.empty()) return;
    const DocumentId id = some_id();
    switch (below(5)) {
      case 0:  // another under the same id
        ASSERT_TRUE(*drop_vector(keys_, kPrefix, id));
        live_.erase(id);
        put(id);
        break;
      case 1:
        live_[id].facets = new_facets();
        ASSERT_TRUE(relabel_vector(keys_, kPrefix, id, signature_of(live_[id].facets)));
        break;
      case 2:
        ASSERT_TRUE(set_vector_aside(keys_, kPrefix, id));
        aside_[id] = live_[id];
        live_.erase(id);
        break;
      default:
        ASSERT_TRUE(*drop_vector(keys_, kPrefix, id));
        ASSERT_FALSE(*drop_vector(keys_, kPrefix, id));
        live_.erase(id);
    }
    if (below(3) != 0 || aside_.empty()) return;
    const auto [back, entry] = *aside_.begin();
    ASSERT_TRUE(put_vector_back(keys_, kPrefix, back, signature_of(entry.facets)));
    live_[back] = entry;
    aside_.erase(back);
  }
  // What a process that dies leaves of a step: nothing, or all of it.
  void fold(const VectorFoldOptions& options) {
    std::optional<MapKeyspace> before;
    if (below(8) == 0) before = keys_;
    const auto step = vector_fold_step(keys_, kPrefix, shape_, options);
    ASSERT_TRUE(step) << step.status().to_string();
    if (before) keys_ = *before;
  }

  void compare(VectorAccuracy accuracy) {
    VectorSearch search{.values = numbers(2), .accuracy = accuracy, .count = 1 + below(10)};
    std::set<std::string> facets;
    if (below(3) == 0) facets.insert("tag=" + std::to_string(below(6)));
    search.signature = signature_of(facets);
    if (below(4) == 0) search.id_begin = std::string(view_of(new_id()));
    if (below(4) == 0) search.id_end = std::string(view_of(new_id())) + '\0';
    std::vector<std::pair<double, DocumentId>> expected;
    for (const auto& [id, entry] : live_) {
      if (view_of(id) < search.id_begin) continue;
      if (!search.id_end.empty() && view_of(id) >= search.id_end) continue;
      expected.emplace_back(similarity_of(search.values, entry.values), id);
    }
    std::sort(expected.begin(), expected.end(), std::greater<>());
    auto ranking = VectorRanking::open(keys_, kPrefix, shape_, search);
    ASSERT_TRUE(ranking) << ranking.status().to_string();
    const bool takes_all = below(4) == 0;
    std::set<DocumentId> taken;
    size_t found = 0;
    double last = INFINITY;
    VectorMatch match;
    while (takes_all || taken.size() < search.count) {
      const auto has = ranking->take(match);
      ASSERT_TRUE(has) << has.status().to_string();
      if (!*has) break;
      ASSERT_TRUE(taken.insert(match.id).second);
      ASSERT_TRUE(live_.contains(match.id));
      const double similarity = similarity_of(search.values, live_[match.id].values);
      ASSERT_NEAR(match.similarity, similarity, 1e-3 * (1 + std::fabs(similarity)));
      if (accuracy == VectorAccuracy::exact) {
        ASSERT_LE(match.similarity, last);
        last = match.similarity;
      }
      found += std::includes(live_[match.id].facets.begin(), live_[match.id].facets.end(),
                             facets.begin(), facets.end())
                   ? 1
                   : 0;
    }
    std::erase_if(expected, [&](const auto& one) {
      const auto& has = live_[one.second].facets;
      return !std::includes(has.begin(), has.end(), facets.begin(), facets.end());
    });
    if (takes_all) {
      ASSERT_EQ(found, expected.size()) << "everything that passes comes in the end";
      return;
    }
    if (accuracy == VectorAccuracy::exact) return;
    for (size_t i = 0; i < std::min(search.count, expected.size()); ++i) {
      asked_ += 1;
      missed_ += taken.contains(expected[i].second) || found < taken.size() ? 0 : 1;
    }
  }

  double similarity_of(const std::vector<float>& a, const std::vector<float>& b) const {
    double dot = 0;
    double squares_a = 0;
    double squares_b = 0;
    double apart = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      dot += static_cast<double>(a[i]) * b[i];
      squares_a += static_cast<double>(a[i]) * a[i];
      squares_b += static_cast<double>(b[i]) * b[i];
      apart += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    }
    if (shape_.metric == VectorMetric::l2) return -apart / 2;
    return shape_.metric == VectorMetric::dot ? dot : dot / std::sqrt(squares_a * squares_b);
  }

  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
  VectorShape shape_;
  std::vector<float> common_;
  MapKeyspace keys_;
  std::map<DocumentId, Entry> live_;
  std::map<DocumentId, Entry> aside_;
  uint32_t last_id_ = 0;
  size_t asked_ = 0;
  size_t missed_ = 0;
};

TEST_P(VectorModel, TheNearestAreThoseOfComparingEveryVector) {
  const VectorFoldOptions options{.vectors_min = 1 + below(64),
                                  .vectors_max = 64 + below(200),
                                  .dropped_max = 1 + below(100),
                                  .blocks_max = 2 + below(8)};
  for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
    for (uint32_t i = below(120); i > 0 && !HasFatalFailure(); --i) put(new_id());
    for (uint32_t i = below(60); i > 0 && !HasFatalFailure(); --i) change();
    for (uint32_t i = below(6); i > 0 && !HasFatalFailure(); --i) fold(options);
    for (const VectorAccuracy accuracy :
         {VectorAccuracy::standard, VectorAccuracy::high, VectorAccuracy::exact}) {
      if (!HasFatalFailure()) compare(accuracy);
    }
  }
  EXPECT_LE(missed_, asked_ / 20) << "of " << asked_;
}
INSTANTIATE_TEST_SUITE_P(Seeds, VectorModel, testing::Range(0, 16));

class VectorModelEmptied : public VectorModel {};

TEST_P(VectorModelEmptied, DroppingAllLeavesTheManifest) {
  const VectorFoldOptions options{.vectors_min = 1, .vectors_max = 100, .blocks_max = 3};
  for (int i = 0; i < 400; ++i) {
    put(new_id());
    if (i % 40 == 0) fold(options);
  }
  while (!live_.empty()) {
    const DocumentId id = some_id();
    ASSERT_TRUE(*drop_vector(keys_, kPrefix, id));
    live_.erase(id);
  }
  for (bool is_done = false; !is_done;) {
    const auto step = vector_fold_step(keys_, kPrefix, shape_, options);
    ASSERT_TRUE(step);
    is_done = *step == FoldStep::kIdle;
  }
  EXPECT_LE(keys_.entries.size(), 2u);  // and the newest centre
}
INSTANTIATE_TEST_SUITE_P(Seeds, VectorModelEmptied, testing::Range(0, 3));

class VectorModelRebuilt : public VectorModel {};

TEST_P(VectorModelRebuilt, CodesMadeAnewFindTheSame) {
  for (int i = 0; i < 300; ++i) put(new_id());
  while (*vector_fold_step(keys_, kPrefix, shape_, {}) == FoldStep::kDone) {
  }
  ASSERT_TRUE(forget_codes(keys_, kPrefix));
  for (const auto& [id, entry] : live_) {
    ASSERT_TRUE(relabel_vector(keys_, kPrefix, id, signature_of(entry.facets)));
  }
  while (*vector_fold_step(keys_, kPrefix, shape_, {}) == FoldStep::kDone) {
  }
  for (int i = 0; i < 20 && !HasFatalFailure(); ++i) compare(VectorAccuracy::high);
  EXPECT_LE(missed_, asked_ / 50) << "of " << asked_;
}
INSTANTIATE_TEST_SUITE_P(Seeds, VectorModelRebuilt, testing::Range(0, 6));

TEST(CheckVector, WhatCannotBeComparedIsRefused) {
  const VectorShape cosine{VectorMetric::cosine, 3};
  const VectorShape dot{VectorMetric::dot, 3};
  const auto code_of = [](const VectorShape& shape, std::vector<float> values) {
    return check_vector(shape, values).code();
  };
  EXPECT_EQ(code_of(cosine, {1, 2, 3}), StatusCode::kOk);
  EXPECT_EQ(code_of(cosine, {1, 2}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(cosine, {1, 2, 3, 4}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(cosine, {0, 0, 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(dot, {0, 0, 0}), StatusCode::kOk);
  EXPECT_EQ(code_of(dot, {NAN, 0, 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(dot, {0, INFINITY, 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of(dot, {3e19f, 0, 0}), StatusCode::kInvalidArgument);
}

TEST(VectorBlock, WhatIsCutOrOfAnotherFormatIsRefused) {
  std::string bytes = VectorBlockBuilder(70, 1, 32).take();
  ASSERT_TRUE(VectorBlock::open(bytes));
  EXPECT_FALSE(VectorBlock::open(bytes + "x"));
  EXPECT_FALSE(VectorBlock::open(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(VectorBlock::open(bytes.substr(0, 10)));
  bytes[0] = 9;
  EXPECT_FALSE(VectorBlock::open(bytes));
}

TEST(VectorBlock, FitsAValueInEveryDimension) {
  for (const size_t dimension : {2u, 256u, 768u, 1536u, 4096u, 8192u}) {
    const auto rows = static_cast<uint32_t>(vector::code_rows(dimension));
    const uint32_t capacity = vector_block_capacity(rows);
    EXPECT_GE(capacity, 64u);
    EXPECT_LE(VectorBlockBuilder(capacity, 1, rows).take().size(), 256u << 10);
  }
}

TEST(VectorManifest, WhatIsCutIsRefused) {
  VectorManifest manifest;
  manifest.next_block = 300;
  manifest.generation = 2;
  manifest.centred_at = 500;
  manifest.blocks.push_back({.number = 7, .generation = 1, .count = 200, .dead = 3});
  const std::string bytes = encode_vector_manifest(manifest);
  const auto back = decode_vector_manifest(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_vector_manifest(*back), bytes);
  EXPECT_EQ(back->live(), 197u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_vector_manifest(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_vector_manifest(bytes + '\0'));
}

}  // namespace
}  // namespace holdfast::search
