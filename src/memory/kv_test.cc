#include "holdfast/kv.h"

#include <gtest/gtest.h>

#include "holdfast/space.h"
#include "holdfast/store.h"
#include "memory/kv_rows.h"
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

TEST_F(KvTest, ForEachHandsOverAllUntilAnError) {
  for (const char* key : {"a", "b1", "b2", "b3", "b4", "c"}) ASSERT_TRUE(kv().put(key, "v"));
  for (const size_t limit : {1u, 2u, 3u, 4u, 5u}) {
    Names names;
    EXPECT_TRUE(kv().for_each({.prefix = "b", .limit = limit}, [&](const KvEntry& entry) {
      names.push_back(entry.key);
      return Status::ok();
    }));
    EXPECT_EQ(names, (Names{"b1", "b2", "b3", "b4"})) << limit;
    names.clear();
    const Status stopped =
        kv().for_each({.prefix = "b", .limit = limit}, [&](const KvEntry& entry) {
          names.push_back(entry.key);
          return entry.key == "b2" ? Status(StatusCode::kClosed, "enough") : Status::ok();
        });
    EXPECT_EQ(stopped.code(), StatusCode::kClosed);
    EXPECT_EQ(names, (Names{"b1", "b2"})) << limit;
  }
  const auto never = [](const KvEntry&) { return Status::ok(); };
  EXPECT_EQ(kv().for_each({.limit = 0}, never).code(), StatusCode::kInvalidArgument);
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

TEST_F(KvTest, AConditionHoldsForOneVersion) {
  ASSERT_TRUE(kv().put("k", "1", {.if_version = kKvNoVersion}));
  EXPECT_EQ(kv().put("k", "2", {.if_version = kKvNoVersion}).code(), StatusCode::kConditionFalse);
  const uint64_t version = (*kv().find("k"))->version;
  ASSERT_TRUE(kv().put("k", "2", {.if_version = version}));
  const Status stale = kv().put("k", "3", {.if_version = version});
  EXPECT_EQ(stale.code(), StatusCode::kConditionFalse);
  EXPECT_EQ(stale.version(), (*kv().find("k"))->version);
  EXPECT_EQ(kv().del("k", version).code(), StatusCode::kConditionFalse);
  EXPECT_EQ(**kv().get("k"), "2");
  ASSERT_TRUE(kv().del("k", (*kv().find("k"))->version));
  EXPECT_TRUE(kv().del("k", kKvNoVersion));
  EXPECT_EQ(kv({"none"}).del("k", 7).code(), StatusCode::kConditionFalse);
}

TEST_F(KvTest, AValueIsGoneAtTheMillisecond) {
  ASSERT_TRUE(kv().put("k", "1", {.ttl = std::chrono::milliseconds(1000)}));
  ASSERT_TRUE(kv().put("stays", "2"));
  EXPECT_EQ((*kv().find("k"))->expires_us, clock_.now_us + 1'000'000);
  clock_.now_us += 999'999;
  EXPECT_EQ(**kv().get("k"), "1");
  EXPECT_EQ(list({}), (Names{"k=1", "stays=2"}));
  clock_.now_us += 1;
  EXPECT_EQ(*kv().get("k"), std::nullopt);
  EXPECT_EQ(*kv().find("k"), std::nullopt);
  EXPECT_EQ((*kv().get_all({"k", "stays"}))[0], std::nullopt);
  EXPECT_EQ(list({}), Names{"stays=2"});
  EXPECT_EQ(list({.limit = 1}), Names{"stays=2"});
  EXPECT_TRUE(kv().put("k", "3", {.if_version = kKvNoVersion}));
}

TEST_F(KvTest, SweepingLeavesNothingBehind) {
  ASSERT_TRUE(kv().put("stays", "0"));
  const auto before = keys_.entries;
  for (int i = 0; i < 50; ++i) {
    const auto ttl = std::chrono::milliseconds(1 + i);
    ASSERT_TRUE(kv().put("k" + std::to_string(i), "1", {.ttl = ttl}));
    // Replaced, prolonged, removed: what the first said is forgotten.
    if (i % 3 == 0) {
      ASSERT_TRUE(kv().put("k" + std::to_string(i), "2", {.ttl = ttl * 2}));
    }
    if (i % 5 == 0) {
      ASSERT_TRUE(kv().del("k" + std::to_string(i)));
    }
  }
  clock_.now_us += 1'000'000;
  size_t swept = 0;
  while (const size_t step = *kv().sweep(7)) {
    EXPECT_LE(step, 7u);
    swept += step;
  }
  EXPECT_EQ(keys_.entries, before);
  EXPECT_LE(swept, 40u);
  EXPECT_EQ(kv().sweep(0).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(KvTest, WritesSweepByThemselves) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(kv().put("k" + std::to_string(i), "1", {.ttl = std::chrono::milliseconds(1)}));
  }
  clock_.now_us += 1'000'000;
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(kv().put("other", "1"));
  const KeyRange rows = search::prefix_range(space_prefix(KeyKind::kKvExpiry, 1));
  EXPECT_EQ(keys_.entries.lower_bound(rows.begin), keys_.entries.lower_bound(rows.end));
}

TEST_F(KvTest, AnExpiryThatIsSuperfluousIsSweptAlone) {
  ASSERT_TRUE(kv().put("k", "1"));
  keys_.entries[expiry_key(1, 5, "k")] = "";
  keys_.entries[expiry_key(1, 6, "never")] = "";
  EXPECT_EQ(*kv().sweep(), 0u);
  EXPECT_EQ(**kv().get("k"), "1");
  EXPECT_FALSE(keys_.entries.contains(expiry_key(1, 5, "k")));
  EXPECT_FALSE(keys_.entries.contains(expiry_key(1, 6, "never")));
}

TEST_F(KvTest, ListsARange) {
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(kv().put(key, "v"));
  EXPECT_EQ(list({.begin = "b", .end = "d"}), (Names{"b=v", "c=v"}));
  EXPECT_EQ(list({.begin = "d", .end = "b"}), Names{});
  EXPECT_EQ(list({.prefix = "c", .begin = "a", .end = "z"}), Names{"c=v"});
  EXPECT_EQ(list({.begin = "b", .after = "b", .limit = 1}), Names{"c=v"});
}

TEST_F(KvTest, ABatchIsAllOrNothing) {
  ASSERT_TRUE(kv().put("a", "1"));
  const uint64_t version = (*kv().find("a"))->version;
  ASSERT_TRUE(kv().apply({{"a", "2", {.if_version = version}}, {"b", "3"}, {"c", std::nullopt}}));
  EXPECT_EQ(list({}), (Names{"a=2", "b=3"}));
  const auto before = keys_.entries;
  const Status refused = kv().apply({{"b", "4"}, {"a", "5", {.if_version = version}}});
  EXPECT_EQ(refused.code(), StatusCode::kConditionFalse);
  EXPECT_NE(refused.message().find("operation 2"), std::string_view::npos);
  EXPECT_EQ(kv().apply({{"b", "4"}, {"", "5"}}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(kv().apply(std::vector<KvWrite>(kKvBatchMax + 1, {"k", "v"})).code(),
            StatusCode::kTooLarge);
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(*kv().get_all({"a", "x", "b"}),
            (std::vector<std::optional<std::string>>{"2", std::nullopt, "3"}));
  EXPECT_EQ(kv({"none"}).get_all({"a", "b"})->size(), 2u);
}

TEST_F(KvTest, JsonIsReadByPathAndMerged) {
  ASSERT_TRUE(kv().merge_json("k", R"({"user":{"name":"ann","age":7}})"));
  EXPECT_EQ(**kv().get_json("k", "/user/name"), "\"ann\"");
  ASSERT_TRUE(kv().merge_json("k", R"({"user":{"age":null},"n":[1]})"));
  EXPECT_EQ(**kv().get("k"), R"({"user":{"name":"ann"},"n":[1]})");
  EXPECT_EQ(*kv().get_json("k", "/user/age"), std::nullopt);
  EXPECT_EQ(*kv().get_json("none", "/x"), std::nullopt);
  EXPECT_EQ(kv().get_json("k", "user").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(kv().merge_json("k", "{").code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(kv().put("bytes", "\xff"));
  EXPECT_EQ(kv().get_json("bytes", "").status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(kv().merge_json("bytes", "{}").code(), StatusCode::kConditionFalse);
  EXPECT_EQ(**kv().get("bytes"), "\xff");
}

TEST_F(KvTest, MergingKeepsTheExpiry) {
  ASSERT_TRUE(kv().put("k", "{}", {.ttl = std::chrono::milliseconds(10)}));
  ASSERT_TRUE(kv().merge_json("k", R"({"a":1})"));
  clock_.now_us += 10'000;
  EXPECT_EQ(*kv().get("k"), std::nullopt);
  ASSERT_TRUE(kv().merge_json("k", R"({"b":1})"));
  EXPECT_EQ(**kv().get("k"), R"({"b":1})");
}

TEST_F(KvTest, CountersCount) {
  EXPECT_EQ(*kv().count("hits"), 0);
  ASSERT_TRUE(kv().add("hits", 3));
  ASSERT_TRUE(kv().add("hits", -5));
  ASSERT_TRUE(kv().put("hits", "a value, not the counter"));
  EXPECT_EQ(*kv().count("hits"), -2);
  ASSERT_TRUE(kv().add("other", 1));
  EXPECT_EQ(kv().counters()->size(), 2u);
  EXPECT_EQ(kv().counters({.prefix = "h"})->front().value, "-2");
  ASSERT_TRUE(kv().remove_counter("hits"));
  EXPECT_EQ(*kv().count("hits"), 0);
  EXPECT_EQ(kv().counters({.after = "hits"})->front().key, "other");
}

TEST_F(KvTest, BadOptionsAreRefused) {
  EXPECT_EQ(kv().put("k", "v", {.ttl = std::chrono::milliseconds(-1)}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(kv().put("k", "v", {.ttl = std::chrono::hours(24 * 400'000)}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(kv().keep_history({.count = 1}).code(), StatusCode::kUnsupported);  // in a map
  EXPECT_EQ(kv().get_at("k", AsOf::version(1)).status().code(), StatusCode::kConditionFalse);
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
