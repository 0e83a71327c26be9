#include "holdfast/filter.h"

#include <gtest/gtest.h>

#include "memory/filter.h"
#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

Observation observation() {
  Observation o;
  o.id = "01890a5d-ac96-774b-bcce-b302099a8057";
  o.content = "the clock is behind";
  o.kind = "fact";
  o.source = "tool:bash";
  o.tags = {"clock", "login"};
  o.confidence = 0.8;
  o.effective_trust = 0.5;
  o.created_us = 1'769'850'300'000'000;  // 2026-01-31T09:05:00Z
  o.metadata =
      R"({"branch":"main","turn":12,"ok":true,"none":null,"at":{"line":7,"of":["a","b"]}})";
  return o;
}

bool passes(const std::string& text) {
  const auto filter = ObservationFilter::parse(text);
  EXPECT_TRUE(filter) << text << ": " << filter.status().to_string();
  return filter && filter->passes(observation());
}

TEST(Filter, FieldsAreCompared) {
  for (const char* text : {"",
                           "kind = fact",
                           "kind='fact'",
                           "kind != note",
                           "kind IN (note, fact)",
                           "kind < g",
                           "source BEGINS tool:",
                           "content contains \"clock is\"",
                           "tag = clock",
                           "tag IN (x, login)",
                           "tag != x",
                           "tag EXISTS",
                           "confidence >= 0.8",
                           "confidence < 1",
                           "trust = 5e-1",
                           "created > 2026-01-31",
                           "created <= 2026-01-31T09:05:00Z",
                           "created = '2026-01-31 10:05:00+01:00'",
                           "tier = hot",
                           "revision = 0"}) {
    EXPECT_TRUE(passes(text)) << text;
  }
  for (const char* text :
       {"kind = Fact", "kind != fact", "kind IN (a)", "kind >= g", "source BEGINS bash",
        "content CONTAINS Clock", "tag = cloc", "tag != login", "confidence > 0.8",
        "created < 2026-01-31", "tier = cold"}) {
    EXPECT_FALSE(passes(text)) << text;
  }
}

TEST(Filter, WhatIsAbsentEqualsNothing) {
  EXPECT_FALSE(passes("session = ''"));
  EXPECT_FALSE(passes("session < z"));
  EXPECT_FALSE(passes("happened < 2030-01-01"));
  EXPECT_FALSE(passes("importance <= 1"));
  EXPECT_FALSE(passes("metadata.nothing = null"));
  EXPECT_FALSE(passes("session EXISTS"));
  EXPECT_TRUE(passes("session != x"));
  EXPECT_TRUE(passes("NOT session EXISTS"));
  EXPECT_TRUE(passes("metadata.nothing != 1"));
}

TEST(Filter, MembersOfMetadataHaveTheTypesOfJson) {
  for (const char* text :
       {"metadata.branch = main", "metadata.branch = \"main\"", "metadata.branch BEGINS ma",
        "metadata.branch < n", "metadata.turn = 12", "metadata.turn = 12.0", "metadata.turn > 9",
        "metadata.ok = true", "metadata.none = null", "metadata.none EXISTS",
        "metadata.at.line <= 7", "metadata.at.of.1 = b", "metadata.at EXISTS",
        "metadata.\"branch\" = main", "metadata EXISTS"}) {
    EXPECT_TRUE(passes(text)) << text;
  }
  for (const char* text : {"metadata.turn = \"12\"", "metadata.turn > \"9\"", "metadata.branch > 1",
                           "metadata.ok = \"true\"", "metadata.at = 7", "metadata.at.of = a",
                           "metadata.turn CONTAINS 1", "metadata.at.line.deeper EXISTS"}) {
    EXPECT_FALSE(passes(text)) << text;
  }
}

TEST(Filter, AndBindsCloserThanOrAndNotClosest) {
  EXPECT_TRUE(passes("kind = fact OR kind = x AND kind = y"));
  EXPECT_FALSE(passes("(kind = fact OR kind = x) AND kind = y"));
  EXPECT_TRUE(passes("not kind = x and kind = fact"));
  EXPECT_FALSE(passes("NOT (kind = x OR kind = fact)"));
  EXPECT_TRUE(passes("NOT NOT kind = fact"));
}

