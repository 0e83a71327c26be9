// The escape sequences of roff, turned into the characters that a terminal would show.
// Who: the roff reader. A value; one thread at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::documents {

// Strings that the page defines with .ds, by name.
using RoffStrings = std::map<std::string, std::string, std::less<>>;

// Fonts, sizes, motions and comments vanish; special characters become UTF-8.
std::string unescape_roff(std::string_view line, const RoffStrings& strings);

// The arguments of a macro: separated by spaces, "quoted ones" keep theirs. Still escaped.
std::vector<std::string> split_roff_arguments(std::string_view line);

}  // namespace holdfast::documents
