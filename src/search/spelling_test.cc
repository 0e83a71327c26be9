#include "search/spelling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "search/map_keyspace.h"
#include "search/text_fold.h"
#include "search/text_index.h"
#include "search/text_record.h"
#include "search/text_spelling.h"

namespace holdfast::search {
namespace {

// The table in full, of bytes.
uint32_t edits_between(const std::string& a, const std::string& b) {
  std::vector<std::vector<uint32_t>> edits(a.size() + 1, std::vector<uint32_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        edits[i][j] = static_cast<uint32_t>(i + j);
        continue;
      }
      const uint32_t changed = edits[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      edits[i][j] = std::min({changed, edits[i - 1][j] + 1, edits[i][j - 1] + 1});
      const bool swaps = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swaps) edits[i][j] = std::min(edits[i][j], edits[i - 2][j - 2] + 1);
    }
  }
  return edits[a.size()][b.size()];
}

bool begin_alike(const std::string& a, const std::string& b) {
  return a[0] == b[0] || (b.size() > 1 && a[0] == b[1] && a[1] == b[0]);
}

std::optional<uint32_t> near(const std::string& word, const std::string& term, uint32_t edits) {
  return SpellingWalk(word, edits).look_at(term);
}

TEST(Spelling, AnEditPutsInLeavesOutChangesOrSwaps) {
  EXPECT_EQ(near("clock", "clockk", 1), 1u);
  EXPECT_EQ(near("clock", "clok", 1), 1u);
  EXPECT_EQ(near("clock", "click", 1), 1u);
  EXPECT_EQ(near("clokc", "clock", 1), 1u);
  EXPECT_EQ(near("lcock", "clock", 1), 1u);
  EXPECT_EQ(near("clock", "cloak", 1), 1u);
  EXPECT_EQ(near("clock", "clack", 1), 1u);
  EXPECT_EQ(near("clock", "flick", 1), std::nullopt);
  EXPECT_EQ(near("clock", "black", 2), std::nullopt);
  EXPECT_EQ(near("clock", "clock", 1), 0u);
}

TEST(Spelling, TheFirstLetterIsRightOrSwapped) {
  EXPECT_EQ(near("authentcaton", "authentication", 2), 2u);
  EXPECT_EQ(near("uathentcation", "authentication", 2), 2u);
  EXPECT_EQ(near("authentication", "buthenticatin", 2), std::nullopt);
  EXPECT_EQ(near("authentication", "uthentication", 1), std::nullopt);
  EXPECT_EQ(near("name", "same", 1), std::nullopt);
  EXPECT_EQ(near("amne", "name", 1), std::nullopt);
  EXPECT_EQ(near("anme", "name", 1), 1u);
}

TEST(Spelling, LettersAreCharacters) {
  EXPECT_EQ(near("\u043c\u043e\u0441\u043a\u0432\u0430", "\u043c\u043e\u0441\u0432\u0430", 1), 1u);
  EXPECT_EQ(near("\u043c\u043e\u0441\u043a\u0432\u0430", "\u043c\u0441\u043e\u043a\u0432\u0430", 1),
            1u);
  EXPECT_EQ(near("stra\u00dfe", "strase", 1), 1u);
}

TEST(Spelling, OnlyWordsOfFourLettersAreMisspelt) {
  EXPECT_TRUE(is_spelling("word"));
  EXPECT_TRUE(is_spelling("\u0441\u043b\u043e\u0432\u043e"));
  EXPECT_FALSE(is_spelling("the"));
  EXPECT_FALSE(is_spelling("e0413"));
  EXPECT_FALSE(is_spelling("foo_bar"));
  EXPECT_FALSE(is_spelling("\u6771\u4eac\u90fd\u5e81"));
  EXPECT_TRUE(SpellingWalk::allows("word", 1));
  EXPECT_FALSE(SpellingWalk::allows("sevenly", 2));
  EXPECT_TRUE(SpellingWalk::allows("eightest", 2));
  EXPECT_FALSE(SpellingWalk::allows("eightest", 3));
}

class Spelled : public testing::TestWithParam<int> {};

