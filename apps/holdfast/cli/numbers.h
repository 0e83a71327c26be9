// Numbers on the command line: of decimal digits, and in the range of what holds them. CLI11 itself
// reads "010" as 8, takes "-1" for the greatest number of an unsigned type, and what is beyond a
// type's range for its end.
//
// Its templates find these overloads only if they are declared before them: nobody includes CLI.hpp
// but by this file.
#pragma once

#if defined(CLI11_VERSION) && !defined(HOLDFAST_CLI_NUMBERS)
#error "include cli/numbers.h instead of CLI/CLI.hpp"
#endif
#define HOLDFAST_CLI_NUMBERS  // a precompiled header forgets the pragma

#include <string>

namespace CLI::detail {

bool lexical_cast(const std::string& text, int& number);
bool lexical_cast(const std::string& text, unsigned& number);
bool lexical_cast(const std::string& text, long& number);
bool lexical_cast(const std::string& text, unsigned long& number);
bool lexical_cast(const std::string& text, unsigned short& number);
bool lexical_cast(const std::string& text, float& number);
bool lexical_cast(const std::string& text, double& number);

}  // namespace CLI::detail

#include <CLI/CLI.hpp>

namespace holdfast::cli {

// What the number should have been that this thread refused since the last call; empty: none was.
std::string take_wanted_number();

// A number above 0. Unlike CLI::PositiveNumber it does not name the greatest double.
CLI::Validator above_zero();

}  // namespace holdfast::cli
