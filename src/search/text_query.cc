#include "search/text_query.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "search/english.h"
#include "search/spelling.h"

namespace holdfast::search {
namespace {

double weight_of(TokenKind kind) {
  switch (kind) {
    case TokenKind::kWord:
    case TokenKind::kWhole:
    case TokenKind::kPair:
      return 1;
    case TokenKind::kPart:
      return 0.5;
    case TokenKind::kCharacter:
      return 0.25;
  }
  return 1;
}

constexpr double kOtherFormWeight = 0.8;
constexpr double kFunctionWordWeight = 0.5;

// A piece of the text between spaces, or between quotes.
struct Piece {
  enum class Role : uint8_t { kOptional, kRequired, kExcluded };

  std::string_view text;
  bool is_phrase = false;
  bool is_prefix = false;
  Role role = Role::kOptional;
};

bool ends_word(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '(' || c == ')';
}

size_t letters_at(std::string_view text) {
  size_t count = 0;
  while (count < text.size() &&
         character_at(text.substr(count)).character_class != CharacterClass::kSeparator) {
    count += character_at(text.substr(count)).size;
  }
  return count;
}

// "-la" is an option of some command; "-latency" excludes.
bool excludes(std::string_view text) {
  constexpr size_t kLettersMin = 3;
  if (text.size() < 2 || text[0] != '-') return false;
  if (text[1] == '"') return true;
  const CharacterClass first = character_at(text.substr(1)).character_class;
  const bool is_letter = first == CharacterClass::kUpper || first == CharacterClass::kLower;
  return is_spaceless(first) || (is_letter && letters_at(text.substr(1)) >= kLettersMin);
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Piece> split() {
    while (at_ < text_.size()) {
      if (ends_word(text_[at_])) {
        ++at_;
      } else {
        take_piece();
      }
    }
    return std::move(pieces_);
  }

 private:
  void take_piece() {
    Piece piece;
    const std::string_view rest = text_.substr(at_);
    if (excludes(rest)) {
      piece.role = Piece::Role::kExcluded;
      ++at_;
    } else if (rest[0] == '+' && rest.size() > 1 && !ends_word(rest[1])) {
      piece.role = Piece::Role::kRequired;
      ++at_;
    }
    const size_t close = text_[at_] == '"' ? text_.find('"', at_ + 1) : std::string_view::npos;
    if (close != std::string_view::npos) {
      piece.text = text_.substr(at_ + 1, close - at_ - 1);
      piece.is_phrase = true;
      at_ = close + 1;
    } else {
      size_t end = at_ + 1;
      while (end < text_.size() && !ends_word(text_[end]) && text_[end] != '"') ++end;
      piece.text = text_.substr(at_, end - at_);
      at_ = end;
      if (piece.text.size() > 2 && piece.text.back() == '*') {
        piece.text.remove_suffix(1);
        piece.is_prefix = true;
      }
    }
    pieces_.push_back(piece);
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::vector<Piece> pieces_;
};

bool is_word(const Piece& piece, std::string_view word) {
  return !piece.is_phrase && piece.role == Piece::Role::kOptional && piece.text == word;
}

// AND, OR and NOT where they stand before a piece, and behind one but for NOT.
std::vector<Piece> apply_operators(std::vector<Piece> pieces) {
  std::vector<Piece> applied;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool has_next = i + 1 < pieces.size();
    if (has_next && is_word(pieces[i], "NOT")) {
      pieces[i + 1].role = Piece::Role::kExcluded;
      continue;
    }
    const bool joins = has_next && !applied.empty();
    if (joins && is_word(pieces[i], "OR")) continue;
    if (joins && is_word(pieces[i], "AND")) {
      for (Piece* side : {&applied.back(), &pieces[i + 1]}) {
        if (side->role == Piece::Role::kOptional) side->role = Piece::Role::kRequired;
      }
      continue;
    }
    applied.push_back(pieces[i]);
  }
  const bool is_vain = std::all_of(applied.begin(), applied.end(), [](const Piece& piece) {
    return piece.role == Piece::Role::kExcluded;
  });
  for (Piece& piece : applied) {
    if (is_vain) piece.role = Piece::Role::kOptional;
  }
  return applied;
}

struct AnalysedToken {
  std::string term;
  TokenKind kind;
  uint32_t begin;
  uint32_t end;
};

std::vector<AnalysedToken> analyse(Analyzer& analyzer, std::string_view text, size_t count_max) {
  std::vector<AnalysedToken> tokens;
  analyzer.analyze(text, [&](const Token& token) {
    tokens.push_back({std::string(token.term), token.kind, token.begin, token.end});
    return tokens.size() < count_max;
  });
  return tokens;
}

// A token that stands for a stretch of text: parts, and the characters of a run of pairs, repeat
// what another says.
bool is_primary(TokenKind kind) {
  return kind == TokenKind::kWord || kind == TokenKind::kWhole || kind == TokenKind::kPair;
}

class Builder {
 public:
  Builder(Analyzer& analyzer, std::span<const Language> languages, TextQuery& query)
      : analyzer_(analyzer), languages_(languages), query_(query) {}

