#include "holdfast/registry.h"

#include <gtest/gtest.h>

#include <random>

#include "memory/map_space_fixture.h"

namespace holdfast::memory {
namespace {

class RegistryTest : public MapSpaceTest {
 protected:
  Registry registry() { return Registry(access()); }
  uint64_t put(const std::string& name, const std::string& body, bool publish = false) {
    const auto added =
        registry().put({.kind = "agent", .name = name, .body = body, .publish = publish});
    EXPECT_TRUE(added) << added.status().to_string();
    return added ? added->version : 0;
  }
  std::string published() {
    const auto found = registry().get("agent", "reviewer");
    return found ? found->body : std::string(status_code_name(found.status().code()));
  }
};

TEST_F(RegistryTest, AVersionIsADraftUntilItIsPublished) {
  EXPECT_EQ(put("reviewer", "one"), 1u);
  EXPECT_EQ(published(), "not found");
  EXPECT_EQ(registry().get("agent", "reviewer", 1)->body, "one");
  EXPECT_FALSE(registry().get("agent", "reviewer", 1)->is_published);
  ASSERT_TRUE(registry().publish("agent", "reviewer", 1, {.by = "ann", .note = "first"}));
  EXPECT_EQ(put("reviewer", "two"), 2u);
  EXPECT_EQ(published(), "one");
  EXPECT_EQ(put("reviewer", "three", true), 3u);
  EXPECT_EQ(published(), "three");
  const auto entry = registry().find("agent", "reviewer");
  EXPECT_EQ(entry->latest, 3u);
  EXPECT_EQ(entry->published, 3u);
  const auto versions = registry().versions("agent", "reviewer");
  ASSERT_EQ(versions->size(), 3u);
  EXPECT_TRUE(versions->front().is_published);
  EXPECT_EQ(versions->back().body, "one");
  EXPECT_EQ(registry().versions("agent", "reviewer", 1, 3)->front().version, 2u);
}

TEST_F(RegistryTest, RollingBackGoesFurtherBackEachTime) {
  for (const char* body : {"one", "two", "three"}) put("reviewer", body, true);
  EXPECT_EQ(registry().rollback("agent", "reviewer")->version, 2u);
  EXPECT_EQ(published(), "two");
  EXPECT_EQ(registry().rollback("agent", "reviewer", {.by = "ann"})->version, 1u);
  EXPECT_EQ(published(), "one");
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return registry().rollback("agent", "reviewer").status(); });
  ASSERT_TRUE(registry().publish("agent", "reviewer", 3));
  EXPECT_EQ(registry().rollback("agent", "reviewer")->version, 1u);
  const auto publications = registry().publications("agent", "reviewer");
  ASSERT_EQ(publications->size(), 7u);
  EXPECT_TRUE(publications->front().is_rollback);
  EXPECT_EQ((*publications)[2].by, "ann");
  EXPECT_EQ(publications->back().version, 1u);
}

TEST_F(RegistryTest, WhatIsUnpublishedComesBackByRollingBack) {
  put("reviewer", "one", true);
  put("reviewer", "two", true);
  ASSERT_TRUE(registry().unpublish("agent", "reviewer"));
  EXPECT_EQ(published(), "not found");
  expect_refused(StatusCode::kNotFound, [&] { return registry().unpublish("agent", "reviewer"); });
  EXPECT_EQ(registry().rollback("agent", "reviewer")->version, 2u);
  EXPECT_EQ(registry().rollback("agent", "reviewer")->version, 1u);
}

TEST_F(RegistryTest, UsesAreCountedByVersion) {
  put("reviewer", "one", true);
  EXPECT_EQ(registry().take("agent", "reviewer")->body, "one");
  EXPECT_EQ(registry().take("agent", "reviewer")->body, "one");
  put("reviewer", "two", true);
  EXPECT_EQ(registry().take("agent", "reviewer")->body, "two");
  ASSERT_TRUE(registry().count_use("agent", "reviewer", 1));
  EXPECT_EQ(*registry().uses("agent", "reviewer"), (std::map<uint64_t, uint64_t>{{1, 3}, {2, 1}}));
  expect_refused(StatusCode::kNotFound,
                 [&] { return registry().count_use("agent", "reviewer", 3); });
}

