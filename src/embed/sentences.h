// Sentences: the parts of a text that are embedded by themselves.
//
// Who: embed/. Thread-safety: pure.
#pragma once

#include <string_view>
#include <vector>

namespace holdfast::embed {

// A sentence ends with a full stop, a question mark or an exclamation mark before white space, and
// with an empty line. One of fewer than four words belongs to the one before it. What is behind the
// first `count_max` belongs to the last. Of a text of white space there is none.
std::vector<std::string_view> sentences_of(std::string_view text, size_t count_max);

}  // namespace holdfast::embed
