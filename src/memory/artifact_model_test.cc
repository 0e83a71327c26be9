// Random work on artifacts beside a plain model of them, whose rules are written anew from the
// header; and at the end everything is removed and nothing may be left.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "holdfast/artifact.h"
#include "holdfast/link.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

struct ModelVersion {
  std::string content;
  std::string branch;
  std::set<std::string> parents;  // ends
};

struct ModelArtifact {
  uint64_t next = 1;
  bool is_archived = false;
  std::map<uint64_t, ModelVersion> versions;
  std::map<std::string, uint64_t> aliases;
};

class Model {
 public:
  explicit Model(uint32_t seed) : random_(seed) {}

  void do_something() {
    switch (random_() % 10) {
      case 0:
        return set_alias();
      case 1:
        return archive();
      case 2:
        return remove();
      case 3:
        return remove_version();
      case 4:
        return prune();
      default:
        return put();
    }
  }

  void compare() {
    const auto listed = artifacts_.list({.with_archived = true});
    ASSERT_TRUE(listed) << listed.status().to_string();
    ASSERT_EQ(listed->size(), model_.size());
    auto at = model_.begin();
    for (const Artifact& seen : *listed) {
      ASSERT_EQ(seen.name, at->first);
      compare(seen, at->second);
      ++at;
    }
    for (const std::string& content : kContents) compare_content(content);
    for (const std::string& branch : kBranches) compare_branch(branch);
  }

  void remove_all() {
    std::vector<std::string> names;
    for (const auto& [name, artifact] : model_) names.push_back(name);
    ASSERT_TRUE(artifacts_.remove(names));
    for (const auto& [key, value] : keys_.entries) EXPECT_EQ(key[0], '\x01') << "left behind";
  }

 private:
  static inline const std::vector<std::string> kNames = {"a", "a/b", "aa", "b"};
  static inline const std::vector<std::string> kContents = {"", "x", "xx", std::string(3000, 'y')};
  static inline const std::vector<std::string> kBranches = {"main", "dev"};
  static inline const std::vector<std::string> kAliases = {"prod", "test"};

  const std::string& any(const std::vector<std::string>& of) { return of[random_() % of.size()]; }
  uint64_t any_number(const std::string& name) {
    const auto found = model_.find(name);
    return found == model_.end() ? 1 : 1 + random_() % found->second.next;
  }
  bool is_there(const std::string& name, uint64_t version) {
    const auto found = model_.find(name);
    return found != model_.end() && found->second.versions.contains(version);
  }
  static bool is_named(const ModelArtifact& artifact, uint64_t version) {
    return std::any_of(artifact.aliases.begin(), artifact.aliases.end(),
                       [&](const auto& alias) { return alias.second == version; });
  }

  void put() {
    const std::string& name = any(kNames);
    ModelVersion version{any(kContents), any(kBranches), {}};
    NewArtifact artifact{.name = name, .metadata = "{\"branch\":\"" + version.branch + "\"}"};
    bool parents_there = true;
    if (random_() % 3 == 0) {
      const std::string& parent = any(kNames);
      const uint64_t number = any_number(parent);
      parents_there = is_there(parent, number);
      artifact.parents = {parent + "@" + std::to_string(number)};
      version.parents = {artifact_end(parent, number)};
    }
    const auto result = artifacts_.put(artifact, version.content);
    const auto found = model_.find(name);
    if (found != model_.end() && found->second.is_archived) {
      ASSERT_EQ(result.status().code(), StatusCode::kConditionFalse);
      return;
    }
    if (!parents_there) {
      ASSERT_EQ(result.status().code(), StatusCode::kNotFound);
      return;
    }
    ASSERT_TRUE(result) << result.status().to_string();
    ModelArtifact& target = model_[name];
    ASSERT_EQ(result->version, target.next);
    target.versions[target.next++] = version;
  }

  void set_alias() {
    const std::string& name = any(kNames);
    const std::string& alias = any(kAliases);
    const uint64_t number = any_number(name);
    const Status status = artifacts_.set_alias(name, alias, std::to_string(number));
    ASSERT_EQ(status.is_ok(), is_there(name, number)) << status.to_string();
    if (status) model_[name].aliases[alias] = number;
  }

  void archive() {
    const std::vector<std::string> name = {any(kNames)};
    const bool archives = random_() % 2 == 0;
    const Status status = archives ? artifacts_.archive(name) : artifacts_.unarchive(name);
    ASSERT_EQ(status.is_ok(), model_.contains(name[0])) << status.to_string();
    if (status) model_[name[0]].is_archived = archives;
  }

