// JSON that somebody else has written: values of any depth can be parsed, but copying or printing
// one takes stack for each level of it.
//
// Thread-safety: pure function.
#pragma once

#include <cstddef>
#include <string_view>

#include "cli/output.h"

namespace holdfast::cli {

constexpr size_t kJsonDepthMax = 128;

// Discarded where `text` is no JSON in UTF-8, or is nested deeper than kJsonDepthMax.
Json parse_json(std::string_view text);

}  // namespace holdfast::cli