  void add(const Piece& piece) {
    if (piece.is_prefix && add_prefix(piece)) return;
    std::vector<Word> words;
    for (Word& word : words_of(piece)) {
      if (add_terms(piece, word) && is_primary(word.kind)) words.push_back(std::move(word));
    }
    if (words.empty()) return;
    const bool is_excluded = piece.role == Piece::Role::kExcluded;
    if (piece.is_phrase && words.size() > 1) {
      add_phrase(words, is_excluded);
      if (is_excluded) return;  // having the words somewhere is not having the phrase
    }
    if (is_excluded) {
      add_excluded(words);
    } else if (piece.is_phrase || piece.role == Piece::Role::kRequired) {
      for (const Word& word : words) query_.required.push_back(word.places);
    }
  }

  // Beside words that tell what is asked for, others count half.
  void finish() {
    const bool is_any = !query_.prefixes.empty() ||
                        std::any_of(telling_.begin(), telling_.end(),
                                    [&](uint32_t place) { return query_.terms[place].weight > 0; });
    if (!is_any) return;
    for (const uint32_t place : silent_) {
      if (!telling_.contains(place)) query_.terms[place].weight *= kFunctionWordWeight;
    }
  }

 private:
  // What stands at one place of a piece, in each of the languages; then other forms of it.
  struct Word {
    std::vector<std::string> terms;
    std::vector<uint32_t> places;  // of them in the query
    TokenKind kind;
    uint32_t begin;
    uint32_t end;
    bool is_function = false;
  };

  std::vector<Word> words_of(const Piece& piece) {
    std::vector<Word> words;
    for (const Language language : languages_) {
      analyzer_.set_language(language);
      const auto tokens = analyse(analyzer_, piece.text, kQueryTermsMax);
      for (size_t i = 0; i < tokens.size(); ++i) {  // as many in each language
        const AnalysedToken& token = tokens[i];
        if (i == words.size()) words.push_back({{}, {}, token.kind, token.begin, token.end, false});
        words[i].terms.push_back(token.term);
      }
    }
    const bool has_english =
        std::find(languages_.begin(), languages_.end(), Language::kEnglish) != languages_.end();
    for (Word& word : words) {
      if (has_english && word.kind == TokenKind::kWord) add_english(piece, word);
    }
    return words;
  }

  // What English knows of a word, as it was typed or as its stem.
  void add_english(const Piece& piece, Word& word) {
    std::string typed;
    fold_word(piece.text.substr(word.begin, word.end - word.begin), typed);
    word.is_function = is_function_word(typed);
    if (word.is_function || piece.role == Piece::Role::kExcluded) return;
    auto forms = other_forms(typed);
    if (forms.empty()) forms = other_forms(word.terms.front());
    analyzer_.set_language(Language::kEnglish);
    for (const std::string_view form : forms) {
      for (AnalysedToken& token : analyse(analyzer_, form, 1)) {
        word.terms.push_back(std::move(token.term));
      }
    }
  }

  // False: there is no room for all of them.
  bool add_terms(const Piece& piece, Word& word) {
    const bool is_excluded = piece.role == Piece::Role::kExcluded;
    const bool is_typed = word.kind == TokenKind::kWord || word.kind == TokenKind::kPart;
    const std::set<std::string> distinct(word.terms.begin(), word.terms.end());
    const bool has_several = distinct.size() > 1;
    for (size_t i = 0; i < word.terms.size(); ++i) {
      const bool is_other_form = i >= languages_.size();
      const double weight = weight_of(word.kind) * (is_other_form ? kOtherFormWeight : 1);
      const auto place =
          add_term({.term = word.terms[i],
                    .word = has_several ? std::optional(next_word_) : std::nullopt,
                    .weight = is_excluded ? 0 : weight,
                    .may_be_misspelt = is_typed && !is_other_form && !word.is_function &&
                                       !piece.is_phrase && !is_excluded});
      if (!place) return false;
      word.places.push_back(*place);
    }
    const bool tells =
        !word.is_function || piece.is_phrase || is_excluded || piece.role == Piece::Role::kRequired;
    for (const uint32_t place : word.places) (tells ? telling_ : silent_).insert(place);
    if (has_several) ++next_word_;
    return true;
  }