TEST(Filter, WhatIsWrongIsSaidWithItsPlace) {
  const struct {
    const char* text;
    uint64_t offset;
    const char* says;
  } cases[] = {
      {"kind fact", 5, "expected one of ="},
      {"kind = ", 7, "expected a value"},
      {"kind = fact kind", 12, "expected AND, OR or the end, not `kind`"},
      {"(kind = fact", 12, "expected AND, OR or `)`, but it ends"},
      {"kind = fact AND", 15, "expected a field"},
      {"kind = and", 7, "in quotes"},
      {"kind = \"fact", 7, "not closed"},
      {"kind IN fact", 8, "expected `(`"},
      {"kind IN (a b)", 11, "expected `,` or `)`"},
      {"colour = red", 0, "there is no field `colour`; there are id kind"},
      {"confidence = high", 13, "not a number"},
      {"confidence = '0.8'", 13, "not a number"},
      {"created > yesterday", 10, "not a time"},
      {"tier = warmer", 7, "hot, warm or cold"},
      {"tag < x", 4, "=, != and IN only"},
      {"confidence BEGINS 0", 11, "no text"},
      {"metadata = 1", 9, "metadata.NAME"},
      {"metadata. = 1", 9, "a name behind `.`"},
      {"kind.x = 1", 0, "has no members"},
      {"metadata.a < true", 13, "neither more nor less"},
      {"kind = \xff", 7, "not UTF-8"},
  };
  for (const auto& one : cases) {
    const Status status = ObservationFilter::parse(one.text).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << one.text;
    EXPECT_EQ(status.offset(), one.offset) << one.text << ": " << status.to_string();
    EXPECT_NE(status.message().find(one.says), std::string::npos) << status.to_string();
  }
}

