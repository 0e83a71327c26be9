#include "search/segment_terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "search/map_keyspace.h"
#include "search/segment_scorer.h"

namespace holdfast::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr uint32_t kSegment = 3;

// Terms of one posting, of a block, of some chunks, and of so many chunks that they have ranges;
// in a segment between two others.
class SegmentTermsTest : public testing::Test {
 protected:
  SegmentTermsTest() {
    for (int i = 0; i < 4'000; ++i) {
      std::string term = "t" + std::to_string(1'000'000 + i * 7);
      postings_of_[term] = i % 500 == 250 ? 20'000 : i % 100 == 50 ? 400 : 1 + i % 3;
    }
    postings_of_["zebra"] = 30'000;  // the last one
    for (const uint32_t segment : {kSegment - 1, kSegment, kSegment + 1}) {
      SegmentWriter writer(target_, keys_, segment);
      for (const auto& [term, count] : postings_of_) {
        EXPECT_TRUE(writer.add(term, postings(segment == kSegment ? count : 1)));
      }
      EXPECT_TRUE(writer.flush());
    }
  }
  static std::vector<Posting> postings(uint64_t count) {
    std::vector<Posting> all;
    for (uint32_t i = 0; i < count; ++i) all.push_back({i * 3, 1, 5});
    return all;
  }
  void expect_found(const std::set<std::string>& wanted) {
    const std::vector<std::string_view> terms(wanted.begin(), wanted.end());
    const auto found = reader_.open(kSegment, terms);
    ASSERT_TRUE(found) << found.status().to_string();
    ASSERT_EQ(found->size(), terms.size());
    for (size_t i = 0; i < terms.size(); ++i) {
      const auto known = postings_of_.find(std::string(terms[i]));
      const uint64_t count = known == postings_of_.end() ? 0 : known->second;
      EXPECT_EQ((*found)[i].count(), count) << terms[i];
      EXPECT_EQ(read_count((*found)[i]), count) << terms[i];
    }
  }
  static uint64_t read_count(const TermPostings& term) {
    if (term.ranges().empty()) return term.list().count;
    uint64_t count = 0;
    PostingChunks chunks(term);
    uint32_t from = 0;
    while (const PostingList* const chunk = chunks.to(from)) {
      count += chunk->count;
      from = chunk->blocks.back().last + 1;
    }
    EXPECT_TRUE(chunks.status());
    return count;
  }
  std::map<std::string, uint64_t> counted(std::string_view prefix, size_t most = SIZE_MAX) {
    std::map<std::string, uint64_t> counts;
    EXPECT_TRUE(reader_.count(kSegment, prefix, [&](std::string_view term, uint64_t documents) {
      counts[std::string(term)] += documents;
      return counts.size() < most;
    }));
    return counts;
  }
  std::map<std::string, uint64_t> expected(std::string_view prefix) {
    std::map<std::string, uint64_t> counts = postings_of_;
    std::erase_if(counts, [&](const auto& one) { return !one.first.starts_with(prefix); });
    return counts;
  }

  MapKeyspace target_;
  const IndexKeys keys_{kPrefix};
  TermReader reader_{target_, keys_};
  std::map<std::string, uint64_t> postings_of_;
};

TEST_F(SegmentTermsTest, NoTermIsWantedAndNoneIsFound) {
  expect_found({});
}

TEST_F(SegmentTermsTest, ATermIsFoundAndItsNeighboursAreNot) {
  expect_found({"t1000000"});
  expect_found({"t1000001"});
  expect_found({"zebra"});
  expect_found({"a", "zz"});
}

TEST_F(SegmentTermsTest, TermsAreFoundTogetherAsTheyAreAlone) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::set<std::string> wanted;
    // Near each other, and over the whole segment.
    const uint64_t spread = round % 2 == 0 ? 300 : 28'000;
    const uint64_t from = round % 2 == 0 ? random() % 28'000 : 0;
    for (auto i = random() % 60; i > 0; --i) {
      const uint64_t number = 1'000'000 + from + random() % spread;
      wanted.insert("t" + std::to_string(random() % 4 == 0 ? number : number / 7 * 7));
    }
    if (round % 3 == 0) wanted.insert("zebra");
    expect_found(wanted);
  }
}

