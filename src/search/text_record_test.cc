#include "search/text_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "search/neighbours.h"

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
  bytes[bytes.size() - 8] = '\x20';  // of beta
  ASSERT_EQ(bytes.substr(bytes.size() - 6, 4), "beta");
  TextRecord record(bytes);
  EXPECT_FALSE(record.seek("zeta"));
  EXPECT_TRUE(record.is_malformed());
}

TEST(TextRecordTest, ATermThatIsTooLongIsMalformed) {
  std::string bytes = record_of("alpha");
  const std::string entry = bytes.substr(bytes.size() - 9);
  ASSERT_EQ(entry.substr(2, 5), "alpha");
  const auto with = [&](size_t size) {
    std::string one(1, '\0');
    one.push_back(static_cast<char>(size));
    return bytes.substr(0, bytes.size() - 9) + one + std::string(size, 'a') + entry.substr(7);
  };
  EXPECT_TRUE(TextRecord(with(kTermSizeMax)).next());
  EXPECT_FALSE(TextRecord(with(kTermSizeMax + 1)).next());
  EXPECT_FALSE(TextRecord(with(255)).next());
}

uint8_t neighbours_of(std::string_view bytes, std::string_view term) {
  TextRecord record(bytes);
  EXPECT_TRUE(record.seek(term)) << term;
  return record.neighbours();
}

TEST(TextRecordTest, AWordHasTheWordsBesideItForNeighbours) {
  const auto before = [](std::string_view term) { return neighbour_before(head_of(term)); };
  const auto behind = [](std::string_view term) { return neighbour_behind(head_of(term)); };
  const std::string bytes = record_of("beta zeta alpha zeta beta");
  EXPECT_EQ(neighbours_of(bytes, "alpha"), before("zeta") | behind("zeta"));
  EXPECT_EQ(neighbours_of(bytes, "beta"), before("zeta") | behind("zeta"));
  EXPECT_EQ(neighbours_of(bytes, "zeta"),
            before("beta") | behind("alpha") | before("alpha") | behind("beta"));
}

// Its parts stand where it stands, and are no neighbours of it or of each other.
TEST(TextRecordTest, AnIdentifierIsOneNeighbour) {
  const std::string bytes = record_of("alpha foo_bar beta");
  EXPECT_EQ(neighbours_of(bytes, "foo"), 0);
  EXPECT_EQ(neighbours_of(bytes, "alpha"), neighbour_behind(head_of("foo_bar")));
  EXPECT_EQ(neighbours_of(bytes, "beta"), neighbour_before(head_of("foo_bar")));
}

TEST(TextRecordTest, WordsOfTwoFieldsAreNoNeighbours) {
  Analyzer analyzer;
  const TextField fields[] = {{"alpha"}, {"beta"}};
  const std::string facets[] = {"kind=note"};
  const std::string bytes = encode_text_record(analyzer, fields, facets);
  EXPECT_EQ(neighbours_of(bytes, "alpha"), 0);
  EXPECT_EQ(neighbours_of(bytes, "beta"), 0);
  EXPECT_EQ(neighbours_of(bytes, facet_term("kind=note")), 0);
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
