#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>
#include <unordered_map>

#include "bench/engine.h"
#include "bench/quality/task.h"
#include "bench/text/corpus.h"

namespace holdfast::bench {
namespace {

constexpr size_t kCommonWords = 50;
// Of a word that is mistyped, or of which the first ones are asked.
constexpr size_t kLettersMin = 4;

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

// What stands between spaces, in small letters; empty where it is more than letters, as the peers
// do not agree what the words of "e-mail" are.
std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  bool is_word = true;
  for (const char c : text + " ") {
    if (c == ' ') {
      if (!is_word) words.back().clear();
      words.emplace_back();
      is_word = true;
    } else {
      is_word = is_word && is_letter(c);
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  words.pop_back();
  return words;
}

class ItemsCorpus final : public Corpus {
 public:
  explicit ItemsCorpus(Task task) : task_(std::move(task)) {
    require(!task_.documents.empty() && !task_.questions.empty(),
            "the file has no documents or no questions");
    for (const Document& one : task_.documents) {
      const std::vector<std::string> words = words_of(one.content);
      for (const std::string& word : std::set<std::string>(words.begin(), words.end())) {
        ++frequencies_[word];
      }
    }
    std::vector<uint64_t> all;
    for (const auto& [word, frequency] : frequencies_) all.push_back(frequency);
    std::sort(all.rbegin(), all.rend());
    common_ = all[std::min(all.size() - 1, kCommonWords)];
  }
  uint64_t documents() const override { return task_.documents.size(); }
  std::string text(uint64_t document) const override {
    return task_.documents[document % task_.documents.size()].content;
  }
  std::vector<QueryKind> kinds(uint64_t documents) const override;

 private:
  uint64_t frequency(const std::string& word) const {
    const auto found = frequencies_.find(word);
    return found == frequencies_.end() ? 0 : found->second;
  }
  std::vector<std::string> question(Random& random) const;
  std::vector<std::string> rarest(Random& random, size_t count) const;
  std::vector<std::string> neighbours(Random& random, uint64_t documents) const;
  std::string one(Random& random) const;

  Task task_;
  std::unordered_map<std::string, uint64_t> frequencies_;  // documents that have the word
  uint64_t common_ = 0;                                    // as often is one of the most common
};

// The words of a question that there are, three or more.
std::vector<std::string> ItemsCorpus::question(Random& random) const {
  while (true) {
    std::vector<std::string> words =
        words_of(task_.questions[random.below(task_.questions.size())].text);
    std::erase_if(words,
                  [this](const std::string& word) { return word.empty() || frequency(word) == 0; });
    if (words.size() >= 3) return words;
  }
}

std::vector<std::string> ItemsCorpus::rarest(Random& random, size_t count) const {
  std::vector<std::string> words = question(random);
  std::stable_sort(words.begin(), words.end(),
                   [this](const auto& a, const auto& b) { return frequency(a) < frequency(b); });
  words.resize(count);
  return words;
}

// Words that stand together in a document, none of them one of the most common.
std::vector<std::string> ItemsCorpus::neighbours(Random& random, uint64_t documents) const {
  while (true) {
    const std::vector<std::string> words = words_of(text(random.below(documents)));
    if (words.size() < 2) continue;
    const size_t at = random.below(words.size() - 1);
    const auto is_fit = [this](const std::string& word) {
      return !word.empty() && frequency(word) < common_;
    };
    if (!is_fit(words[at]) || !is_fit(words[at + 1]) || words[at] == words[at + 1]) continue;
    return {words[at], words[at + 1]};
  }
}

std::string ItemsCorpus::one(Random& random) const {
  while (true) {
    std::string word = rarest(random, 1)[0];
    if (word.size() >= kLettersMin) return word;
  }
}

std::vector<QueryKind> ItemsCorpus::kinds(uint64_t documents) const {
  const auto any = [](auto words) {
    return [=](Random& random) { return Query{Query::Form::kAny, words(random)}; };
  };
  const auto rarest_of = [this](size_t count) {
    return [=, this](Random& random) { return rarest(random, count); };
  };
  std::vector<QueryKind> kinds = {
      {"a question's rarest word", any(rarest_of(1))},
      {"its 3 rarest words, any", any(rarest_of(3))},
      {"all its words, any", any([this](Random& random) { return question(random); })},
      {"and words related to them",
       [this](Random& random) {
         return Query{Query::Form::kAny, question(random), false};
       },
       true},
  };
  const auto pair = [=, this](Random& random) { return neighbours(random, documents); };
  const auto word = [this](Random& random) { return one(random); };
  std::ranges::move(kinds_of_each(pair, word), std::back_inserter(kinds));
  return kinds;
}

}  // namespace

std::unique_ptr<Corpus> items_corpus(const std::string& path) {
  return std::make_unique<ItemsCorpus>(read_items(path));
}

}  // namespace holdfast::bench
