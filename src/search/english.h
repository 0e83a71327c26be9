// English: what is known of its words beside their stems: forms that follow no rule, and words that
// tell nothing of what is asked.
//
// Who: search/ only. Thread-safety: pure functions.
// Only queries are treated with it, so a change here leaves stored indexes as they are.
#pragma once

#include <string_view>
#include <vector>

namespace holdfast::search {

// The other words of the verb or noun of which one is a form: "buy" for "bought", "mice" for
// "mouse"; what has several meanings of which one is frequent ("left", "ground") has none. Words
// are folded.
std::vector<std::string_view> other_forms(std::string_view word);

// Articles, pronouns, prepositions, auxiliaries and the like.
bool is_function_word(std::string_view word);

}  // namespace holdfast::search
