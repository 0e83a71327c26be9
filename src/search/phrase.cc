#include "search/phrase.h"

#include <algorithm>
#include <optional>
#include <utility>

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

// A place where a phrase may stand: no token reaches over `begin`, and if none of the phrase begins
// before `second`, or there, it does not stand here.
struct Candidate {
  size_t begin = 0;
  size_t second = 0;
};

// The first word with one initial, from `from` on, that is followed by one with the other, in ASCII
// text. Connectors may join words or not: both are tried.
std::optional<Candidate> find_initials(std::string_view text, size_t from, char first,
                                       char second) {
  const auto is = [&](size_t at, char initial) {
    return (text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at]) == initial;
  };
  size_t begin = from;     // of the words that connectors may join with the one before
  bool is_behind = false;  // a word with the first, which ends here or goes on
  bool was_break = true;   // before this word, certainly
  for (size_t at = from; at < text.size();) {
    const bool is_word = is_ascii_word(text[at]);
    if (is_behind && is_word && is(at, second)) return Candidate{begin, at};
    if (was_break) begin = at;
    const bool begins = is_word && is(at, first);
    while (at < text.size() && is_ascii_word(text[at])) ++at;
    bool is_break = false;
    for (; at < text.size() && !is_ascii_word(text[at]); ++at) {
      is_break =
          is_break || kAsciiClasses[static_cast<uint8_t>(text[at])] != CharacterClass::kConnector;
    }
    is_behind = begins || (is_behind && !was_break);
    was_break = is_break;
  }
  return std::nullopt;
}

// The initials of a word and the one behind it, where they are known.
std::optional<std::pair<char, char>> initials_of(const Phrase& phrase, size_t word) {
  if (word + 1 >= phrase.words.size() || phrase.overlaps[word + 1]) return std::nullopt;
  const char first = initial_of(phrase.words[word]);
  const char second = initial_of(phrase.words[word + 1]);
  if (first == 0 || second == 0) return std::nullopt;
  return std::pair(first, second);
}

// False: an English text has the phrase certainly not. To see that takes much less than analysing
// it. The first two words are left to who looks where the phrase may stand.
bool may_have(std::string_view text, const Phrase& phrase) {
  for (size_t i = 1; i + 1 < phrase.words.size(); ++i) {
    const auto initials = initials_of(phrase, i);
    if (initials && !find_initials(text, 0, initials->first, initials->second)) return false;
  }
  return true;
}

// Looks for a phrase in texts, of which it analyses as little as it can.
class PhraseFinder {
 public:
  PhraseFinder(Analyzer& analyzer, const Phrase& phrase) : analyzer_(analyzer), phrase_(phrase) {
    std::vector<std::string_view> terms;
    for (const auto& word : phrase.words) terms.insert(terms.end(), word.begin(), word.end());
    analyzer_.look_for(terms, Analyzer::Others::kUnstemmed);
  }
  PhraseFinder(const PhraseFinder&) = delete;
  PhraseFinder& operator=(const PhraseFinder&) = delete;
  ~PhraseFinder() { analyzer_.look_for_all(); }

  bool is_in(std::string_view text) {
    const bool is_plain = analyzer_.language() == Language::kEnglish &&
                          std::all_of(text.begin(), text.end(),
                                      [](char c) { return static_cast<uint8_t>(c) < kAsciiSize; });
    const auto initials = initials_of(phrase_, 0);
    if (!is_plain || !initials) return analyze(text, text.size());
    if (!may_have(text, phrase_)) return false;
    for (size_t at = 0;;) {
      const auto candidate = find_initials(text, at, initials->first, initials->second);
      if (!candidate) return false;
      if (analyze(text.substr(candidate->begin), candidate->second - candidate->begin)) return true;
      at = candidate->begin + analyzed_size_;
    }
  }

 private:
  // Stops where the phrase is found, and behind a token from `least` on with which none has begun.
  bool analyze(std::string_view text, size_t least) {
    bool is_found = false;
    size_t stop = SIZE_MAX;  // unless another token begins before it
    begun_.clear();
    end_before_ = 0;
    analyzed_size_ = text.size();
    analyzer_.analyze(text, [&](const Token& token) {
      if (!is_primary(token.kind)) return true;
      if (token.begin >= stop) {
        analyzed_size_ = stop;
        return false;
      }
      is_found = take(token);
      stop = token.begin >= least && begun_.empty() ? token.end : SIZE_MAX;
      return !is_found;
    });
    return is_found;
  }

  // Whether the phrase ends with it.
  bool take(const Token& token) {
    const bool overlaps = token.begin < end_before_;
    end_before_ = token.end;
    size_t kept = 0;
    for (const size_t words : begun_) {
      if (phrase_.overlaps[words] == overlaps && fits(token, words)) begun_[kept++] = words + 1;
    }
    begun_.resize(kept);
    if (fits(token, 0)) begun_.push_back(1);
    return !begun_.empty() && begun_.front() == phrase_.words.size();
  }
  bool fits(const Token& token, size_t word) const {
    const std::vector<std::string>& terms = phrase_.words[word];
    return std::find(terms.begin(), terms.end(), token.term) != terms.end();
  }

  Analyzer& analyzer_;
  const Phrase& phrase_;
  // Of each occurrence that may have begun, how many words of it stand before the next token; the
  // longest first.
  std::vector<size_t> begun_;
  uint32_t end_before_ = 0;
  size_t analyzed_size_ = 0;
};

}  // namespace

bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts) {
  return std::all_of(phrases.begin(), phrases.end(), [&](const Phrase& phrase) {
    PhraseFinder finder(analyzer, phrase);
    const bool is_there = std::any_of(texts.begin(), texts.end(),
                                      [&](std::string_view text) { return finder.is_in(text); });
    return is_there != phrase.is_excluded;
  });
}

}  // namespace holdfast::search