TEST_F(RegistryTest, ConditionsAreOfWhatIsThere) {
  put("reviewer", "one", true);
  const NewDefinition late{.kind = "agent", .name = "reviewer", .body = "x", .if_latest = 0};
  expect_refused(StatusCode::kConditionFalse, [&] { return registry().put(late).status(); });
  expect_refused(StatusCode::kConditionFalse,
                 [&] { return registry().publish("agent", "reviewer", 1).status(); });
  put("reviewer", "two");
  const Status status = registry().publish("agent", "reviewer", 2, {.if_published = 7}).status();
  EXPECT_EQ(status.code(), StatusCode::kConditionFalse);
  EXPECT_EQ(status.version(), std::optional<uint64_t>(1));
  EXPECT_TRUE(registry().publish("agent", "reviewer", 2, {.if_published = 1}));
}

TEST_F(RegistryTest, BadInputIsRefusedAndNothingIsWritten) {
  const std::vector<NewDefinition> bad = {
      {.kind = "", .name = "a", .body = "x"},
      {.kind = "k", .name = "", .body = "x"},
      {.kind = "k", .name = std::string("a\0", 2), .body = "x"},
      {.kind = "k", .name = "a", .body = ""},
      {.kind = "k", .name = "a", .body = "\xff"},
      {.kind = "k", .name = "a", .body = "x", .note = "\xff"},
  };
  for (const NewDefinition& definition : bad) {
    expect_refused(StatusCode::kInvalidArgument,
                   [&] { return registry().put(definition).status(); });
  }
  EXPECT_EQ(
      registry()
          .put({.kind = "k", .name = "a", .body = std::string(kDefinitionBodySizeMax + 1, 'x')})
          .status()
          .code(),
      StatusCode::kTooLarge);
  EXPECT_EQ(registry().get("k", "a").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(registry().list({.prefix = "a"}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(registry().list({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(registry().remove("k", "a").code(), StatusCode::kNotFound);
}

TEST_F(RegistryTest, AListGoesByKindAndName) {
  for (const char* name : {"b", "a/c", "a"}) put(name, "x");
  ASSERT_TRUE(registry().put({.kind = "agentx", .name = "a", .body = "x"}));
  ASSERT_TRUE(registry().put({.kind = "age", .name = "z", .body = "x"}));
  const auto names = [&](const RegistryListOptions& options) {
    std::string text;
    const auto listed = registry().list(options);
    for (const RegistryEntry& entry : *listed) text += entry.kind + ":" + entry.name + " ";
    return text;
  };
  EXPECT_EQ(names({}), "age:z agent:a agent:a/c agent:b agentx:a ");
  EXPECT_EQ(names({.kind = "agent"}), "agent:a agent:a/c agent:b ");
  EXPECT_EQ(names({.kind = "agent", .prefix = "a"}), "agent:a agent:a/c ");
  EXPECT_EQ(names({.after = {{"agent", "a/c"}}, .limit = 1}), "agent:b ");
}

TEST_F(RegistryTest, WhatIsRemovedLeavesNothing) {
  put("other", "x");
  const size_t before = keys_.entries.size();
  put("reviewer", "one", true);
  put("reviewer", "two", true);
  ASSERT_TRUE(registry().take("agent", "reviewer"));
  ASSERT_TRUE(registry().remove("agent", "reviewer"));
  EXPECT_EQ(keys_.entries.size(), before);
  EXPECT_EQ(published(), "not found");
}

// A plain list of versions, and a stack of what was published.
TEST_F(RegistryTest, RandomWorkDoesWhatAPlainModelDoes) {
  std::mt19937 random(7);
  std::vector<std::string> bodies;
  std::vector<uint64_t> stack;
  uint64_t uses = 0;
  for (int i = 0; i < 2'000; ++i) {
    const uint64_t version = bodies.empty() ? 1 : 1 + random() % bodies.size();
    switch (random() % 4) {
      case 0:
        bodies.push_back(std::to_string(i));
        ASSERT_EQ(put("reviewer", bodies.back()), bodies.size());
        break;
      case 1: {
        const bool may = !bodies.empty() && (stack.empty() || stack.back() != version);
        ASSERT_EQ(registry().publish("agent", "reviewer", version).is_ok(), may);
        if (may) stack.push_back(version);
        break;
      }
      case 2:
        ASSERT_EQ(registry().rollback("agent", "reviewer").is_ok(), stack.size() > 1);
        if (stack.size() > 1) stack.pop_back();
        break;
      default:
        ASSERT_EQ(registry().take("agent", "reviewer").is_ok(), !stack.empty());
        uses += stack.empty() ? 0 : 1;
    }
    ASSERT_EQ(published(), stack.empty() ? "not found" : bodies[stack.back() - 1]);
  }
  uint64_t counted = 0;
  const auto all = registry().uses("agent", "reviewer");
  for (const auto& [version, count] : *all) counted += count;
  EXPECT_EQ(counted, uses);
}

}  // namespace
}  // namespace holdfast::memory
