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
  if (word + 1 >= phrase.words.size()) return std::nullopt;
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

// Looks for a phrase in the tokens of texts, as they come.
class PhraseFinder {
 public:
  explicit PhraseFinder(const Phrase& phrase) : phrase_(phrase) {}

  bool is_found() const { return is_found_; }
  bool has_begun() const { return !begun_.empty(); }
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

// Looks for phrases in texts, of which it analyses as little as it can.
class PhraseSearch {
 public:
  PhraseSearch(Analyzer& analyzer, const std::vector<Phrase>& phrases)
      : analyzer_(analyzer), phrases_(phrases), finders_(phrases.begin(), phrases.end()) {}

  bool is_found(size_t phrase) const { return finders_[phrase].is_found(); }

  void look_through(std::string_view text) {
    const bool is_plain = analyzer_.language() == Language::kEnglish &&
                          std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
    if (!is_plain) {
      analyze(text, text.size());
      return;
    }
    const bool may_be = std::any_of(phrases_.begin(), phrases_.end(),
                                    [&](const Phrase& phrase) { return may_have(text, phrase); });
    for (size_t at = 0; may_be && at < text.size() && !all_found();) {
      const auto candidate = next_candidate(text, at);
      if (!candidate) break;
      const size_t begin = candidate->begin;
      at = begin + analyze(text.substr(begin), candidate->second - begin);
    }
  }

 private:
  bool all_found() const {
    return std::all_of(finders_.begin(), finders_.end(),
                       [](const PhraseFinder& finder) { return finder.is_found(); });
  }

  // Of any phrase that was not found; the rest of the text where it may stand anywhere.
  std::optional<Candidate> next_candidate(std::string_view text, size_t from) const {
    std::optional<Candidate> first;
    for (size_t i = 0; i < phrases_.size(); ++i) {
      if (finders_[i].is_found()) continue;
      const auto initials = initials_of(phrases_[i], 0);
      if (!initials) return Candidate{from, text.size()};
      const auto one = find_initials(text, from, initials->first, initials->second);
      if (one && (!first || one->begin < first->begin)) first = one;
    }
    return first;
  }

  // Stops where all are found, or at the first token from `least` on with which none has begun.
  // Returns the offset behind it.
  size_t analyze(std::string_view text, size_t least) {
    size_t end = text.size();
    for (PhraseFinder& finder : finders_) finder.begin_text();
    analyzer_.analyze(text, [&](const Token& token) {
      if (!is_primary(token.kind)) return true;
      bool has_begun = false;
      for (PhraseFinder& finder : finders_) {
        finder.take(token);
        has_begun = has_begun || finder.has_begun();
      }
      if (token.begin >= least && !has_begun) {
        end = token.end;
        return false;
      }
      return !all_found();
    });
    return end;
  }

  Analyzer& analyzer_;
  const std::vector<Phrase>& phrases_;
  std::vector<PhraseFinder> finders_;
};

}  // namespace

bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts) {
  if (phrases.empty()) return true;
  std::vector<std::string_view> terms;
  for (const Phrase& phrase : phrases) {
    for (const auto& word : phrase.words) terms.insert(terms.end(), word.begin(), word.end());
  }
  analyzer.look_for(terms);
  PhraseSearch search(analyzer, phrases);
  for (const std::string_view text : texts) search.look_through(text);
  analyzer.look_for_all();
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (search.is_found(i) == phrases[i].is_excluded) return false;
  }
  return true;
}

}  // namespace holdfast::search