TEST_F(SegmentTermsTest, AllTermsAreFoundAtOnce) {
  std::set<std::string> wanted;
  for (const auto& [term, count] : postings_of_) wanted.insert(term);
  expect_found(wanted);
}

TEST_F(SegmentTermsTest, ChunksAreFoundFromAnyOrdinalOn) {
  constexpr std::string_view kTerm = "zebra";
  const auto found = reader_.open(kSegment, {&kTerm, 1});
  ASSERT_TRUE(found);
  const TermPostings& term = found->front();
  ASSERT_FALSE(term.ranges().empty());
  const uint32_t last = term.ranges().back().last;
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    PostingChunks chunks(term);
    std::uniform_int_distribution<uint32_t> step(0, 1u << (1 + round % 17));
    for (uint32_t ordinal = step(random); ordinal <= last; ordinal += step(random)) {
      const PostingList* const chunk = chunks.to(ordinal);
      ASSERT_NE(chunk, nullptr) << ordinal;
      uint32_t ordinals[kBlockPostings];
      ASSERT_TRUE(chunk->decode(chunk->blocks.front(), ordinals));
      EXPECT_GE(chunk->blocks.back().last, ordinal);
      // The one before ends before it: of these postings every third ordinal has one.
      EXPECT_LE(ordinals[0], ordinal / 3 * 3 + 3);
    }
    EXPECT_EQ(chunks.to(last + 1), nullptr);
    EXPECT_EQ(chunks.to(last + 2), nullptr);
    EXPECT_TRUE(chunks.status());
  }
}

TEST_F(SegmentTermsTest, AMalformedChunkIsTold) {
  constexpr std::string_view kTerm = "zebra";
  const auto found = reader_.open(kSegment, {&kTerm, 1});
  ASSERT_TRUE(found);
  PostingChunks chunks(found->front());
  const PostingList* const first = chunks.to(0);
  ASSERT_NE(first, nullptr);
  const uint32_t behind = first->blocks.back().last + 1;
  target_.entries.lower_bound(keys_.term(kSegment, kTerm, behind))->second.resize(9);
  EXPECT_EQ(chunks.to(behind), nullptr);
  EXPECT_EQ(chunks.status().code(), StatusCode::kCorruption);
  // What is behind it does not make good for it.
  EXPECT_EQ(chunks.to(found->front().ranges().back().last), nullptr);
  EXPECT_EQ(chunks.status().code(), StatusCode::kCorruption);
  PostingWalk walk(0, found->front(), {}, false);
  EXPECT_FALSE(walk.find(behind));
  EXPECT_FALSE(walk.find(UINT32_MAX - 1));
  EXPECT_EQ(walk.status().code(), StatusCode::kCorruption);
}

