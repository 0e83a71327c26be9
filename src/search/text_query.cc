#include "search/text_query.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "search/english.h"
#include "search/spelling.h"
#include "search/thesaurus.h"

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

// Words like "e-reader", whatever ends the sentence behind them.
bool is_hyphenated(std::string_view text) {
  while (!text.empty() && (text.back() == '?' || text.back() == ',' || text.back() == '.')) {
    text.remove_suffix(1);
  }
  return std::ranges::all_of(
      text, [](char c) { return c == '-' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
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

void require(Piece& piece) {
  if (piece.role == Piece::Role::kOptional) piece.role = Piece::Role::kRequired;
}

// Whether the piece at `i` is a NOT with something to exclude.
bool is_not(const std::vector<Piece>& pieces, size_t i) {
  return i + 1 < pieces.size() && is_word(pieces[i], "NOT");
}

// AND, OR and NOT where they stand before a piece, and behind one but for NOT.
std::vector<Piece> apply_operators(std::vector<Piece> pieces) {
  std::vector<Piece> applied;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (is_not(pieces, i)) {
      pieces[i + 1].role = Piece::Role::kExcluded;
      continue;
    }
    const bool joins = i + 1 < pieces.size() && !applied.empty();
    if (joins && is_word(pieces[i], "OR")) continue;
    if (joins && is_word(pieces[i], "AND")) {
      require(applied.back());
      if (!is_not(pieces, i + 1)) require(pieces[i + 1]);
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

class Builder {
 public:
  Builder(Analyzer& analyzer, std::span<const Language> languages, TextQuery& query)
      : analyzer_(analyzer), languages_(languages), query_(query) {}

  void add(const Piece& piece) {
    if (piece.is_prefix && add_prefix(piece)) return;
    const bool is_excluded = piece.role == Piece::Role::kExcluded;
    std::vector<Word> words;
    for (Word& word : words_of(piece)) {
      const bool has_room = add_terms(piece, word);
      if (!is_primary(word.kind)) continue;
      // Words on both sides of one that is ignored do not stand side by side.
      if (!has_room && is_excluded) return;
      if (!has_room && piece.is_phrase) break;
      if (has_room) words.push_back(std::move(word));
    }
    if (words.empty()) return;
    if (piece.is_phrase && words.size() > 1) {
      add_phrase(words, is_excluded);
      if (is_excluded) return;  // having the words somewhere is not having the phrase
    }
    if (is_excluded) {
      add_excluded(words);
    } else if (piece.is_phrase || piece.role == Piece::Role::kRequired) {
      for (const Word& word : words) require(word.places);
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

  // Of a sentence, what its words are related to. REQUIRES: all pieces were added.
  void add_related() {
    if (silent_.empty() || english_.size() > kRelatedWordsMax) return;
    size_t room = kRelatedTermsMax;
    for (const uint32_t place : english_) {
      const std::string term = query_.terms[place].term;
      const double weight = query_.terms[place].weight * kRelatedWeight;
      for (const std::string_view stem : related_stems(term)) {
        const auto at = static_cast<uint32_t>(query_.terms.size());
        if (room == 0 || is_function_word(stem) || !places_.emplace(stem, at).second) continue;
        query_.terms.push_back({.term = std::string(stem), .weight = weight, .related_to = place});
        --room;
      }
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
    std::optional<size_t> english = {};  // which of the terms is a word's in English
  };

  std::vector<Word> words_of(const Piece& piece) {
    std::vector<Word> words;
    for (const Language language : languages_) {
      analyzer_.set_language(language);
      const auto tokens = analyse(analyzer_, piece.text, kQueryTermsMax);
      for (size_t i = 0; i < tokens.size(); ++i) {  // as many in each language
        const AnalysedToken& token = tokens[i];
        if (i == words.size())
          words.push_back({{}, {}, token.kind, token.begin, token.end, false, {}});
        words[i].terms.push_back(token.term);
      }
    }
    const auto english = std::find(languages_.begin(), languages_.end(), Language::kEnglish);
    for (Word& word : words) {
      if (english == languages_.end()) continue;
      const bool is_word = word.kind == TokenKind::kWord;
      if (is_word || (word.kind == TokenKind::kPart && is_hyphenated(piece.text))) {
        word.english = static_cast<size_t>(english - languages_.begin());
      }
      if (is_word) add_english(piece, word);
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
    if (tells && word.english && !piece.is_phrase && piece.role == Piece::Role::kOptional) {
      english_.insert(word.places[*word.english]);
    }
    if (has_several) ++next_word_;
    return true;
  }

  void require(const std::vector<uint32_t>& group) {
    if (required_.insert(group).second) query_.required.push_back(group);
  }

  void add_phrase(const std::vector<Word>& words, bool is_excluded) {
    Phrase phrase{{}, {}, is_excluded};
    uint32_t end = 0;
    for (const Word& word : words) {
      phrase.words.push_back(word.terms);
      phrase.overlaps.push_back(word.begin < end);
      end = word.end;
    }
    const bool is_known =
        std::find(query_.phrases.begin(), query_.phrases.end(), phrase) != query_.phrases.end();
    if (is_known || query_.phrases.size() == kQueryPhrasesMax) return;
    query_.phrases.push_back(std::move(phrase));
    for (size_t i = 1; i < words.size() && !is_excluded; ++i) {
      query_.adjacent.push_back({words[i - 1].places, words[i].places});
    }
  }

  // A document has all of its own language.
  void add_excluded(const std::vector<Word>& words) {
    for (size_t i = 0; i < languages_.size() && query_.excluded.size() < kQueryTermsMax; ++i) {
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
    const Prefix prefix{folded, piece.role == Piece::Role::kRequired,
                        piece.role == Piece::Role::kExcluded};
    const auto& known = query_.prefixes;
    const bool is_known = std::find(known.begin(), known.end(), prefix) != known.end();
    if (!is_known && known.size() < kQueryPrefixesMax) query_.prefixes.push_back(prefix);
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
  std::set<std::vector<uint32_t>> required_;
  std::set<uint32_t> telling_;  // places of words that say what is asked for
  std::set<uint32_t> silent_;   // and of function words
  std::set<uint32_t> english_;  // of those that tell, as English words, what may be had instead
};

}  // namespace

TextQuery parse_query(Analyzer& analyzer, std::string_view text,
                      std::span<const Language> languages, bool with_related) {
  TextQuery query;
  Builder builder(analyzer, languages, query);
  for (const Piece& piece : apply_operators(Splitter(text).split())) builder.add(piece);
  builder.finish();
  if (with_related) builder.add_related();
  return query;
}

}  // namespace holdfast::search
