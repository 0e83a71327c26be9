#include "memory/catalog.h"

#include <gtest/gtest.h>

#include <set>

#include "search/map_keyspace.h"

namespace holdfast::memory {
namespace {

using search::MapKeyspace;

uint32_t ensure(MapKeyspace& keys, const SpaceSegments& segments) {
  auto id = ensure_space(keys, segments);
  EXPECT_TRUE(id) << id.status().to_string();
  return *id;
}

std::optional<uint32_t> find(MapKeyspace& keys, const SpaceSegments& segments) {
  auto id = find_space(keys, segments);
  EXPECT_TRUE(id) << id.status().to_string();
  return *id;
}

// Names that have gone wrong elsewhere: prefixes of each other, separators, terminators, NUL, the
// greatest code point, bytes that encodings use as escapes.
const std::vector<SpaceSegments>& hostile_paths() {
  static const std::vector<SpaceSegments> paths = {
      {"acme"},
      {"acme-corp"},
      {"acme", "corp"},
      {"acme/corp"},
      {"a", "b"},
      {"a/b"},
      {"a"},
      {"ab"},
      {std::string("a\0b", 3)},
      {"a", std::string("\0", 1), "b"},
      {std::string("a\0", 2), "b"},
      {std::string("a\0\xc3\xbf", 4)},
      {std::string("\0", 1)},
      {"\x01"},
      {"\U0010FFFF"},
      {"\u00ff"},
      {"\U0010FFFF", "\U0010FFFF"},
      {"\u00ff\u00ff"},
      {std::string(128, 'x')},
      {std::string(128, 'x'), std::string(128, 'x')},
      SpaceSegments(8, std::string(128, 'z')),
      {"..", "."},
      {"*"},
      {"%"},
      {"a%2Fb"},
  };
  return paths;
}

TEST(Catalog, HostilePathsNeverShareAnId) {
  MapKeyspace keys;
  std::set<uint32_t> ids;
  for (const SpaceSegments& path : hostile_paths()) {
    ASSERT_TRUE(check_segments(path));
    EXPECT_FALSE(find(keys, path));
    EXPECT_TRUE(ids.insert(ensure(keys, path)).second);
  }
  for (const SpaceSegments& path : hostile_paths()) {
    EXPECT_EQ(find(keys, path), ensure(keys, path));
  }
  for (const auto& [key, value] : keys.entries) EXPECT_LE(key.size(), 1024u);
}

TEST(Catalog, EnsuringAgainWritesNothing) {
  MapKeyspace keys;
  ensure(keys, {"a", "b"});
  const int writes = keys.writes;
  ensure(keys, {"a", "b"});
  EXPECT_EQ(keys.writes, writes);
}

TEST(Catalog, FindingCreatesNothing) {
  MapKeyspace keys;
  EXPECT_FALSE(find(keys, {"a"}));
  EXPECT_TRUE(keys.entries.empty());
}

TEST(Catalog, AParentIsNotASpaceUntilItIsWrittenTo) {
  MapKeyspace keys;
  ensure(keys, {"a", "b"});
  EXPECT_FALSE(find(keys, {"a"}));
  const uint32_t parent = ensure(keys, {"a"});
  EXPECT_EQ(find(keys, {"a"}), parent);
  EXPECT_NE(find(keys, {"a", "b"}), parent);
}

TEST(Catalog, ListsAllSpacesInOrder) {
  MapKeyspace keys;
  for (const SpaceSegments& path : hostile_paths()) ensure(keys, path);
  std::vector<SpaceSegments> sorted = hostile_paths();
  std::sort(sorted.begin(), sorted.end());
  auto all = list_spaces_below(keys, {}, 1000);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, sorted);
  auto few = list_spaces_below(keys, {}, 5);
  ASSERT_TRUE(few);
  EXPECT_EQ(*few, std::vector<SpaceSegments>(sorted.begin(), sorted.begin() + 5));
}

TEST(Catalog, ListsOnlyWhatIsBelow) {
  MapKeyspace keys;
  ensure(keys, {"acme"});
  ensure(keys, {"acme", "x"});
  ensure(keys, {"acme", "x", "y"});
  ensure(keys, {"acme-corp"});
  ensure(keys, {"acme-corp", "z"});
  auto below = list_spaces_below(keys, {"acme"}, 1000);
  ASSERT_TRUE(below);
  EXPECT_EQ(*below, (std::vector<SpaceSegments>{{"acme", "x"}, {"acme", "x", "y"}}));
  EXPECT_TRUE(list_spaces_below(keys, {"absent"}, 10)->empty());
}

TEST(Catalog, BadSegmentsAreRefusedWithAReason) {
  const auto message = [](const SpaceSegments& segments) {
    const Status status = check_segments(segments);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_NE(message({}).find("at least one"), std::string::npos);
  EXPECT_NE(message({"a", ""}).find("segment 2"), std::string::npos);
  EXPECT_NE(message(SpaceSegments(9, "a")).find("more than 8 segments"), std::string::npos);
  EXPECT_NE(message({std::string(129, 'a')}).find("129 bytes"), std::string::npos);
  EXPECT_NE(message({"ab\xff"}).find("byte 2"), std::string::npos);
  EXPECT_NE(message({"\xed\xa0\x80"}).find("not UTF-8"), std::string::npos);
}

TEST(Catalog, MalformedNodeIsCorruption) {
  MapKeyspace keys;
  ensure(keys, {"a"});
  for (auto& [key, value] : keys.entries) value = "";
  EXPECT_EQ(find_space(keys, {"a"}).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(list_spaces_below(keys, {}, 10).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ensure_space(keys, {"b"}).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace holdfast::memory