// Going from term to term by skip_to() finds what looking at each finds.
TEST_P(Spelled, NothingNearIsPassedOver) {
  uint64_t state = static_cast<uint64_t>(GetParam()) * 2 + 1;
  const auto below = [&state](uint32_t bound) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state >> 33) % bound;
  };
  const uint32_t alphabet = 2 + below(6);
  const auto word = [&](uint32_t least) {
    std::string letters;
    for (uint32_t i = least + below(7); i > 0; --i) {
      letters += static_cast<char>('a' + below(alphabet));
    }
    return letters;
  };
  std::set<std::string> terms;
  for (int i = 0; i < 4'000; ++i) terms.insert(word(1));
  for (int i = 0; i < 60; ++i) {
    const uint32_t edits = 1 + below(2);
    const std::string typed = word(4);
    std::vector<std::pair<std::string, uint32_t>> expected;
    for (const std::string& term : terms) {
      const uint32_t distance = edits_between(typed, term);
      if (distance > edits || !begin_alike(typed, term)) continue;
      expected.emplace_back(term, distance);
    }
    std::vector<std::pair<std::string, uint32_t>> found;
    size_t looked_at = 0;
    SpellingWalk walk(typed, edits);
    for (auto at = terms.begin(); at != terms.end(); ++looked_at) {
      const auto distance = walk.look_at(*at);
      if (distance) found.emplace_back(*at, *distance);
      if (!walk.gave_up()) {
        ++at;
        continue;
      }
      const auto next = walk.skip_to();
      if (!next) break;
      ASSERT_GT(*next, *at);
      at = terms.lower_bound(*next);
    }
    ASSERT_EQ(found, expected) << typed;
    if (alphabet > 5 && edits == 1) {
      ASSERT_LT(looked_at, terms.size() / 4);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, Spelled, testing::Range(0, 12));

// An index whose documents come and go, and what its live documents say.
class Misspelt : public testing::TestWithParam<int> {
 protected:
  Misspelt() : state_(static_cast<uint64_t>(GetParam()) * 2 + 1) {
    for (int i = 0; i < 300; ++i) words_.push_back(drawn_word());
  }

  uint32_t below(uint32_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state_ >> 33) % bound;
  }
  // Of few letters, so that many are near each other; no stem of English is shorter.
  std::string drawn_word() {
    std::string word;
    for (uint32_t i = 4 + below(6); i > 0; --i) word += "kopmu"[below(5)];
    return word;
  }

  void put() {
    DocumentId id{};
    const uint64_t big = __builtin_bswap64(++last_id_);
    std::memcpy(id.data(), &big, sizeof(big));
    std::string text;
    for (uint32_t i = 1 + below(12); i > 0; --i) {
      text += words_[below(static_cast<uint32_t>(words_.size()))] + " ";
    }
    const TextField fields[] = {{text, 1}};
    records_[id] = encode_text_record(analyzer_, fields, {});
    ASSERT_TRUE(put_document(keys_, kPrefix, id, records_[id]));
  }
  void drop() {
    if (records_.empty()) return;
    auto at = records_.begin();
    std::advance(at, below(static_cast<uint32_t>(records_.size())));
    const auto record = [&] { return Result<std::string>(at->second); };
    ASSERT_TRUE(drop_document(keys_, kPrefix, at->first, record));
    records_.erase(at);
  }
  std::map<std::string, uint64_t> frequencies() const {
    std::map<std::string, uint64_t> all;
    for (const auto& [id, bytes] : records_) {
      for (TextRecord record(bytes); record.next();) ++all[std::string(record.term())];
    }
    return all;
  }
  std::string stem_of(const std::string& word) {
    std::string stem;
    analyzer_.analyze(word, [&](const Token& token) {
      stem = token.term;
      return false;
    });
    return stem;
  }
  // English stems of what one edit among the last six letters makes of the word, much shorter.
  std::set<std::string> stems_near(const std::string& word) {
    std::set<std::string> stems;
    const size_t begin = word.size() < 7 ? 1 : word.size() - 6;
    const std::string head = word.substr(0, begin);
    const std::string tail = word.substr(begin);
    const auto add = [&](const std::string& edited) {
      const std::string stem = stem_of(head + edited);
      if (stem.size() + 3 <= head.size() + edited.size()) stems.insert(stem);
    };
    for (size_t at = 0; at <= tail.size(); ++at) {
      const std::string before = tail.substr(0, at);
      const std::string after = at < tail.size() ? tail.substr(at + 1) : "";
      for (const char letter : std::string_view("abcdefghijklmnopqrstuvwxyz")) {
        add(before + letter + tail.substr(at));
        if (at < tail.size()) add(before + letter + after);
      }
      if (at < tail.size()) add(before + after);
      if (!after.empty()) add(before + after[0] + tail[at] + after.substr(1));
    }
    return stems;
  }

  // The rule, applied to every term that there is.
  std::map<std::string, uint64_t> expected(const std::string& typed,
                                           const std::map<std::string, uint64_t>& frequencies,
                                           uint32_t& edits) {
    for (edits = 1; edits <= (typed.size() < 8 ? 1 : 2); ++edits) {
      std::vector<std::pair<uint64_t, std::string>> near;
      const std::set<std::string> stems = edits == 1 ? stems_near(typed) : std::set<std::string>();
      for (const auto& [term, frequency] : frequencies) {
        const bool fits =
            (edits_between(typed, term) == edits && term.size() >= 4 && begin_alike(typed, term)) ||
            stems.contains(term);
        if (fits) near.emplace_back(UINT64_MAX - frequency, term);
      }
      std::sort(near.begin(), near.end());
      near.resize(std::min<size_t>(near.size(), 3));
      std::map<std::string, uint64_t> readings;
      for (const auto& [rest, term] : near) readings[term] = UINT64_MAX - rest;
      if (!readings.empty()) return readings;
    }
    return {};
  }

  void compare() {
    const auto known = frequencies();
    const std::string text = drawn_word() + " " + drawn_word();
    TextQuery query = parse_query(analyzer_, text);
    query.reads_misspelt = true;
    const std::vector<QueryTerm> asked = query.terms;
    const auto ranking = Ranking::open(keys_, kPrefix, query, 10);
    ASSERT_TRUE(ranking) << ranking.status().to_string();
    for (const QueryTerm& term : asked) {
      if (known.contains(term.term)) continue;
      uint32_t edits = 0;
      for (const auto& [reading, frequency] : expected(term.term, known, edits)) {
        const auto& terms = ranking->terms();
        const auto at = std::find_if(terms.begin(), terms.end(),
                                     [&one = reading](const auto& two) { return two.term == one; });
        ASSERT_NE(at, terms.end()) << term.term << " is read as " << reading;
        ASSERT_EQ(at->frequency, frequency);
        ++readings_;
        if (at->typed != term.term) continue;  // it was asked for, or the other is read so, too
        ASSERT_EQ(at->weight, std::pow(0.5, edits));
      }
    }
    for (const QueryTerm& term : ranking->terms()) {
      if (term.typed.empty()) continue;
      uint32_t edits = 0;
      ASSERT_FALSE(known.contains(term.typed));
      ASSERT_TRUE(expected(term.typed, known, edits).contains(term.term));
    }
  }

  uint64_t state_;
  std::vector<std::string> words_;
  Analyzer analyzer_;
  MapKeyspace keys_;
  std::map<DocumentId, std::string> records_;
  uint64_t last_id_ = 0;
  int readings_ = 0;
};

TEST_P(Misspelt, AnEditInAnEndingLeadsToTheStem) {
  words_ = {"connections", "running"};
  for (int i = 0; i < 40; ++i) put();
  for (const auto& [typed, stem] : {std::pair("connectoin", "connect"), {"runnign", "run"}}) {
    TextQuery query = parse_query(analyzer_, typed);
    query.reads_misspelt = true;
    const auto ranking = Ranking::open(keys_, kPrefix, query, 1);
    ASSERT_TRUE(ranking && ranking->terms().size() == 2);
    EXPECT_EQ(ranking->terms()[1].term, stem);
  }
}

TEST_P(Misspelt, UnknownWordsAreReadAsTheirNearestInLiveDocuments) {
  const FoldOptions options{.documents_min = 1 + below(8),
                            .documents_max = 8 + below(100),
                            .segments_max = 2 + below(4),
                            .postings_max = 1 + below(2000)};
  for (int round = 0; round < 30 && !HasFatalFailure(); ++round) {
    for (uint32_t i = below(40); i > 0; --i) put();
    for (uint32_t i = below(30); i > 0; --i) drop();
    for (uint32_t i = below(4); i > 0; --i) ASSERT_TRUE(fold_step(keys_, kPrefix, options));
    for (int i = 0; i < 6 && !HasFatalFailure(); ++i) compare();
  }
  EXPECT_GT(readings_, 50);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Misspelt, testing::Range(0, 8));

// More documents than lists are short for, and terms behind such lists.
TEST_P(Misspelt, LongListsArePassedOver) {
  for (int i = 0; i < 6'000; ++i) put();
  const FoldOptions options{.documents_min = 1, .segments_max = 2, .postings_max = 100'000};
  while (*fold_step(keys_, kPrefix, options) == FoldStep::kDone) {
  }
  for (int i = 0; i < 10 && !HasFatalFailure(); ++i) compare();
}

}  // namespace
}  // namespace holdfast::search