// In one block, in chunks and behind ranges; of some documents, or of none, which takes no room.
TEST_F(SegmentTermsTest, NeighboursAreThoseThatWereWritten) {
  constexpr uint32_t kOther = kSegment + 2;
  std::vector<size_t> sizes;
  for (const uint32_t share : {0u, 3u}) {
    SegmentWriter writer(target_, keys_, kOther + share);
    for (const uint32_t count : {1u, 3u, 128u, 129u, 400u, 20'000u}) {
      std::vector<Posting> all = postings(count);
      for (uint32_t i = 0; i < count && share > 0; i += share) {
        all[i].neighbours = static_cast<uint8_t>(i % 251 + 1);
      }
      const std::string term = "t" + std::to_string(1'000'000 + count);
      ASSERT_TRUE(writer.add(term, all));
      ASSERT_TRUE(writer.flush());
      const std::string_view wanted = term;
      const auto found = reader_.open(kOther + share, {&wanted, 1});
      ASSERT_TRUE(found);
      PostingWalk walk(0, found->front(), {}, false);
      for (const Posting& one : all) {
        const auto posting = walk.find(one.ordinal);
        ASSERT_TRUE(posting) << count;
        EXPECT_EQ(posting->neighbours, one.neighbours) << count << " " << one.ordinal;
      }
    }
    size_t& size = sizes.emplace_back();
    for (const auto& [key, value] : target_.entries) {
      if (key.starts_with(keys_.segment(kOther + share))) size += value.size();
    }
  }
  EXPECT_GT(sizes[1], sizes[0] + 20'000);
}

// A block less than full is better than a chunk less than full.
TEST_F(SegmentTermsTest, ChunksAreFull) {
  const std::vector<Posting> all = postings(10'000);
  std::span<const Posting> rest = all;
  while (!rest.empty()) {
    const std::string chunk = take_chunk(rest, kTermBlockSize);
    EXPECT_LE(chunk.size(), kTermBlockSize);
    if (rest.empty()) break;
    EXPECT_GT(chunk.size(), kTermBlockSize - 100);
  }
}

TEST_F(SegmentTermsTest, TermsOfAPrefixAreCounted) {
  for (const char* const prefix : {"t", "t1", "t100", "t1000", "t10017", "t1026", "z", "zebra"}) {
    EXPECT_EQ(counted(prefix), expected(prefix)) << prefix;
  }
  EXPECT_THAT(counted("s"), IsEmpty());
  EXPECT_THAT(counted("t10000001"), IsEmpty());
  EXPECT_THAT(counted("zebras"), IsEmpty());
}

TEST_F(SegmentTermsTest, CountingEndsWhereItIsTold) {
  EXPECT_THAT(counted("t", 2), ElementsAre(Pair("t1000000", 1), Pair("t1000007", 2)));
  EXPECT_THAT(counted("t100035", 1), ElementsAre(Pair("t1000350", 400)));     // chunks
  EXPECT_THAT(counted("t100175", 1), ElementsAre(Pair("t1001750", 20'000)));  // ranges
}

// Too short for a term and a place, before blocks and within chunks: nobody looks for ever.
TEST_F(SegmentTermsTest, KeysThatAreNoneOfATermAreTold) {
  for (const char* const bad : {"t1000", "t1000350", "t100175"}) {
    for (char more = '0'; more <= '9'; ++more) {
      ASSERT_TRUE(target_.put(keys_.terms(kSegment) + bad + more, "x"));
    }
  }
  constexpr std::string_view kTerms[] = {"t1000000", "t1000350"};
  for (const std::string_view term : kTerms) {
    EXPECT_EQ(reader_.open(kSegment, {&term, 1}).status().code(), StatusCode::kCorruption) << term;
  }
  const auto all = [](std::string_view, uint64_t) { return true; };
  EXPECT_EQ(reader_.count(kSegment, "t1", all).code(), StatusCode::kCorruption);
  const auto each = [](std::string_view) { return std::optional<std::string>(""); };
  EXPECT_EQ(reader_.skim(kSegment, each).code(), StatusCode::kCorruption);
}

TEST_F(SegmentTermsTest, MalformedBlocksAreTold) {
  for (auto& [key, value] : target_.entries) value.resize(3);
  constexpr std::string_view kTerms[] = {"t1000000", "t1000350", "t1001750", "zebra"};
  for (const std::string_view term : kTerms) {
    const auto found = reader_.open(kSegment, {&term, 1});
    EXPECT_EQ(found.status().code(), StatusCode::kCorruption) << term;
    const Status counted =
        reader_.count(kSegment, term, [](std::string_view, uint64_t) { return true; });
    EXPECT_EQ(counted.code(), StatusCode::kCorruption) << term;
  }
}

}  // namespace
}  // namespace holdfast::search
