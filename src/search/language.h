// Languages: those whose words can be brought to their stems (Snowball's), by their codes.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast::search {

// A place in languages(); never stored, codes are.
enum class Language : uint8_t { kEnglish = 0 };

struct LanguageInfo {
  std::string_view code;  // ISO 639-1
  std::string_view name;  // in English and lower case, as Snowball calls it
  bool is_latin;          // written in Latin letters; else words in ASCII are taken for English
};

// English first, then by code.
std::span<const LanguageInfo> languages();
inline const LanguageInfo& info_of(Language language) {
  return languages()[static_cast<size_t>(language)];
}
// By its code or its name, in any case.
std::optional<Language> find_language(std::string_view code_or_name);

}  // namespace holdfast::search