TEST(Filter, SizeDepthAndNumberOfConditionsAreBounded) {
  const auto code = [](const std::string& text) {
    return ObservationFilter::parse(text).status().code();
  };
  EXPECT_EQ(code(std::string(kFilterSizeMax + 1, ' ')), StatusCode::kTooLarge);
  const std::string deep(kFilterDepthMax, '(');
  const std::string end(kFilterDepthMax, ')');
  EXPECT_EQ(code(deep + "kind = a" + end), StatusCode::kOk);
  EXPECT_EQ(code("(" + deep + "kind = a)" + end), StatusCode::kTooLarge);
  EXPECT_EQ(code(std::string(60'000, '(')), StatusCode::kTooLarge);
  std::string many = "kind=a";
  for (size_t i = 1; i < kFilterConditionsMax; ++i) many += " OR kind=a";
  EXPECT_EQ(code(many), StatusCode::kOk);
  EXPECT_EQ(code(many + " OR kind=a"), StatusCode::kTooLarge);
}

TEST(Filter, VersionsOfArtifactsHaveFieldsOfTheirOwn) {
  ArtifactVersion version;
  version.name = "report";
  version.version = 3;
  version.content.size = 1'000;
  version.media_type = "text/plain";
  version.metadata = "{\"green\":true}";
  const auto passes = [&](const char* text) {
    return ArtifactFilter::parse(text)->passes(version);
  };
  EXPECT_TRUE(passes("name BEGINS rep AND version >= 3 AND size < 2000 AND metadata.green = true"));
  EXPECT_FALSE(passes("media_type = text/html"));
  EXPECT_FALSE(passes("actor EXISTS"));
  EXPECT_FALSE(ArtifactFilter::parse("kind = fact"));
}

TEST(Filter, WhatMustHoldInAnyCaseChoosesAnIndex) {
  ObservationListOptions options;
  options.since_us = 5;
  narrow(*ObservationFilter::parse("kind = fact AND (session = s AND tag = t) AND NOT run = r AND "
                                   "created >= 2026-01-31 AND metadata.a = 1 AND tier = cold AND "
                                   "(source = x OR source = y)"),
         options);
  EXPECT_EQ(options.kind, "fact");
  EXPECT_EQ(options.session, "s");
  EXPECT_EQ(options.tags, std::vector<std::string>{"t"});
  EXPECT_EQ(options.metadata, MetadataMember("a", "1"));
  EXPECT_EQ(options.tier, Tier::cold);
  EXPECT_EQ(options.since_us, 1'769'817'600'000'000);
  EXPECT_FALSE(options.run || options.source || options.until_us);
}

class FilteredListsTest : public testing::Test {
 protected:
  FilteredListsTest() {
    for (int i = 0; i < 40; ++i) {
      clock_.now_us += 1'000'000;
      NewObservation o;
      // A long content stands apart from its row.
      o.content = (i % 7 == 0 ? std::string(3'000, 'x') : "") + " word number" + std::to_string(i);
      o.kind = i % 2 == 0 ? "even" : "odd";
      o.confidence = i / 40.0;
      o.metadata = "{\"i\":" + std::to_string(i) + "}";
      if (i % 5 == 0) o.tags = {"five"};
      EXPECT_TRUE(observations({"top", i % 3 == 0 ? "sub" : "other"}).add(o));
    }
  }
  Observations observations(const SpaceSegments& segments) {
    return Observations(std::make_shared<MapAccess>(keys_, clock_, segments));
  }
  std::vector<int> numbers(const ObservationListOptions& options,
                           const SpaceSegments& segments = {"top"}) {
    std::vector<int> found;
    const auto listed = observations(segments).list(options);
    EXPECT_TRUE(listed) << listed.status().to_string();
    for (const Observation& o : *listed) {
      found.push_back(std::stoi(o.content.substr(o.content.find("number") + 6)));
      EXPECT_EQ(o.space, !options.with_sub_spaces ? ""
                         : found.back() % 3 == 0  ? "top/sub"
                                                  : "top/other");
    }
    return found;
  }

  search::MapKeyspace keys_;
  MapClock clock_;
};

TEST_F(FilteredListsTest, AFilterAndALoopGiveTheSame) {
  for (const char* where : {"kind = even", "kind = even AND confidence > 0.5", "tag = five",
                            "NOT tag = five AND metadata.i < 9", "metadata.i = 7",
                            "content CONTAINS xxx", "kind = odd OR tag = five"}) {
    const auto filter = ObservationFilter::parse(where);
    for (const bool newest_first : {true, false}) {
      std::vector<std::string> expected;
      const auto all = observations({"top", "other"}).list({.newest_first = newest_first});
      for (const Observation& o : *all) {
        if (filter->passes(o)) expected.push_back(o.id);
      }
      // In pages of two.
      std::vector<std::string> found;
      ObservationListOptions options{.limit = 2, .newest_first = newest_first, .where = where};
      while (true) {
        const auto page = observations({"top", "other"}).list(options);
        ASSERT_TRUE(page) << page.status().to_string();
        if (page->empty()) break;
        for (const Observation& o : *page) found.push_back(o.id);
        options.after = found.back();
      }
      EXPECT_EQ(found, expected) << where;
      EXPECT_FALSE(found.empty()) << where;
    }
  }
}

TEST_F(FilteredListsTest, SubSpacesAreReadOnlyWhereAsked) {
  EXPECT_TRUE(numbers({}).empty());
  EXPECT_EQ(numbers({.limit = 4, .with_sub_spaces = true}), (std::vector<int>{39, 38, 37, 36}));
  EXPECT_EQ(numbers({.limit = 3, .newest_first = false, .with_sub_spaces = true}),
            (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(numbers({.tags = {"five"}, .where = "metadata.i < 12", .with_sub_spaces = true}),
            (std::vector<int>{10, 5, 0}));
  EXPECT_TRUE(numbers({.with_sub_spaces = true}, {"to"}).empty());
  EXPECT_TRUE(numbers({.with_sub_spaces = true}, {"top", "s"}).empty());
}

TEST_F(FilteredListsTest, PagesGoOnAcrossSubSpaces) {
  std::vector<int> all;
  ObservationListOptions options{.limit = 7, .with_sub_spaces = true};
  while (true) {
    const auto page = observations({"top"}).list(options);
    ASSERT_TRUE(page) << page.status().to_string();
    if (page->empty()) break;
    for (const Observation& o : *page) {
      all.push_back(std::stoi(o.content.substr(o.content.find("number") + 6)));
    }
    options.after = page->back().id;
  }
  ASSERT_EQ(all.size(), 40u);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], 39 - i);
}

TEST_F(FilteredListsTest, AWrongFilterIsRefusedByEveryReader) {
  EXPECT_EQ(observations({"top"}).list({.where = "kind"}).status().offset(), 4u);
}

}  // namespace
}  // namespace holdfast::memory
