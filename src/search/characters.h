// Characters: the Unicode knowledge of text analysis: classes, and the folding under which words
// that people take for the same become the same bytes.
//
// Who: search/ only. Thread-safety: pure functions.
// Invariants:
//   1. fold_word(fold_word(x)) == fold_word(x).
//   2. Nothing here depends on the locale. A change of the result changes every stored index: then
//      raise kTextFormat (search/text_record.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::search {

enum class CharacterClass : uint8_t {
  kSeparator,
  kUpper,  // letters that have a lower case
  kLower,  // all other letters of scripts that put spaces between words
  kDigit,
  kMark,       // combining: belongs to the character before
  kFormat,     // soft hyphen, joiners: invisible inside a word
  kConnector,  // joins words to an identifier: _ - . / : @ '
  kHan,        // Han, kana, bopomofo, yi: no spaces between words
  kHangul,
  kIndochinese,  // Thai, Lao, Khmer, Myanmar: no spaces between words
};

// A decoded character of `size` bytes; malformed bytes come one by one as separators.
struct Character {
  uint32_t code = 0;
  uint32_t size = 0;
  CharacterClass character_class = CharacterClass::kSeparator;
};

constexpr size_t kAsciiSize = 128;
extern const std::array<CharacterClass, kAsciiSize> kAsciiClasses;
// As character_at, for what begins beyond ASCII.
Character character_beyond_ascii(std::string_view text);

// The character at the front of `text`. REQUIRES: not empty.
inline Character character_at(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < kAsciiSize) return {first, 1, kAsciiClasses[first]};
  return character_beyond_ascii(text);
}

// Appends it as UTF-8. REQUIRES: the code of a character.
void append_character(uint32_t code, std::string& out);

// Whether the class is written without spaces, so that text is cut into single characters and
// pairs.
inline bool is_spaceless(CharacterClass c) {
  return c == CharacterClass::kHan || c == CharacterClass::kHangul ||
         c == CharacterClass::kIndochinese;
}

// Whether a character continues the spaceless character before it (a vowel sign, a voicing mark, a
// conjoining jamo) rather than beginning another.
bool continues_cluster(const Character& character);

// Appends `word` folded: compatibility forms and case folded (NFKC_Casefold), accents of Latin,
// Greek, Cyrillic, Hebrew and Arabic removed, invisible characters dropped, and whatever is neither
// letter, mark, digit nor ASCII connector after that.
void fold_word(std::string_view word, std::string& out);
// The same with accents and special letters as they are, for what knows the words of a language.
void fold_but_accents(std::string_view word, std::string& out);

}  // namespace holdfast::search
