#include "search/text_query.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

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
  Builder(Analyzer& analyzer, TextQuery& query) : analyzer_(analyzer), query_(query) {}

  void add(const Piece& piece) {
    if (piece.is_prefix && add_prefix(piece)) return;
    const auto tokens = analyse(analyzer_, piece.text, kQueryTermsMax);
    const bool is_excluded = piece.role == Piece::Role::kExcluded;
    std::vector<uint32_t> primary;
    std::vector<std::string> words;
    std::vector<bool> overlaps;
    uint32_t end = 0;
    for (const AnalysedToken& token : tokens) {
      const bool is_typed = token.kind == TokenKind::kWord || token.kind == TokenKind::kPart;
      const auto term = add_term({.term = token.term,
                                  .weight = is_excluded ? 0 : weight_of(token.kind),
                                  .may_be_misspelt = is_typed && !piece.is_phrase && !is_excluded});
      if (!term || !is_primary(token.kind)) continue;
      primary.push_back(*term);
      words.push_back(token.term);
      overlaps.push_back(token.begin < end);
      end = token.end;
    }
    if (primary.empty()) return;
    if (piece.is_phrase && words.size() > 1) {
      query_.phrases.push_back({std::move(words), std::move(overlaps), is_excluded});
      if (is_excluded) return;  // having the words somewhere is not having the phrase
    }
    if (is_excluded) query_.excluded.push_back(primary);
    if (piece.is_phrase || piece.role == Piece::Role::kRequired) {
      if (!is_excluded) {
        for (const uint32_t term : primary) query_.required.push_back({term});
      }
    }
  }

 private:
  // False: what is before the star is no beginning of a word.
  bool add_prefix(const Piece& piece) {
    std::string folded;
    fold_word(piece.text, folded);
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
  TextQuery& query_;
  std::unordered_map<std::string, uint32_t> places_;
};

// Whether the words stand one after the other among those tokens that do not repeat others; pairs
// of one run overlap.
bool has_phrase(const std::vector<AnalysedToken>& tokens, const Phrase& phrase) {
  std::vector<const AnalysedToken*> primary;
  for (const AnalysedToken& token : tokens) {
    if (is_primary(token.kind)) primary.push_back(&token);
  }
  const auto fits = [&](size_t at, size_t i) {
    if (primary[at]->term != phrase.words[i]) return false;
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

TextQuery parse_query(Analyzer& analyzer, std::string_view text) {
  TextQuery query;
  Builder builder(analyzer, query);
  for (const Piece& piece : apply_operators(Splitter(text).split())) builder.add(piece);
  return query;
}

bool matches_phrases(Analyzer& analyzer, const std::vector<Phrase>& phrases,
                     const std::vector<std::string_view>& texts) {
  if (phrases.empty()) return true;
  std::vector<bool> found(phrases.size());
  for (const std::string_view text : texts) {
    const auto tokens = analyse(analyzer, text, SIZE_MAX);
    for (size_t i = 0; i < phrases.size(); ++i) {
      found[i] = found[i] || has_phrase(tokens, phrases[i]);
    }
  }
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (found[i] == phrases[i].is_excluded) return false;
  }
  return true;
}

}  // namespace holdfast::search