  void add_phrase(const std::vector<Word>& words, bool is_excluded) {
    Phrase phrase{{}, {}, is_excluded};
    uint32_t end = 0;
    for (const Word& word : words) {
      phrase.words.push_back(word.terms);
      phrase.overlaps.push_back(word.begin < end);
      end = word.end;
    }
    query_.phrases.push_back(std::move(phrase));
  }

  // A document has all of its own language.
  void add_excluded(const std::vector<Word>& words) {
    for (size_t i = 0; i < languages_.size(); ++i) {
      std::vector<uint32_t> group;
      for (const Word& word : words) group.push_back(word.places[i]);
      const auto& known = query_.excluded;
      if (std::find(known.begin(), known.end(), group) == known.end()) {
        query_.excluded.push_back(std::move(group));
      }
    }
  }

  // False: what is before the star is no beginning of a word.
  bool add_prefix(const Piece& piece) {
    std::string folded;
    fold_word(piece.text, folded);
    analyzer_.set_language(languages_.front());
    const auto tokens = analyse(analyzer_, piece.text, 2);
    if (folded.size() < 2 || folded.size() > kTermSizeMax || tokens.empty()) return false;
    query_.prefixes.push_back(
        {folded, piece.role == Piece::Role::kRequired, piece.role == Piece::Role::kExcluded});
    return true;
  }

  std::optional<uint32_t> add_term(QueryTerm term) {
    term.may_be_misspelt = term.may_be_misspelt && is_spelling(term.term);
    const auto [at, is_new] =
        places_.emplace(term.term, static_cast<uint32_t>(query_.terms.size()));
    if (!is_new) {
      QueryTerm& known = query_.terms[at->second];
      known.weight = std::max(known.weight, term.weight);
      known.may_be_misspelt = known.may_be_misspelt && term.may_be_misspelt;
      return at->second;
    }
    if (query_.terms.size() == kQueryTermsMax) {
      places_.erase(at);
      return std::nullopt;
    }
    query_.terms.push_back(std::move(term));
    return at->second;
  }

  Analyzer& analyzer_;
  const std::span<const Language> languages_;
  TextQuery& query_;
  uint32_t next_word_ = 0;
  std::unordered_map<std::string, uint32_t> places_;
  std::set<uint32_t> telling_;  // places of words that say what is asked for
  std::set<uint32_t> silent_;   // and of function words
};

// Whether the words stand one after the other among those tokens that do not repeat others; pairs
// of one run overlap.
bool has_phrase(const std::vector<AnalysedToken>& tokens, const Phrase& phrase) {
  std::vector<const AnalysedToken*> primary;
  for (const AnalysedToken& token : tokens) {
    if (is_primary(token.kind)) primary.push_back(&token);
  }
  const auto fits = [&](size_t at, size_t i) {
    const std::vector<std::string>& terms = phrase.words[i];
    if (std::find(terms.begin(), terms.end(), primary[at]->term) == terms.end()) return false;
    return i == 0 || (primary[at]->begin < primary[at - 1]->end) == phrase.overlaps[i];
  };
  for (size_t first = 0; first + phrase.words.size() <= primary.size(); ++first) {
    size_t same = 0;
    while (same < phrase.words.size() && fits(first + same, same)) ++same;
    if (same == phrase.words.size()) return true;
  }
  return false;
}

}  // namespace

TextQuery parse_query(Analyzer& analyzer, std::string_view text,
                      std::span<const Language> languages) {
  TextQuery query;
  Builder builder(analyzer, languages, query);
  for (const Piece& piece : apply_operators(Splitter(text).split())) builder.add(piece);
  builder.finish();
  return query;
}

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

// False: an English text has the phrase certainly not. To see that takes a tenth of analysing it.
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

}  // namespace

bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts) {
  if (phrases.empty()) return true;
  std::vector<bool> found(phrases.size());
  std::vector<std::string_view> terms;
  for (const Phrase& phrase : phrases) {
    for (const auto& word : phrase.words) terms.insert(terms.end(), word.begin(), word.end());
  }
  analyzer.look_for(terms);
  for (const std::string_view text : texts) {
    if (!may_have_any(analyzer, text, phrases)) continue;
    const auto tokens = analyse(analyzer, text, SIZE_MAX);
    for (size_t i = 0; i < phrases.size(); ++i) {
      found[i] = found[i] || has_phrase(tokens, phrases[i]);
    }
  }
  analyzer.look_for_all();
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (found[i] == phrases[i].is_excluded) return false;
  }
  return true;
}

}  // namespace holdfast::search