  void remove() {
    std::vector<std::string> names = {any(kNames)};
    if (const std::string& other = any(kNames); other != names[0]) names.push_back(other);
    const bool all_there = std::all_of(
        names.begin(), names.end(), [&](const std::string& name) { return model_.contains(name); });
    const Status status = artifacts_.remove(names);
    ASSERT_EQ(status.is_ok(), all_there) << status.to_string();
    if (!status) return;
    for (const std::string& name : names) {
      for (const auto& [number, version] : model_[name].versions) forget_end(name, number);
      model_.erase(name);
    }
  }

  void remove_version() {
    const std::string& name = any(kNames);
    const uint64_t number = any_number(name);
    const Status status = artifacts_.remove_version(name, number);
    const bool may = is_there(name, number) && !is_named(model_[name], number) &&
                     model_[name].versions.size() > 1;
    ASSERT_EQ(status.is_ok(), may) << status.to_string();
    if (status) erase(name, number);
  }

  void prune() {
    const std::string& name = any(kNames);
    const uint64_t keep = 1 + random_() % 4;
    const auto removed = artifacts_.prune(name, keep);
    ASSERT_EQ(removed.is_ok(), model_.contains(name));
    if (!removed) return;
    std::vector<uint64_t> gone;
    uint64_t place = model_[name].versions.size();
    for (const auto& [number, version] : model_[name].versions) {
      if (place-- > keep && !is_named(model_[name], number)) gone.push_back(number);
    }
    ASSERT_EQ(*removed, gone.size());
    for (const uint64_t number : gone) erase(name, number);
  }

  void erase(const std::string& name, uint64_t number) {
    model_[name].versions.erase(number);
    forget_end(name, number);
  }
  void forget_end(const std::string& name, uint64_t number) {
    for (auto& [other, artifact] : model_) {
      for (auto& [at, version] : artifact.versions) {
        version.parents.erase(artifact_end(name, number));
      }
    }
  }

  void compare(const Artifact& seen, const ModelArtifact& artifact) {
    EXPECT_EQ(seen.versions, artifact.versions.size());
    EXPECT_EQ(seen.archived_us != 0, artifact.is_archived);
    EXPECT_EQ(seen.latest.version, artifact.versions.rbegin()->first);
    const auto aliases = artifacts_.show(seen.name)->aliases;
    EXPECT_TRUE(std::equal(aliases.begin(), aliases.end(), artifact.aliases.begin(),
                           artifact.aliases.end()));
    const auto versions = artifacts_.versions(seen.name);
    ASSERT_EQ(versions->size(), artifact.versions.size());
    auto at = artifact.versions.rbegin();
    for (const ArtifactVersion& version : *versions) {
      ASSERT_EQ(version.version, at->first);
      EXPECT_EQ(*artifacts_.get(seen.name, std::to_string(version.version)), at->second.content);
      std::set<std::string> parents;
      const auto links = links_.of(artifact_end(seen.name, version.version));
      for (const Link& link : *links) parents.insert(link.to);
      EXPECT_EQ(parents, at->second.parents);
      EXPECT_EQ(artifacts_.find_id(version.id)->version, version.version);
      ++at;
    }
  }

  void compare_content(const std::string& content) {
    size_t expected = 0;
    for (const auto& [name, artifact] : model_) {
      for (const auto& [number, version] : artifact.versions) {
        expected += version.content == content ? 1 : 0;
      }
    }
    const BlobRef ref = ArtifactContent(content).ref();
    EXPECT_EQ(artifacts_.query({.content = ref, .with_archived = true})->size(), expected);
  }

  void compare_branch(const std::string& branch) {
    size_t expected = 0;
    for (const auto& [name, artifact] : model_) {
      for (const auto& [number, version] : artifact.versions) {
        expected += version.branch == branch ? 1 : 0;
      }
    }
    const ArtifactQuery query{.metadata = {{"branch", "\"" + branch + "\""}},
                              .with_archived = true};
    EXPECT_EQ(artifacts_.query(query)->size(), expected);
  }

  std::mt19937 random_;
  search::MapKeyspace keys_;
  MapClock clock_;
  Artifacts artifacts_{std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"m"})};
  Links links_{std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"m"})};
  std::map<std::string, ModelArtifact> model_;
};

class ArtifactModelTest : public testing::TestWithParam<uint32_t> {};

TEST_P(ArtifactModelTest, DoesWhatAPlainModelDoes) {
  Model model(GetParam());
  for (int i = 0; i < 200 && !HasFatalFailure(); ++i) {
    model.do_something();
    if (i % 10 == 0) model.compare();
  }
  model.compare();
  model.remove_all();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ArtifactModelTest, testing::Range(0u, 30u));

}  // namespace
}  // namespace holdfast::memory
