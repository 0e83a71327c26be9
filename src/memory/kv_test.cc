#include "holdfast/kv.h"

#include <gtest/gtest.h>

#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

class KvTest : public testing::Test {
 protected:
  Kv kv(const SpaceSegments& segments = {"a"}) {
    return Kv(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  std::vector<std::string> list(const KvListOptions& options) {
    auto entries = kv().list(options);
    EXPECT_TRUE(entries) << entries.status().to_string();
    std::vector<std::string> names;
    for (const KvEntry& entry : *entries) names.push_back(entry.key + "=" + entry.value);
    return names;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

using Names = std::vector<std::string>;

TEST_F(KvTest, WhatIsPutIsGot) {
  const std::string key("\0\xff\x00k", 4);
  const std::string value("\0v\xff", 3);
  ASSERT_TRUE(kv().put(key, value));
  EXPECT_EQ(**kv().get(key), value);
  ASSERT_TRUE(kv().put(key, ""));
  EXPECT_EQ(**kv().get(key), "");
  ASSERT_TRUE(kv().del(key));
  EXPECT_EQ(*kv().get(key), std::nullopt);
}

TEST_F(KvTest, ReadingAndDeletingCreateNoSpace) {
  EXPECT_EQ(*kv().get("k"), std::nullopt);
  EXPECT_TRUE(kv().list()->empty());
  EXPECT_TRUE(kv().del("k"));
  EXPECT_TRUE(keys_.entries.empty());
}

TEST_F(KvTest, SpacesDoNotSeeEachOther) {
  ASSERT_TRUE(kv({"acme"}).put("k", "1"));
  ASSERT_TRUE(kv({"acme-corp"}).put("k", "2"));
  ASSERT_TRUE(kv({"acme", "corp"}).put("k2", "3"));
  EXPECT_EQ(**kv({"acme"}).get("k"), "1");
  EXPECT_EQ(kv({"acme"}).list()->size(), 1u);
  EXPECT_EQ(*kv({"acme"}).get("k2"), std::nullopt);
}

TEST_F(KvTest, ListsByPrefixAndPage) {
  const std::string last = "\xff\xff";
  for (const std::string& key :
       {std::string("a"), std::string("b1"), std::string("b2"), std::string("b3"), last}) {
    ASSERT_TRUE(kv().put(key, "v"));
  }
  EXPECT_EQ(list({}), (Names{"a=v", "b1=v", "b2=v", "b3=v", last + "=v"}));
  EXPECT_EQ(list({.prefix = "b"}), (Names{"b1=v", "b2=v", "b3=v"}));
  EXPECT_EQ(list({.prefix = "\xff"}), Names{last + "=v"});
  EXPECT_EQ(list({.prefix = "b", .limit = 2}), (Names{"b1=v", "b2=v"}));
  EXPECT_EQ(list({.prefix = "b", .after = "b2"}), Names{"b3=v"});
  EXPECT_EQ(list({.prefix = "b", .after = "a"}), (Names{"b1=v", "b2=v", "b3=v"}));
  EXPECT_EQ(list({.prefix = "b", .after = "c"}), Names{});
  EXPECT_EQ(list({.limit = 1, .keys_only = true}), Names{"a="});
}

TEST_F(KvTest, LimitsAreStated) {
  EXPECT_EQ(kv().put("", "v").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(kv().get(std::string(kKvKeySizeMax + 1, 'k')).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(kv().put(std::string(kKvKeySizeMax, 'k'), std::string(kKvValueSizeMax, 'v')));
  EXPECT_EQ(kv().put("k", std::string(kKvValueSizeMax + 1, 'v')).code(), StatusCode::kTooLarge);
  EXPECT_EQ(kv().list({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  for (const auto& [key, value] : keys_.entries) EXPECT_LE(key.size(), 1024u);
}

}  // namespace
}  // namespace holdfast::memory
