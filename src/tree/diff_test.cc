#include "tree/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tree/test_pages.h"

namespace holdfast::tree {
namespace {

using Model = std::map<std::string, std::string>;
using Value = std::optional<std::string>;
using Changes = std::map<std::string, std::pair<Value, Value>>;

Value bytes_of(const PageSource& source, const std::optional<FoundValue>& found) {
  if (!found) return std::nullopt;
  const auto bytes = value_bytes(source, *found);
  CHECK(bytes.is_ok());
  return std::string(*bytes);
}

struct Found {
  Changes changes;
  uint64_t pages_read = 0;
};

Found diff(const PageSource& source, const Root& before, const Root& after,
           const std::string& begin = "", const std::string& end = "") {
  Found found;
  DiffCursor cursor(source, before, after, begin, end);
  std::string last;
  for (; cursor.valid(); cursor.next()) {
    EXPECT_LT(last, cursor.key());
    last = cursor.key();
    found.changes[last] = {bytes_of(source, cursor.before()), bytes_of(source, cursor.after())};
  }
  EXPECT_TRUE(cursor.status()) << cursor.status().to_string();
  found.pages_read = cursor.pages_read();
  return found;
}

Changes expected(const Model& before, const Model& after, const std::string& begin = "",
                 const std::string& end = "") {
  Changes changes;
  const auto note = [&](const Model& model, Value std::pair<Value, Value>::*side) {
    for (const auto& [key, value] : model) {
      if (key >= begin && (end.empty() || key < end)) changes[key].*side = value;
    }
  };
  note(before, &std::pair<Value, Value>::first);
  note(after, &std::pair<Value, Value>::second);
  std::erase_if(changes,
                [](const auto& entry) { return entry.second.first == entry.second.second; });
  return changes;
}

std::string number(uint32_t value) {
  std::string text = std::to_string(value);
  return "key" + std::string(8 - text.size(), '0') + text;
}

TestBatch numbers(uint32_t first, uint32_t count, const std::string& value) {
  TestBatch batch;
  for (uint32_t i = first; i < first + count; ++i) batch[number(i)] = value;
  return batch;
}

TEST(Diff, OfATreeAndItselfReadsNothing) {
  TestTree tree(512, true);
  ASSERT_TRUE(tree.apply(numbers(0, 1000, "value")));
  const Found found = diff(tree.source(), tree.root(), tree.root());
  EXPECT_TRUE(found.changes.empty());
  EXPECT_EQ(found.pages_read, 0u);
}

TEST(Diff, WithTheEmptyTreeIsEverything) {
  TestTree tree(512, true);
  ASSERT_TRUE(tree.apply(numbers(0, 300, "value")));
  EXPECT_EQ(diff(tree.source(), Root(), tree.root()).changes.size(), 300u);
  const Changes removed = diff(tree.source(), tree.root(), Root()).changes;
  ASSERT_EQ(removed.size(), 300u);
  EXPECT_EQ(removed.begin()->second, std::pair(Value("value"), Value()));
  EXPECT_TRUE(diff(tree.source(), Root(), Root()).changes.empty());
}

TEST(Diff, CostsWhatChangedNotWhatIsThere) {
  TestTree tree(512, true, 1u << 17);
  for (uint32_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(tree.apply(numbers(i * 1000, 1000, "some value of some length")));
  }
  const Root before = tree.root();
  ASSERT_TRUE(
      tree.apply(TestBatch{{number(777), "a"}, {number(25'000), std::nullopt}, {"zzz", "b"}}));
  const Found found = diff(tree.source(), before, tree.root());
  EXPECT_EQ(found.changes.size(), 3u);
  // Three paths in each tree, and now and then a neighbour.
  EXPECT_LE(found.pages_read, 3u * 2 * (tree.root().height + 2));
}

TEST(Diff, AThousandNewKeysInOnePlaceReadOnlyThatPlace) {
  TestTree tree(512, true, 1u << 17);
  for (uint32_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(tree.apply(numbers(i * 1000, 1000, "some value of some length")));
  }
  const Root before = tree.root();
  TestBatch batch;
  for (uint32_t i = 0; i < 1000; ++i) batch[number(25'000) + number(i)] = "inserted";
  ASSERT_TRUE(tree.apply(batch));
  uint64_t written = 0;
  for (const NewRun& run : tree.last().written) written += run.bytes.size() / 512;
  const Found found = diff(tree.source(), before, tree.root());
  EXPECT_EQ(found.changes.size(), 1000u);
  EXPECT_LE(found.pages_read, written + 4 * tree.root().height);
}

TEST(Diff, OfTreesOfDifferentHeight) {
  TestTree tree(512, true);
  Model before_model;
  ASSERT_TRUE(tree.apply(numbers(0, 3, "v")));
  for (const auto& [key, value] : numbers(0, 3, "v")) before_model[key] = *value;
  const Root before = tree.root();
  Model after_model = before_model;
  ASSERT_TRUE(tree.apply(numbers(3, 5000, "v")));
  for (const auto& [key, value] : numbers(3, 5000, "v")) after_model[key] = *value;
  ASSERT_GT(tree.root().height, before.height + 1);
  EXPECT_EQ(diff(tree.source(), before, tree.root()).changes, expected(before_model, after_model));
  EXPECT_EQ(diff(tree.source(), tree.root(), before).changes, expected(after_model, before_model));
}

TEST(Diff, AnErrorEndsItAndIsTold) {
  TestTree tree(512, true);
  ASSERT_TRUE(tree.apply(numbers(0, 500, "v")));
  const Root before = tree.root();
  ASSERT_TRUE(tree.apply(TestBatch{{number(250), "w"}}));
  tree.pages().page(tree.last().written.back().pgno)[100] ^= 1;
  const auto fresh = tree.pages().fresh_source();
  DiffCursor cursor(*fresh, before, tree.root(), "", "");
  while (cursor.valid()) cursor.next();
  EXPECT_EQ(cursor.status().code(), StatusCode::kCorruption);
}

struct DiffScenario {
  uint32_t page_size;
  uint32_t seed;
};

class DiffModelTest : public testing::TestWithParam<DiffScenario> {
 protected:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  std::string random_key() {
    if (below(8) == 0) return std::string(1 + below(100), "ab\xff"[below(3)]);
    return "space/" + std::to_string(below(3)) + "/" + std::to_string(below(2000));
  }
  std::string random_value() {
    const uint32_t page = GetParam().page_size;
    if (below(20) == 0)
      return std::string(page / 2 + below(3 * page), static_cast<char>('A' + below(3)));
    return std::string(below(page / 12), static_cast<char>('a' + below(3)));
  }
  void apply_random_batch() {
    TestBatch batch;
    const uint32_t kind = below(10);
    const uint32_t count = kind == 0 ? 600 : 1 + below(kind < 4 ? 100 : 6);
    const bool sequential = below(4) == 0;
    const uint32_t first = below(100'000);
    for (uint32_t i = 0; i < count; ++i) {
      std::string key = sequential ? number(first + i) : random_key();
      const bool removes = !model_.empty() && below(10) < delete_weight_;
      if (removes) {
        const auto near = model_.lower_bound(key);
        batch[near == model_.end() ? model_.begin()->first : near->first] = std::nullopt;
      } else {
        batch[std::move(key)] = random_value();
      }
    }
    if (below(6) == 0) delete_weight_ = 1 + below(9);
    ASSERT_TRUE(tree_.apply(batch));
    for (const auto& [key, value] : batch) {
      if (value) {
        model_[key] = *value;
      } else {
        model_.erase(key);
      }
    }
  }

  std::mt19937 random_{GetParam().seed};
  TestTree tree_{GetParam().page_size, true, 1u << 17};
  Model model_;
  uint32_t delete_weight_ = 3;
};

TEST_P(DiffModelTest, IsTheDifferenceOfTwoMaps) {
  std::vector<std::pair<Root, Model>> versions = {{Root(), Model()}};
  for (int i = 0; i < 60; ++i) {
    apply_random_batch();
    versions.emplace_back(tree_.root(), model_);
  }
  for (int i = 0; i < 120; ++i) {
    const uint32_t a = below(static_cast<uint32_t>(versions.size()));
    const uint32_t b =
        i % 2 == 0 ? below(static_cast<uint32_t>(versions.size())) : std::min<uint32_t>(a + 1, 60);
    std::string begin;
    std::string end;
    if (below(2) == 0) begin = random_key();
    if (below(2) == 0) end = random_key();
    SCOPED_TRACE(std::to_string(a) + " to " + std::to_string(b) + " [" + begin + ", " + end + ")");
    ASSERT_EQ(diff(tree_.source(), versions[a].first, versions[b].first, begin, end).changes,
              expected(versions[a].second, versions[b].second, begin, end));
  }
}

std::vector<DiffScenario> scenarios() {
  std::vector<DiffScenario> all;
  for (uint32_t seed = 1; seed <= 8; ++seed) all.push_back({seed % 3 == 0 ? 1024u : 512u, seed});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Seeds, DiffModelTest, testing::ValuesIn(scenarios()),
                         [](const auto& scenario) {
                           return "page" + std::to_string(scenario.param.page_size) + "seed" +
                                  std::to_string(scenario.param.seed);
                         });

}  // namespace
}  // namespace holdfast::tree
