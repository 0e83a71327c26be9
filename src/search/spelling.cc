#include "search/spelling.h"

#include <algorithm>

#include "base/check.h"
#include "search/characters.h"

namespace holdfast::search {
namespace {

constexpr size_t kSpelledLettersMin = 4;
constexpr size_t kTwoEditsLettersMin = 8;

std::u32string letters_of(std::string_view text) {
  std::u32string letters;
  while (!text.empty()) {
    const Character character = character_at(text);
    letters.push_back(character.code);
    text.remove_prefix(character.size);
  }
  return letters;
}

}  // namespace

bool is_spelling(std::string_view term) {
  size_t letters = 0;
  while (!term.empty()) {
    const Character character = character_at(term);
    const CharacterClass one = character.character_class;
    if (one == CharacterClass::kUpper || one == CharacterClass::kLower) {
      ++letters;
    } else if (one != CharacterClass::kMark) {
      return false;
    }
    term.remove_prefix(character.size);
  }
  return letters >= kSpelledLettersMin;
}

bool SpellingWalk::allows(std::string_view word, uint32_t edits) {
  return edits <= (letters_of(word).size() < kTwoEditsLettersMin ? 1 : kEditsMax);
}

SpellingWalk::SpellingWalk(std::string_view word, uint32_t edits)
    : word_(letters_of(word)), sorted_letters_(word_), edits_(edits) {
  CHECK(edits > 0 && edits <= kEditsMax && word_.size() > 1);
  std::sort(sorted_letters_.begin(), sorted_letters_.end());
  const auto end = std::unique(sorted_letters_.begin(), sorted_letters_.end());
  sorted_letters_.erase(end, sorted_letters_.end());
  Row& first = rows_.emplace_back();
  for (size_t i = 0; i <= word_.size(); ++i) {
    first.push_back(static_cast<uint8_t>(std::min<size_t>(i, UINT8_MAX)));
  }
}

bool SpellingWalk::may_follow(size_t depth, char32_t letter) const {
  if (depth == 0) return letter == word_[0] || letter == word_[1];
  return depth > 1 || letters_[0] == word_[0] || letter == word_[0];
}

bool SpellingWalk::is_alive(const Row& row) const {
  return std::any_of(row.begin(), row.end(), [this](uint8_t edits) { return edits <= edits_; });
}

SpellingWalk::Row SpellingWalk::next_row(size_t depth, char32_t letter) const {
  const Row& above = row(depth);
  Row next(word_.size() + 1);
  next[0] = static_cast<uint8_t>(above[0] + 1);
  for (size_t i = 1; i <= word_.size(); ++i) {
    const bool same = word_[i - 1] == letter;
    const int changed = above[i - 1] + (same ? 0 : 1);
    const int one_more = std::min(above[i], next[i - 1]) + 1;
    int least = std::min(changed, one_more);
    const bool swaps =
        i > 1 && depth > 0 && word_[i - 2] == letter && word_[i - 1] == letters_[depth - 1];
    if (swaps) least = std::min(least, row(depth - 1)[i - 2] + 1);
    next[i] = static_cast<uint8_t>(std::min<int>(least, UINT8_MAX));
  }
  return next;
}

std::optional<uint32_t> SpellingWalk::look_at(std::string_view term) {
  gave_up_ = false;
  size_t depth = 0;
  bool is_shared = true;
  while (!term.empty()) {
    const Character character = character_at(term);
    const char32_t letter = character.code;
    term.remove_prefix(character.size);
    is_shared = is_shared && depth < letters_.size() && letters_[depth] == letter;
    if (!is_shared) {
      letters_.resize(depth);
      rows_.resize(depth + 1);
      rows_.push_back(next_row(depth, letter));
      letters_.push_back(letter);
    }
    ++depth;
    gave_up_ = !is_alive(row(depth)) || !may_follow(depth - 1, letter);
    if (gave_up_) break;
  }
  letters_.resize(depth);
  rows_.resize(depth + 1);
  const bool begins_otherwise = depth == 1 && letters_[0] != word_[0];
  if (gave_up_ || begins_otherwise || row(depth).back() > edits_) return std::nullopt;
  return row(depth).back();
}

std::optional<char32_t> SpellingWalk::next_letter(size_t depth, char32_t letter) const {
  const Row& above = row(depth);
  const bool takes_any =
      std::any_of(above.begin(), above.end(), [this](uint8_t edits) { return edits < edits_; });
  const bool is_free = depth > 1 || (depth == 1 && letters_[0] == word_[0]);
  if (takes_any && is_free) return letter + 1;
  for (const char32_t next : sorted_letters_) {
    const bool fits = next > letter && may_follow(depth, next) && is_alive(next_row(depth, next));
    if (fits) return next;
  }
  return std::nullopt;
}

std::optional<std::string> SpellingWalk::skip_to() const {
  CHECK(gave_up_);
  for (size_t depth = letters_.size(); depth-- > 0;) {
    const auto letter = next_letter(depth, letters_[depth]);
    if (!letter) continue;
    std::string next;
    for (size_t i = 0; i < depth; ++i) append_character(letters_[i], next);
    append_character(*letter, next);
    return next;
  }
  return std::nullopt;
}

}  // namespace holdfast::search
