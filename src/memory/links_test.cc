#include "holdfast/link.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "holdfast/observation.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

class LinksTest : public testing::Test {
 protected:
  Links links(const SpaceSegments& segments = {"a"}) {
    return Links(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  void put(const std::string& from, const std::string& to, double weight = 1,
           const std::string& type = "t") {
    const auto existed = links().put({.from = from, .type = type, .to = to, .weight = weight});
    ASSERT_TRUE(existed) << existed.status().to_string();
  }
  std::string ends(const Result<std::vector<Link>>& found) {
    EXPECT_TRUE(found) << found.status().to_string();
    std::string text;
    for (const Link& link : *found) text += link.from + ">" + link.to + " ";
    return text;
  }
  std::string walked(std::string_view from, const WalkOptions& options = {}) {
    const auto result = links().walk(from, options);
    EXPECT_TRUE(result) << result.status().to_string();
    std::string text;
    for (const WalkedEnd& end : result->ends) text += end.end + std::to_string(end.depth) + " ";
    return text + (result->is_complete ? "" : "...");
  }
  StatusCode code(const NewLink& link) { return links().put(link).status().code(); }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(LinksTest, ALinkIsFoundFromBothEnds) {
  ASSERT_TRUE(
      links().put({.from = "a", .type = "causes", .to = "b", .weight = 0.5, .data = "why"}));
  const auto link = links().get("a", "causes", "b");
  ASSERT_TRUE(link && *link);
  EXPECT_EQ((*link)->data, "why");
  EXPECT_EQ((*link)->weight, 0.5);
  EXPECT_EQ((*link)->created_us, clock_.now_us);
  EXPECT_EQ(ends(links().of("a")), "a>b ");
  EXPECT_EQ(ends(links().of("b")), "");
  const auto incoming = links().of("b", {.filter = {.direction = LinkDirection::in}});
  ASSERT_EQ(incoming->size(), 1u);
  EXPECT_EQ(incoming->front().weight, 0.5);
  EXPECT_EQ(incoming->front().type, "causes");
}

TEST_F(LinksTest, PuttingAgainChangesIt) {
  put("a", "b", 1);
  clock_.now_us += 5;
  EXPECT_TRUE(*links().put({.from = "a", .type = "t", .to = "b", .weight = 2}));
  const auto link = *links().get("a", "t", "b");
  EXPECT_EQ(link->weight, 2);
  EXPECT_EQ(link->changed_us, link->created_us + 5);
  EXPECT_EQ(links().of("a")->size(), 1u);
  EXPECT_EQ(links().of("b", {.filter = {.direction = LinkDirection::in}})->front().weight, 2);
}

TEST_F(LinksTest, StrengtheningStaysWithinItsLimits) {
  EXPECT_EQ(*links().strengthen("a", "t", "b", 0.5), 0.5);
  EXPECT_EQ(*links().strengthen("a", "t", "b", 0.75, 1), 1);
  EXPECT_EQ(*links().strengthen("a", "t", "b", -3), 0);
}

TEST_F(LinksTest, FiltersAndPages) {
  for (int i = 0; i < 5; ++i) put("n", "out" + std::to_string(i), i, i % 2 ? "odd" : "even");
  for (int i = 0; i < 3; ++i) put("in" + std::to_string(i), "n", i, "odd");
  EXPECT_EQ(ends(links().of("n", {.filter = {.types = {"odd"}}})), "n>out1 n>out3 ");
  EXPECT_EQ(ends(links().of("n", {.filter = {.weight_min = 3}})), "n>out4 n>out3 ");
  const std::string all = ends(links().of("n", {.filter = {.direction = LinkDirection::both}}));
  for (const size_t limit : {1u, 2u, 3u, 7u}) {
    std::string paged;
    LinkListOptions options{.filter = {.direction = LinkDirection::both}, .limit = limit};
    while (true) {
      const auto page = links().of("n", options);
      if (page->empty()) break;
      paged += ends(page);
      options.after = page->back();
    }
    EXPECT_EQ(paged, all) << "pages of " << limit;
  }
  EXPECT_EQ(links().list({.limit = 100})->size(), 8u);
}

TEST_F(LinksTest, RemovingAnEndLeavesNothingOfIt) {
  put("x", "y");
  const auto before = keys_.entries;
  put("a", "b");
  put("b", "c", 1, "u");
  put("b", "d");
  EXPECT_EQ(*links().remove_end("b", 2), 2u);
  EXPECT_EQ(*links().remove_end("b"), 1u);
  EXPECT_EQ(*links().remove_end("b"), 0u);
  EXPECT_EQ(keys_.entries, before);
  ASSERT_TRUE(links().remove("x", "t", "y"));
  EXPECT_EQ(links().remove("x", "t", "y").code(), StatusCode::kNotFound);
}

TEST_F(LinksTest, LinksOfAnObservationGoWithIt) {
  const Observations observations(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}));
  const std::string kept = link_end(*observations.add({.content = "kept"}));
  const size_t before = keys_.entries.size();
  const auto id = observations.add({.content = "text"});
  const std::string end = link_end(*id);
  put(kept, end);
  put(end, "thing");
  ASSERT_TRUE(observations.remove(*id));
  EXPECT_EQ(keys_.entries.size(), before);
  EXPECT_EQ(code({.from = kept, .type = "t", .to = end}), StatusCode::kNotFound);
  EXPECT_EQ(code({.from = kept, .type = "t", .to = "observation/0189"}),
            StatusCode::kInvalidArgument);
}

TEST_F(LinksTest, AWalkIsBreadthFirstAndVisitsEachEndOnce) {
  put("a", "b");
  put("a", "c");
  put("b", "d");
  put("c", "d");
  put("d", "a");
  put("d", "e");
  EXPECT_EQ(walked("a"), "b1 c1 d2 e3 ");
  EXPECT_EQ(walked("a", {.depth_max = 2}), "b1 c1 d2 ");
  EXPECT_EQ(walked("e", {.filter = {.direction = LinkDirection::in}, .depth_max = 2}), "d1 b2 c2 ");
  EXPECT_EQ(walked("e", {.filter = {.direction = LinkDirection::both}, .depth_max = 9}),
            "d1 a2 b2 c2 ");
  EXPECT_EQ(walked("a", {.prefix = "d"}), "d2 ");
  EXPECT_EQ(walked("a", {.limit = 2}), "b1 c1 ...");
  EXPECT_EQ(walked("a", {.links_per_end_max = 1}), "b1 d2 ...");
  EXPECT_EQ(links().walk("a", {})->ends.at(2).by.from, "b");
}

TEST_F(LinksTest, ActivationIsSharedByWeightAndAddsUp) {
  put("a", "b", 3);
  put("a", "c", 1);
  put("b", "d", 1);
  put("c", "d", 1);
  put("c", "n", -5);
  const std::vector<Activation> seeds = {{"a", 1}};
  const auto found = links().spread(seeds, {.filter = {}, .steps = 2, .decay = 0.5});
  ASSERT_EQ(found->size(), 3u);
  std::map<std::string, double> values;
  for (const Activation& activation : *found) values[activation.end] = activation.value;
  EXPECT_DOUBLE_EQ(values["b"], 0.375);
  EXPECT_DOUBLE_EQ(values["c"], 0.125);
  EXPECT_DOUBLE_EQ(values["d"], 0.25);
  EXPECT_EQ(found->front().end, "b");
  EXPECT_EQ(links().spread(seeds, {.with_seeds = true})->front().end, "a");
}

TEST_F(LinksTest, HostileNamesAndSpacesAreApart) {
  put("a", "b");
  put("ab", "c");
  ASSERT_TRUE(links({"b"}).put({.from = "a", .type = "t", .to = "foreign"}));
  EXPECT_EQ(ends(links().of("a")), "a>b ");
  EXPECT_EQ(ends(links().of("ab")), "ab>c ");
  EXPECT_EQ(walked("a"), "b1 ");
}

TEST_F(LinksTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  EXPECT_EQ(code({.from = "", .type = "t", .to = "b"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.from = "a", .type = "", .to = "b"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.from = "a", .type = "t", .to = "a"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.from = std::string("a\0", 2), .type = "t", .to = "b"}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.from = "\xff", .type = "t", .to = "b"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.from = std::string(401, 'x'), .type = "t", .to = "b"}), StatusCode::kTooLarge);
  EXPECT_EQ(code({.from = "a", .type = "t", .to = "b", .weight = std::nan("")}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(
      code({.from = "a", .type = "t", .to = "b", .data = std::string(kLinkDataSizeMax + 1, 'x')}),
      StatusCode::kTooLarge);
  const std::vector<NewLink> two = {{.from = "a", .type = "t", .to = "b"}, {}};
  EXPECT_EQ(links().put_all(two).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(links().walk("a", {.depth_max = 0}).status().code(), StatusCode::kInvalidArgument);
  const std::vector<Activation> seeds = {{"a", -1}};
  EXPECT_EQ(links().spread(seeds).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(keys_.entries, before);
}

// Against a plain model: a map of triples.
class LinksModelTest : public LinksTest, public testing::WithParamInterface<uint32_t> {
 protected:
  using Triple = std::tuple<std::string, std::string, std::string>;

  std::string some_end() { return std::string(1, static_cast<char>('a' + random_() % 12)); }
  std::string some_type() { return random_() % 2 ? "t" : "u"; }

  // Ends within `depth` links of `from`, without it.
  std::set<std::string> near(const std::string& from, size_t depth) const {
    std::set<std::string> seen = {from};
    for (size_t i = 0; i < depth; ++i) {
      std::set<std::string> next = seen;
      for (const auto& [triple, weight] : model_) {
        if (seen.contains(std::get<0>(triple))) next.insert(std::get<2>(triple));
      }
      seen = next;
    }
    seen.erase(from);
    return seen;
  }
  void expect_same(const std::string& end) {
    std::map<Triple, double> found;
    const auto of_end =
        links().of(end, {.filter = {.direction = LinkDirection::both}, .limit = 1000});
    for (const Link& link : *of_end) {
      found[{link.from, link.type, link.to}] = link.weight;
    }
    std::map<Triple, double> expected;
    for (const auto& [triple, weight] : model_) {
      if (std::get<0>(triple) == end || std::get<2>(triple) == end) expected[triple] = weight;
    }
    EXPECT_EQ(found, expected);
    std::set<std::string> reached;
    const auto two_away = links().walk(end, {.depth_max = 2});
    for (const WalkedEnd& walked : two_away->ends) {
      reached.insert(walked.end);
    }
    EXPECT_EQ(reached, near(end, 2));
  }

  std::mt19937 random_{GetParam()};
  std::map<Triple, double> model_;
};

TEST_P(LinksModelTest, BehavesAsAMapOfTriples) {
  for (int step = 0; step < 600; ++step) {
    const std::string from = some_end();
    const std::string to = some_end();
    const std::string type = some_type();
    const Triple triple{from, type, to};
    const auto weight = static_cast<double>(random_() % 100);
    switch (random_() % 8) {
      case 0: {
        const bool removed = links().remove(from, type, to).is_ok() && from != to;
        EXPECT_EQ(removed, model_.erase(triple) == 1);
        break;
      }
      case 1:
        if (random_() % 4 == 0) {
          ASSERT_TRUE(links().remove_end(from));
          std::erase_if(model_, [&](const auto& entry) {
            return std::get<0>(entry.first) == from || std::get<2>(entry.first) == from;
          });
        }
        break;
      case 2:
        expect_same(from);
        break;
      default:
        if (from == to) break;
        EXPECT_EQ(*links().put({.from = from, .type = type, .to = to, .weight = weight}),
                  model_.contains(triple));
        model_[triple] = weight;
    }
    // Two keys a link, one catalog node and the next space's id.
    if (!keys_.entries.empty()) {
      ASSERT_EQ(keys_.entries.size(), 2 * model_.size() + 2);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LinksModelTest, testing::Range(1u, 11u));

}  // namespace
}  // namespace holdfast::memory
