#include <algorithm>
#include <cmath>
#include <iterator>

#include "bench/text/corpus.h"

namespace holdfast::bench {
namespace {

constexpr uint64_t kWords = 50'000;
// Of the words that are asked for, by how common they are.
constexpr uint64_t kCommonFirst = 3;
constexpr uint64_t kCommonLast = 50;
constexpr uint64_t kAskedFirst = 100;
constexpr uint64_t kAskedLast = 5'000;

std::string word(uint64_t rank) {
  Random random(rank * 2 + 1);
  constexpr std::string_view kConsonants = "bcdfghklmnprstvz";
  constexpr std::string_view kVowels = "aeiou";
  std::string text;
  for (uint64_t i = 2 + random.below(3); i > 0; --i) {
    text += kConsonants[random.below(kConsonants.size())];
    text += kVowels[random.below(kVowels.size())];
  }
  return text + kConsonants[random.below(kConsonants.size())];
}

class DrawnCorpus final : public Corpus {
 public:
  DrawnCorpus() {
    for (uint64_t rank = 0; rank < kWords; ++rank) words_.push_back(word(rank));
  }
  uint64_t documents() const override { return 100'000; }
  std::string text(uint64_t document) const override {
    std::string text;
    for (const uint64_t one : ranks(document)) text += (text.empty() ? "" : " ") + words_[one];
    return text;
  }
  std::vector<QueryKind> kinds(uint64_t documents) const override;

 private:
  // By Zipf's law, of ranks in [first, last).
  static uint64_t rank(Random& random, uint64_t first, uint64_t last);
  static std::vector<uint64_t> ranks(uint64_t document);
  std::vector<std::string> some(Random& random, size_t count, uint64_t first, uint64_t last) const;
  std::vector<std::string> neighbours(Random& random, uint64_t documents) const;

  std::vector<std::string> words_;
};

uint64_t DrawnCorpus::rank(Random& random, uint64_t first, uint64_t last) {
  const double share = static_cast<double>(random.below(1u << 30)) / (1u << 30);
  const double low = static_cast<double>(first + 1);
  return std::min(
      last - 1,
      static_cast<uint64_t>(low * std::pow(static_cast<double>(last + 1) / low, share)) - 1);
}

std::vector<uint64_t> DrawnCorpus::ranks(uint64_t document) {
  Random random(document * 2 + 7);
  std::vector<uint64_t> ranks(20 + random.below(80));
  for (uint64_t& one : ranks) one = rank(random, 0, kWords);
  return ranks;
}

std::vector<std::string> DrawnCorpus::some(Random& random, size_t count, uint64_t first,
                                           uint64_t last) const {
  std::vector<std::string> words;
  for (size_t i = 0; i < count; ++i) words.push_back(words_[rank(random, first, last)]);
  return words;
}

// Words that stand together in a document, the first of them not one of the most common.
std::vector<std::string> DrawnCorpus::neighbours(Random& random, uint64_t documents) const {
  while (true) {
    const std::vector<uint64_t> all = ranks(random.below(documents));
    const size_t at = random.below(all.size() - 1);
    if (all[at] < kCommonLast || all[at] == all[at + 1]) continue;
    return {words_[all[at]], words_[all[at + 1]]};
  }
}

std::vector<QueryKind> DrawnCorpus::kinds(uint64_t documents) const {
  const auto any = [this](const char* name, size_t count, uint64_t first, uint64_t last) {
    return QueryKind{name, [=, this](Random& random) {
                       return Query{Query::Form::kAny, some(random, count, first, last)};
                     }};
  };
  const auto one = [this](Random& random) { return some(random, 1, kAskedFirst, kAskedLast)[0]; };
  std::vector<QueryKind> kinds = {
      any("1 word", 1, kAskedFirst, kAskedLast),
      any("2 words, any", 2, kAskedFirst, kAskedLast),
      any("3 words, any", 3, kAskedFirst, kAskedLast),
      any("5 words, any", 5, kAskedFirst, kAskedLast),
      any("2 common words, any", 2, kCommonFirst, kCommonLast),
  };
  const auto pair = [=, this](Random& random) { return neighbours(random, documents); };
  std::ranges::move(kinds_of_each(pair, one), std::back_inserter(kinds));
  return kinds;
}

}  // namespace

std::unique_ptr<Corpus> drawn_corpus() {
  return std::make_unique<DrawnCorpus>();
}

}  // namespace holdfast::bench
