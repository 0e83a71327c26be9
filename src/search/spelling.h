// Spelling: which terms are spelt nearly as a word is, found in a sorted dictionary without looking
// at all of it.
//
// An edit puts in, leaves out or changes a letter, or swaps two neighbours; of what was swapped
// nothing is changed again (optimal string alignment). Near is one edit, of words of eight letters
// and more two; both begin with the same letter, which is hardly ever mistyped, or the one with the
// first two letters of the other swapped: else `name` would be read as `same`.
//
// Who: search/ only. Thread-safety: none.
// Invariants:
//   1. The rows are those of the letters taken so far, as if the term had been looked at alone.
//   2. Between the term that was looked at last and what skip_to() says no string is near.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::search {

constexpr uint32_t kEditsMax = 2;

// Whether a term may be taken for a misspelt word: letters only, of scripts with spaces, four or
// more.
bool is_spelling(std::string_view term);

// Looks at terms that ascend, each of which shares the work of those before it.
class SpellingWalk {
 public:
  // REQUIRES: is_spelling(word); edits is 1 or 2.
  SpellingWalk(std::string_view word, uint32_t edits);

  // Whether `edits` can be made in the word at all.
  static bool allows(std::string_view word, uint32_t edits);

  // Edits between the word and the term, if they are not more than allowed. REQUIRES: UTF-8.
  std::optional<uint32_t> look_at(std::string_view term);
  // Where the next string is that may be near, behind all that begin as the last term does;
  // nullopt: nowhere. REQUIRES: the last term was given up before its end.
  std::optional<std::string> skip_to() const;
  bool gave_up() const { return gave_up_; }

 private:
  using Row = std::vector<uint8_t>;

  const Row& row(size_t depth) const { return rows_[depth]; }
  bool is_alive(const Row& row) const;
  // Whether that letter may follow letters_[0, depth): what does not depend on the edits.
  bool may_follow(size_t depth, char32_t letter) const;
  // The row of letters_[0, depth) and `letter`.
  Row next_row(size_t depth, char32_t letter) const;
  // The least letter behind `letter` that may follow letters_[0, depth).
  std::optional<char32_t> next_letter(size_t depth, char32_t letter) const;

  std::u32string word_;
  std::u32string sorted_letters_;  // of the word, each once
  const uint32_t edits_;
  std::u32string letters_;  // of the term, as far as it was looked at
  std::vector<Row> rows_;   // edits between these and the beginnings of the word; one more
  bool gave_up_ = false;
};

}  // namespace holdfast::search
