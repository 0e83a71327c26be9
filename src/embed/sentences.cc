#include "embed/sentences.h"

namespace holdfast::embed {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
constexpr size_t kWordsMin = 4;

bool is_space(char byte) {
  return kSpace.find(byte) != std::string_view::npos;
}

// Whether a sentence ends behind text[at].
bool ends_behind(std::string_view text, size_t at) {
  const char byte = text[at];
  const bool is_last = at + 1 == text.size();
  if (byte == '\n') return !is_last && text[at + 1] == '\n';
  return (byte == '.' || byte == '!' || byte == '?') && (is_last || is_space(text[at + 1]));
}

size_t words_in(std::string_view text) {
  size_t words = 0;
  bool is_in_word = false;
  for (const char byte : text) {
    words += !is_space(byte) && !is_in_word ? 1 : 0;
    is_in_word = !is_space(byte);
  }
  return words;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

std::vector<std::string_view> sentences_of(std::string_view text, size_t count_max) {
  std::vector<std::string_view> sentences;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && !ends_behind(text, i)) continue;
    const std::string_view sentence = trimmed(text.substr(begin, i + 1 - begin));
    begin = i + 1;
    if (sentence.empty()) continue;
    const bool is_new = words_in(sentence) >= kWordsMin && sentences.size() < count_max;
    if (sentences.empty() || is_new) {
      sentences.push_back(sentence);
    } else {
      const char* const first = sentences.back().data();
      sentences.back() = {first, static_cast<size_t>(sentence.data() + sentence.size() - first)};
    }
  }
  return sentences;
}

}  // namespace holdfast::embed
