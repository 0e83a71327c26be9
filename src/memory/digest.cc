#include "holdfast/digest.h"

#include <algorithm>

#include "base/time_text.h"

namespace holdfast {
namespace {

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// On one line, and without marks of its own.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!is_control) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return broken_marks(out);
}

// The longest beginning of `text`, at whole characters, of at most `tokens_max` tokens.
std::string_view cut(std::string_view text, size_t tokens_max, const TokenCounter& count) {
  if (count(text) <= tokens_max) return text;
  size_t fits = 0;
  size_t exceeds = text.size();
  while (fits + 1 < exceeds) {
    const size_t middle = fits + (exceeds - fits) / 2;
    (count(text.substr(0, middle)) <= tokens_max ? fits : exceeds) = middle;
  }
  while (fits > 0 && continues_character(text[fits])) --fits;
  return text.substr(0, fits);
}

std::string line_of(const RecallHit& hit, const DigestOptions& options) {
  const Observation& observation = hit.observation;
  const int64_t when_us = observation.happened_us.value_or(observation.created_us);
  std::string line = "- [" + observation.id + ", " + time_text(when_us).substr(0, 10);
  if (observation.source) line += ", " + plain(*observation.source);
  if (observation.effective_trust != 1) {
    line += ", trust " + std::to_string(static_cast<int>(observation.effective_trust * 100)) + "%";
  }
  line += "] ";
  if (observation.title) line += plain(*observation.title) + ": ";
  const std::string content = plain(observation.content);
  if (options.tokens_each_max == 0) return line + content + "\n";
  const std::string_view kept = cut(content, options.tokens_each_max, options.count);
  return line + std::string(kept) + (kept.size() < content.size() ? "...\n" : "\n");
}

}  // namespace

size_t estimate_tokens(std::string_view text) {
  constexpr size_t kWordPiece = 3;
  size_t tokens = 0;
  size_t word = 0;  // letters and digits so far
  for (const char c : text) {
    if (is_letter_or_digit(c)) {
      if (word++ % kWordPiece == 0) ++tokens;
      continue;
    }
    word = 0;
    const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
    if (is_ascii ? c != ' ' : continues_character(c)) ++tokens;
  }
  return tokens;
}

RecallDigest make_digest(std::span<const RecallHit> hits, const DigestOptions& options) {
  RecallDigest digest;
  const std::string begin = std::string(kRecalledBegin) + "\n";
  const std::string end = std::string(kRecalledEnd) + "\n";
  std::string lines;
  for (const RecallHit& hit : hits) {
    std::string more = lines + line_of(hit, options);
    // The whole is counted, as tokens of parts do not add up to those of the whole.
    if (options.count(begin + more + end) > options.tokens_max) {
      ++digest.left_out;
      continue;
    }
    lines = std::move(more);
    digest.ids.push_back(hit.observation.id);
  }
  if (lines.empty()) return digest;
  digest.text = begin + lines + end;
  digest.tokens = options.count(digest.text);
  return digest;
}

std::string broken_marks(std::string_view text) {
  std::string out(text);
  for (const std::string_view mark : {kRecalledBegin, kRecalledEnd}) {
    for (size_t at = out.find(mark); at != out.npos; at = out.find(mark, at)) {
      out.insert(at + 1, " ");
    }
  }
  return out;
}

std::string without_recalled(std::string_view text) {
  std::string out;
  while (true) {
    const size_t begin = text.find(kRecalledBegin);
    out.append(text.substr(0, begin));
    if (begin == text.npos) return out;
    const size_t end = text.find(kRecalledEnd, begin);
    if (end == text.npos) return out;
    text.remove_prefix(end + kRecalledEnd.size());
    if (text.starts_with('\n')) text.remove_prefix(1);
  }
}

}  // namespace holdfast
