#include "search/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

namespace holdfast::search {
namespace {

struct ClassRange {
  uint32_t first;
  uint32_t last;
  CharacterClass character_class;
};

// Scripts that are cut into characters and pairs. Sorted by `first`.
constexpr ClassRange kSpacelessRanges[] = {
    {0x0e01, 0x0e4e, CharacterClass::kIndochinese},  // Thai
    {0x0e81, 0x0ece, CharacterClass::kIndochinese},  // Lao
    {0x1000, 0x103f, CharacterClass::kIndochinese},  // Myanmar
    {0x1050, 0x109d, CharacterClass::kIndochinese},  // Myanmar, more
    {0x1100, 0x11ff, CharacterClass::kHangul},       // conjoining jamo
    {0x1780, 0x17d3, CharacterClass::kIndochinese},  // Khmer
    {0x3005, 0x3007, CharacterClass::kHan},          // iteration mark, zero
    {0x3021, 0x3029, CharacterClass::kHan},          // Hangzhou digits
    {0x3041, 0x30ff, CharacterClass::kHan},          // hiragana, katakana
    {0x3105, 0x312f, CharacterClass::kHan},          // bopomofo
    {0x3131, 0x318e, CharacterClass::kHangul},       // compatibility jamo
    {0x31a0, 0x31bf, CharacterClass::kHan},          // bopomofo extended
    {0x31f0, 0x31ff, CharacterClass::kHan},          // katakana extended
    {0x3400, 0x4dbf, CharacterClass::kHan},          // extension A
    {0x4e00, 0x9fff, CharacterClass::kHan},          // unified ideographs
    {0xa000, 0xa48c, CharacterClass::kHan},          // Yi
    {0xa960, 0xa97c, CharacterClass::kHangul},       // jamo extended A
    {0xac00, 0xd7fb, CharacterClass::kHangul},       // syllables, jamo extended B
    {0xf900, 0xfaff, CharacterClass::kHan},          // compatibility ideographs
    {0xff66, 0xff9f, CharacterClass::kHan},          // half-width katakana
    {0xffa0, 0xffdc, CharacterClass::kHangul},       // half-width jamo
    {0x1aff0, 0x1b16f, CharacterClass::kHan},        // kana supplements
    {0x20000, 0x3ffff, CharacterClass::kHan},        // extensions B and later
};

constexpr CharacterClass ascii_class(uint8_t c) {
  if (c >= 'a' && c <= 'z') return CharacterClass::kLower;
  if (c >= 'A' && c <= 'Z') return CharacterClass::kUpper;
  if (c >= '0' && c <= '9') return CharacterClass::kDigit;
  constexpr std::string_view kConnectors = "_-./:@'";
  return kConnectors.find(static_cast<char>(c)) != std::string_view::npos
             ? CharacterClass::kConnector
             : CharacterClass::kSeparator;
}

}  // namespace

constexpr std::array<CharacterClass, kAsciiSize> kAsciiClasses = [] {
  std::array<CharacterClass, kAsciiSize> classes{};
  for (size_t c = 0; c < kAsciiSize; ++c) classes[c] = ascii_class(static_cast<uint8_t>(c));
  return classes;
}();

namespace {

// The ASCII form of typographic connectors; 0 for all else.
char plain_connector(uint32_t code) {
  switch (code) {
    case 0x2018:
    case 0x2019:
    case 0xff07:
      return '\'';
    case 0x2010:
    case 0x2011:
    case 0xff0d:
      return '-';
    case 0xff3f:
      return '_';
    default:
      return 0;
  }
}

CharacterClass class_by_category(uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return CharacterClass::kUpper;
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterClass::kLower;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterClass::kDigit;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharacterClass::kMark;
    case UTF8PROC_CATEGORY_CF:
      return code == 0x200b ? CharacterClass::kSeparator : CharacterClass::kFormat;
    default:
      return CharacterClass::kSeparator;
  }
}

CharacterClass class_of(uint32_t code) {
  if (plain_connector(code) != 0) return CharacterClass::kConnector;
  const CharacterClass by_category = class_by_category(code);
  if (by_category == CharacterClass::kSeparator) return by_category;
  const auto* const after =
      std::upper_bound(std::begin(kSpacelessRanges), std::end(kSpacelessRanges), code,
                       [](uint32_t c, const ClassRange& range) { return c < range.first; });
  if (after == std::begin(kSpacelessRanges)) return by_category;
  const ClassRange& range = *(after - 1);
  return code <= range.last ? range.character_class : by_category;
}

// Accents and vowel points that searching ignores. Marks of other scripts are letters in effect
// (Indic vowels, kana voicing, Thai tones) and stay.
bool is_accent(uint32_t code) {
  return (code >= 0x0300 && code <= 0x036f) || (code >= 0x0591 && code <= 0x05c7) ||
         (code >= 0x0610 && code <= 0x061a) || (code >= 0x064b && code <= 0x065f) ||
         code == 0x0640 || code == 0x0670 || (code >= 0x06d6 && code <= 0x06ed) ||
         (code >= 0x1ab0 && code <= 0x1aff) || (code >= 0x1dc0 && code <= 0x1dff) ||
         (code >= 0x20d0 && code <= 0x20ff) || (code >= 0xfe00 && code <= 0xfe0f) ||
         (code >= 0xfe20 && code <= 0xfe2f);
}

// Latin letters whose stroke or ligature Unicode does not decompose.
std::string_view plain_letters(uint32_t code) {
  switch (code) {
    case 0x00e6:
      return "ae";
    case 0x00f0:
    case 0x0111:
      return "d";
    case 0x00f8:
      return "o";
    case 0x00fe:
      return "th";
    case 0x0127:
      return "h";
    case 0x0131:
      return "i";
    case 0x0142:
      return "l";
    case 0x0153:
      return "oe";
    case 0x0167:
      return "t";
    default:
      return {};
  }
}

bool is_kept(uint32_t code) {
  if (code < kAsciiSize) {
    return kAsciiClasses[code] != CharacterClass::kSeparator || code == '+' || code == '#';
  }
  return class_by_category(code) != CharacterClass::kSeparator &&
         class_by_category(code) != CharacterClass::kFormat;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < kAsciiSize; });
}

