#include "search/phrase.h"

#include <algorithm>

namespace holdfast::search {
namespace {

bool is_ascii_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// With what the terms of a word begin, in lower case; 0 where that is not one letter or digit.
char initial_of(const std::vector<std::string>& terms) {
  const char initial = terms.front()[0];
  const bool is_one = std::all_of(terms.begin(), terms.end(), [&](const std::string& term) {
    return term[0] == initial && is_ascii_word(initial);
  });
  return is_one ? initial : '\0';
}

// Whether a word with one initial is followed by one with the other, in ASCII text. Connectors may
// join words or not: both are tried.
bool has_initials(std::string_view text, char first, char second) {
  const auto is = [&](size_t at, char initial) {
    return (text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at]) == initial;
  };
  bool is_behind = false;  // a word with the first, which ends here or goes on
  bool was_break = true;   // before this word, certainly
  for (size_t at = 0; at < text.size();) {
    if (is_behind && is_ascii_word(text[at]) && is(at, second)) return true;
    const bool begins = is_ascii_word(text[at]) && is(at, first);
    while (at < text.size() && is_ascii_word(text[at])) ++at;
    bool is_break = false;
    for (; at < text.size() && !is_ascii_word(text[at]); ++at) {
      is_break =
          is_break || kAsciiClasses[static_cast<uint8_t>(text[at])] != CharacterClass::kConnector;
    }
    is_behind = begins || (is_behind && !was_break);
    was_break = is_break;
  }
  return false;
}

// False: an English text has the phrase certainly not. To see that takes much less than analysing
// it.
bool may_have(std::string_view text, const Phrase& phrase) {
  for (size_t i = 0; i + 1 < phrase.words.size(); ++i) {
    const char first = initial_of(phrase.words[i]);
    const char second = initial_of(phrase.words[i + 1]);
    if (first != 0 && second != 0 && !has_initials(text, first, second)) return false;
  }
  return true;
}

bool may_have_any(Analyzer& analyzer, std::string_view text, const std::vector<Phrase>& phrases) {
  const bool is_plain = analyzer.language() == Language::kEnglish &&
                        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
  return !is_plain || std::any_of(phrases.begin(), phrases.end(),
                                  [&](const Phrase& phrase) { return may_have(text, phrase); });
}

// Looks for a phrase in the tokens of texts, as they come.
class PhraseFinder {
 public:
  explicit PhraseFinder(const Phrase& phrase) : phrase_(phrase) {}

  bool is_found() const { return is_found_; }
  void begin_text() {
    begun_.clear();
    end_before_ = 0;
  }
  // REQUIRES: a primary token.
  void take(const Token& token) {
    const bool overlaps = token.begin < end_before_;
    end_before_ = token.end;
    size_t kept = 0;
    for (const size_t words : begun_) {
      if (phrase_.overlaps[words] == overlaps && fits(token, words)) begun_[kept++] = words + 1;
    }
    begun_.resize(kept);
    if (fits(token, 0)) begun_.push_back(1);
    is_found_ = is_found_ || (!begun_.empty() && begun_.front() == phrase_.words.size());
    std::erase(begun_, phrase_.words.size());
  }

 private:
  bool fits(const Token& token, size_t word) const {
    const std::vector<std::string>& terms = phrase_.words[word];
    return std::find(terms.begin(), terms.end(), token.term) != terms.end();
  }

  const Phrase& phrase_;
  // Of each occurrence that may have begun, how many words of it stand before the next token; the
  // longest first.
  std::vector<size_t> begun_;
  uint32_t end_before_ = 0;
  bool is_found_ = false;
};

}  // namespace

bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts) {
  if (phrases.empty()) return true;
  std::vector<PhraseFinder> finders(phrases.begin(), phrases.end());
  std::vector<std::string_view> terms;
  for (const Phrase& phrase : phrases) {
    for (const auto& word : phrase.words) terms.insert(terms.end(), word.begin(), word.end());
  }
  analyzer.look_for(terms);
  const auto all_found = [&] {
    return std::all_of(finders.begin(), finders.end(),
                       [](const PhraseFinder& finder) { return finder.is_found(); });
  };
  for (const std::string_view text : texts) {
    if (!may_have_any(analyzer, text, phrases)) continue;
    for (PhraseFinder& finder : finders) finder.begin_text();
    analyzer.analyze(text, [&](const Token& token) {
      if (!is_primary(token.kind)) return true;
      for (PhraseFinder& finder : finders) finder.take(token);
      return !all_found();
    });
  }
  analyzer.look_for_all();
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (finders[i].is_found() == phrases[i].is_excluded) return false;
  }
  return true;
}

}  // namespace holdfast::search
