// What may be done about bytes that are not UTF-8. Who: documents/reader.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast::documents {

// Bytes that no text holds: NUL, or many control characters.
bool looks_binary(std::string_view bytes);

// The encoding that the first lines name ("coding: ISO-8859-1"), in lower case, or empty.
std::string declared_encoding(std::string_view text);

// `text` as UTF-8 if it is Latin-1: declared so, or undeclared with high bytes only where Western
// words have them. nullopt where any doubt is left: nothing is ever garbled by a guess.
std::optional<std::string> latin1_to_utf8(std::string_view text);

}  // namespace holdfast::documents
