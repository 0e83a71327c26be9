#include "holdfast/kv.h"

#include <gtest/gtest.h>

#include "holdfast/space.h"
#include "holdfast/store.h"
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

class LargeKvTest : public testing::Test {
 protected:
  std::string large(size_t size = 3'000'000) {
    std::string value;
    for (uint64_t i = 0; value.size() < size; ++i) value += std::to_string(i * 7919);
    return value;
  }
  Status put_large(const std::string& key, const std::string& value) {
    HOLDFAST_ASSIGN(BlobWriter writer, kv_.write());
    HOLDFAST_TRY(writer.append(value));
    HOLDFAST_ASSIGN(const NewBlob blob, writer.finish());
    return kv_.put(key, blob);
  }
  std::string read(const std::string& key) {
    auto reader = kv_.open(key);
    EXPECT_TRUE(reader.is_ok() && *reader) << reader.status().to_string();
    std::string value((*reader)->size() + 1, '\0');
    size_t done = 0;
    while (const size_t count = *(*reader)->read(value.data() + done, value.size() - done)) {
      done += count;
    }
    value.resize(done);
    return value;
  }
  uint64_t blobs() {
    auto snapshot = store_.snapshot();
    return store_.blobs().stats(*snapshot)->blobs;
  }

  Store store_ = *Store::memory();
  Space space_ = *store_.space("a");
  Kv kv_ = space_.kv();
};

TEST_F(LargeKvTest, ValueOfAnySizeComesBack) {
  const std::string value = large();
  ASSERT_TRUE(put_large("k", value).is_ok());
  EXPECT_EQ(read("k"), value);
  EXPECT_EQ(kv_.get("k").status().code(), StatusCode::kTooLarge);
  ASSERT_TRUE(kv_.put("small", "inline").is_ok());
  EXPECT_EQ(read("small"), "inline");
  ASSERT_TRUE(put_large("small", "a small blob").is_ok());
  EXPECT_EQ(**kv_.get("small"), "a small blob");
  EXPECT_FALSE(kv_.open("none")->has_value());
}

TEST_F(LargeKvTest, ValueThatIsReplacedOrRemovedGivesItsBlobBack) {
  ASSERT_TRUE(put_large("a", large()).is_ok());
  ASSERT_TRUE(put_large("b", large()).is_ok());
  EXPECT_EQ(blobs(), 1u);
  ASSERT_TRUE(kv_.put("a", "").is_ok());
  EXPECT_EQ(blobs(), 1u);
  EXPECT_EQ(**kv_.get("a"), "");
  ASSERT_TRUE(put_large("b", large(2'000'000)).is_ok());
  EXPECT_EQ(blobs(), 1u);
  ASSERT_TRUE(kv_.del("b").is_ok());
  EXPECT_EQ(blobs(), 0u);
  EXPECT_FALSE(kv_.open("b")->has_value());
}

TEST_F(LargeKvTest, ListTellsBlobsFromEmptyValues) {
  ASSERT_TRUE(kv_.put("a", "").is_ok());
  ASSERT_TRUE(put_large("b", large()).is_ok());
  ASSERT_TRUE(kv_.put("c", "xyz").is_ok());
  ASSERT_TRUE(put_large("d", "").is_ok());
  const auto entries = kv_.list();
  ASSERT_TRUE(entries.is_ok());
  ASSERT_EQ(entries->size(), 4u);
  EXPECT_FALSE((*entries)[0].is_blob);
  EXPECT_TRUE((*entries)[1].is_blob);
  EXPECT_EQ((*entries)[1].size, large().size());
  EXPECT_EQ((*entries)[2].size, 3u);
  EXPECT_TRUE((*entries)[3].is_blob);
}

TEST_F(LargeKvTest, SnapshotReadsTheValueOfItsVersion) {
  ASSERT_TRUE(put_large("k", large()).is_ok());
  auto snapshot = store_.snapshot();
  ASSERT_TRUE(kv_.put("k", "new").is_ok());
  ASSERT_TRUE(store_.blobs().collect().is_ok());
  const auto reader = space_.kv(*snapshot).open("k");
  ASSERT_TRUE(reader.is_ok());
  EXPECT_EQ((*reader)->size(), large().size());
}

TEST_F(LargeKvTest, TransactionPutsAndReadsItsOwn) {
  auto writer = kv_.write();
  ASSERT_TRUE(writer->append("content").is_ok());
  const auto blob = writer->finish();
  auto txn = store_.begin();
  const Kv kv = space_.kv(*txn);
  ASSERT_TRUE(kv.put("k", *blob).is_ok());
  EXPECT_EQ(**kv.get("k"), "content");
  EXPECT_EQ(*kv_.get("k"), std::nullopt);
  ASSERT_TRUE(txn->commit().is_ok());
  EXPECT_EQ(**kv_.get("k"), "content");
}

}  // namespace
}  // namespace holdfast::memory
