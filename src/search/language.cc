#include "search/language.h"

#include <algorithm>

namespace holdfast::search {
namespace {

constexpr LanguageInfo kLanguages[] = {
    {"en", "english", true},   {"ar", "arabic", false},    {"ca", "catalan", true},
    {"da", "danish", true},    {"de", "german", true},     {"el", "greek", false},
    {"es", "spanish", true},   {"eu", "basque", true},     {"fi", "finnish", true},
    {"fr", "french", true},    {"ga", "irish", true},      {"hi", "hindi", false},
    {"hu", "hungarian", true}, {"hy", "armenian", false},  {"id", "indonesian", true},
    {"it", "italian", true},   {"lt", "lithuanian", true}, {"ne", "nepali", false},
    {"nl", "dutch", true},     {"no", "norwegian", true},  {"pt", "portuguese", true},
    {"ro", "romanian", true},  {"ru", "russian", false},   {"sr", "serbian", false},
    {"sv", "swedish", true},   {"ta", "tamil", false},     {"tr", "turkish", true},
    {"yi", "yiddish", false},
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool is_same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::span<const LanguageInfo> languages() {
  return kLanguages;
}

std::optional<Language> find_language(std::string_view code_or_name) {
  for (size_t i = 0; i < std::size(kLanguages); ++i) {
    if (is_same(code_or_name, kLanguages[i].code) || is_same(code_or_name, kLanguages[i].name)) {
      return static_cast<Language>(i);
    }
  }
  return std::nullopt;
}

}  // namespace holdfast::search