char lower_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// `word` decomposed and case-folded as code points.
std::vector<utf8proc_int32_t> decompose(std::string_view word) {
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                           UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const auto* const bytes = reinterpret_cast<const utf8proc_uint8_t*>(word.data());
  const auto size = static_cast<utf8proc_ssize_t>(word.size());
  std::vector<utf8proc_int32_t> codes(word.size() + 16);
  utf8proc_ssize_t count = utf8proc_decompose(
      bytes, size, codes.data(), static_cast<utf8proc_ssize_t>(codes.size()), kOptions);
  if (count > static_cast<utf8proc_ssize_t>(codes.size())) {
    codes.resize(static_cast<size_t>(count));
    count = utf8proc_decompose(bytes, size, codes.data(), count, kOptions);
  }
  codes.resize(count < 0 ? 0 : static_cast<size_t>(count));  // malformed: folds to nothing
  return codes;
}

}  // namespace

void append_character(uint32_t code, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

Character character_beyond_ascii(std::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  utf8proc_int32_t code = -1;
  const utf8proc_ssize_t size =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4)), &code);
  if (size <= 0) return {first, 1, CharacterClass::kSeparator};
  return {static_cast<uint32_t>(code), static_cast<uint32_t>(size),
          class_of(static_cast<uint32_t>(code))};
}

bool continues_cluster(const Character& character) {
  const uint32_t code = character.code;
  if (character.character_class == CharacterClass::kMark) return true;
  if (code >= 0x1160 && code <= 0x11ff) return true;  // vowels and finals of conjoining jamo
  if (code >= 0xd7b0 && code <= 0xd7fb) return true;  // the same, extended
  if (code == 0xff9e || code == 0xff9f) return true;  // half-width voicing marks
  if (code < 0x0e00) return false;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

namespace {

void fold(std::string_view word, bool keeps_accents, std::string& out) {
  if (is_ascii(word)) {
    for (const char c : word) {
      if (is_kept(static_cast<uint8_t>(c))) out.push_back(lower_ascii(c));
    }
    return;
  }
  const std::vector<utf8proc_int32_t> decomposed = decompose(word);
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(decomposed.size() + 4);
  for (const utf8proc_int32_t code : decomposed) {
    const auto c = static_cast<uint32_t>(code);
    if (is_accent(c) && !keeps_accents) continue;
    const std::string_view letters = keeps_accents ? std::string_view() : plain_letters(c);
    if (const char plain = plain_connector(c)) {
      codes.push_back(plain);
    } else if (!letters.empty()) {
      codes.insert(codes.end(), letters.begin(), letters.end());
    } else if (is_kept(c)) {
      codes.push_back(code);
    }
  }
  if (codes.empty()) return;
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    append_character(static_cast<uint32_t>(codes[static_cast<size_t>(i)]), out);
  }
}

}  // namespace

void fold_word(std::string_view word, std::string& out) {
  fold(word, /*keeps_accents=*/false, out);
}

void fold_but_accents(std::string_view word, std::string& out) {
  fold(word, /*keeps_accents=*/true, out);
}

}  // namespace holdfast::search
