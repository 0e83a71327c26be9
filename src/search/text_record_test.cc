#include "search/text_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace holdfast::search {
namespace {

using testing::ElementsAre;

std::string record_of(std::string_view text, std::span<const std::string> facets = {}) {
  Analyzer analyzer;
  const TextField field{text};
  return encode_text_record(analyzer, {&field, 1}, facets);
}

std::vector<std::string> terms_of(std::string_view bytes) {
  std::vector<std::string> terms;
  for (TextRecord record(bytes); record.next();) terms.emplace_back(record.term());
  return terms;
}

// Letters of an alphabet of two, so that terms share much.
std::string drawn_word(std::mt19937& random) {
  std::string word;
  for (auto i = 1 + random() % 7; i > 0; --i) word += random() % 2 == 0 ? 'q' : 'z';
  return word;
}

TEST(TextRecordTest, TermsAscendAndSayHowOften) {
  const std::string bytes = record_of("zebra apple zebra");
  TextRecord read(bytes);
  ASSERT_TRUE(read.next());
  EXPECT_EQ(read.term(), "appl");
  EXPECT_EQ(read.count(), 1);
  ASSERT_TRUE(read.next());
  EXPECT_EQ(read.term(), "zebra");
  EXPECT_EQ(read.count(), 2);
  EXPECT_FALSE(read.next());
  EXPECT_FALSE(read.is_malformed());
  EXPECT_EQ(read.length(), 3u);
}

TEST(TextRecordTest, SeekGoesToTheFirstTermThatIsNotLess) {
  const std::string bytes = record_of("alpha alphabet beta gamma");
  ASSERT_THAT(terms_of(bytes), ElementsAre("alpha", "alphabet", "beta", "gamma"));
  TextRecord record(bytes);
  EXPECT_FALSE(record.seek("alph"));
  EXPECT_EQ(record.term(), "alpha");
  EXPECT_TRUE(record.seek("alpha"));
  EXPECT_TRUE(record.seek("alpha"));
  EXPECT_FALSE(record.seek("alphabets"));
  EXPECT_EQ(record.term(), "beta");
  ASSERT_TRUE(record.next());
  EXPECT_EQ(record.term(), "gamma");
  EXPECT_FALSE(record.seek("zeta"));
  EXPECT_FALSE(record.has_term());
  EXPECT_FALSE(record.is_malformed());
}

TEST(TextRecordTest, SeekFindsWhatReadingAllFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (auto i = random() % 30; i > 0; --i) text += drawn_word(random) + " ";
    const std::string bytes = record_of(text);
    const std::vector<std::string> terms = terms_of(bytes);
    std::set<std::string> wanted;
    for (auto i = random() % 8; i > 0; --i) wanted.insert(drawn_word(random));
    TextRecord record(bytes);
    for (const std::string& one : wanted) {
      const auto least = std::lower_bound(terms.begin(), terms.end(), one);
      EXPECT_EQ(record.seek(one), least != terms.end() && *least == one) << text << ": " << one;
      ASSERT_EQ(record.has_term(), least != terms.end()) << text << ": " << one;
      if (least == terms.end()) break;
      EXPECT_EQ(record.term(), *least) << text << ": " << one;
    }
    EXPECT_FALSE(record.is_malformed());
  }
}

TEST(TextRecordTest, ACutRecordIsMalformedHoweverItIsRead) {
  const std::string bytes = record_of("alpha alphabet beta gamma");
  for (size_t size = 0; size < bytes.size(); ++size) {
    TextRecord read(std::string_view(bytes).substr(0, size));
    while (read.next()) {
    }
    EXPECT_TRUE(read.is_malformed()) << size;
    TextRecord sought(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(sought.seek("zeta"));
    EXPECT_TRUE(sought.is_malformed()) << size;
  }
  const std::string more = bytes + "x";
  TextRecord sought(more);
  EXPECT_FALSE(sought.seek("zeta"));
  EXPECT_TRUE(sought.is_malformed());
}

TEST(TextRecordTest, AnEntryThatSharesMoreThanThereIsIsMalformed) {
  std::string bytes = record_of("alpha beta");
  bytes[bytes.size() - 7] = '\x20';  // of beta
  ASSERT_EQ(bytes.substr(bytes.size() - 5, 4), "beta");
  TextRecord record(bytes);
  EXPECT_FALSE(record.seek("zeta"));
  EXPECT_TRUE(record.is_malformed());
}

TEST(TextRecordTest, AFacetIsATermThatNoWordIs) {
  const std::string facets[] = {"kind=note"};
  const std::string bytes = record_of("alpha", facets);
  TextRecord record(bytes);
  ASSERT_TRUE(record.seek(facet_term("kind=note")));
  EXPECT_TRUE(record.is_facet());
  EXPECT_TRUE(record.seek("alpha"));
  EXPECT_FALSE(record.is_facet());
  EXPECT_EQ(record.length(), 1u);
}

}  // namespace
}  // namespace holdfast::search
