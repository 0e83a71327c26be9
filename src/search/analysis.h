// Analyzer: cuts text into the terms under which it is found. The same for what is stored and for
// what is asked.
//
// Who: search/ and memory/. Thread-safety: one thread at a time per Analyzer (it owns a stemmer);
//   analyzers are independent.
// Rules:
//   1. Words are runs of letters, marks and digits; terms are folded (search/characters.h), and
//      those of letters only are stemmed (Snowball): in English those of ASCII letters; in another
//      language all, before their accents are folded, but those of ASCII letters in English where
//      the language has another script. Stop words are kept; BM25 weighs them.
//   2. Words joined by _ - . / : @ ' are an identifier: it is emitted whole (`foo_bar-12.cc`,
//      `v1.2.3`, `c++`), by path component (`src/log/file.cc` -> `file.cc`), and in parts, which
//      are cut again at camelCase and between letters and digits (`getHTTPResponse` -> get http
//      response; `E0413` -> e0413, 0413).
//   3. Scripts without spaces are cut into single characters and overlapping pairs; a run ends
//   where
//      the script changes, so an ASCII word glued to Han text is found.
//   4. A term has 1 to kTermSizeMax bytes; longer ones are cut at a character.
//   5. Offsets are bytes of the given text. Tokens come with ascending begin, except that an
//      identifier comes before its parts. The language changes terms alone: tokens of one text are
//      as many, in the same places, in all.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/characters.h"
#include "search/language.h"

struct sb_stemmer;

namespace holdfast::search {

constexpr size_t kTermSizeMax = 64;
// Of what an Analyzer gives in other languages than English; for that see kTextFormat.
constexpr uint8_t kLanguagesFormat = 1;

enum class TokenKind : uint8_t {
  kWord,       // a plain word, or a lone character of a spaceless script
  kWhole,      // an identifier as written
  kPart,       // a component of an identifier
  kCharacter,  // one character of a longer spaceless run
  kPair,       // two neighbouring characters of such a run
};

struct Token {
  std::string_view term;  // holds until the visitor returns
  uint32_t begin = 0;
  uint32_t end = 0;
  TokenKind kind = TokenKind::kWord;
};

// Returns false to stop.
using TokenVisitor = std::function<bool(const Token&)>;

class Analyzer {
 public:
  Analyzer();
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  // In which language words are stemmed from now on; English at first.
  void set_language(Language language);
  Language language() const { return language_; }

  // For who looks at terms with few first bytes only: of English, what begins with another byte of
  // ASCII may come unstemmed from now on, or not at all. No stem begins otherwise than its word.
  enum class Others : uint8_t { kUnstemmed, kMissing };
  void look_for(std::span<const std::string_view> terms, Others others);
  void look_for_all() { initials_.set(); }

  // REQUIRES: text shorter than 4 GiB. Malformed UTF-8 separates words.
  void analyze(std::string_view text, const TokenVisitor& visit);

 private:
  struct Unit {  // one character of the identifier in hand
    uint32_t begin;
    uint32_t end;
    CharacterClass character_class;
    char ascii;  // 0 when not ASCII
  };

  size_t plain_word_end(size_t at) const;
  void emit_plain_word(size_t begin, size_t end);
  size_t collect_identifier(size_t at);
  bool extend_connector(Unit& unit) const;
  size_t take_suffix(size_t at);
  void emit_identifier();
  void emit_piece(size_t first, size_t last, bool alone);
  void emit_components();
  size_t emit_spaceless_run(size_t at);
  // Whether what begins with this byte is looked for, or may be.
  bool may_be_initial(char byte) const;
  // Emits text_[begin, end) folded and, if it is a word, stemmed.
  void emit(uint32_t begin, uint32_t end, TokenKind kind);
  std::string_view stem(sb_stemmer* stemmer, std::string_view word);
  std::string_view stem_english(std::string_view word);
  // The term of a word in another language than English, in folded_.
  void fold_in_language(std::string_view word);

  struct StemmerDeleter {
    void operator()(sb_stemmer* stemmer) const;
  };
  using Stemmer = std::unique_ptr<sb_stemmer, StemmerDeleter>;
  Stemmer english_;
  std::map<Language, Stemmer> others_;  // that were needed so far
  Language language_ = Language::kEnglish;
  sb_stemmer* stemmer_;  // of the language

  std::bitset<kAsciiSize> initials_;  // that terms looked for begin with
  Others others_are_ = Others::kUnstemmed;
  std::string_view text_;
  const TokenVisitor* visit_ = nullptr;
  bool stopped_ = false;
  std::vector<Unit> units_;
  uint32_t suffix_end_ = 0;
  std::string folded_;
  std::string accented_;
};

}  // namespace holdfast::search
