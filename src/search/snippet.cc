#include "search/snippet.h"

#include <algorithm>
#include <unordered_map>

namespace holdfast::search {
namespace {

constexpr size_t kLookBehindMatchMax = 64 << 10;
constexpr size_t kPlacesMax = 1024;

struct Place {
  uint32_t begin;
  uint32_t end;
  uint32_t term;
  TokenKind kind;
};

std::vector<Place> find_places(Analyzer& analyzer, std::string_view source,
                               std::span<const QueryTerm> terms) {
  std::unordered_map<std::string_view, uint32_t> wanted;
  std::vector<std::string_view> looked_for;
  for (uint32_t i = 0; i < terms.size(); ++i) {
    wanted.emplace(terms[i].term, i);
    looked_for.push_back(terms[i].term);
  }
  analyzer.look_for(looked_for, Analyzer::Others::kMissing);
  std::vector<Place> places;
  bool has_pair = false;
  analyzer.analyze(source, [&](const Token& token) {
    if (const auto found = wanted.find(token.term); found != wanted.end()) {
      places.push_back({token.begin, token.end, found->second, token.kind});
      has_pair = has_pair || token.kind == TokenKind::kPair;
    }
    const bool is_far = !places.empty() && token.begin > places.front().begin + kLookBehindMatchMax;
    return !is_far && places.size() < kPlacesMax;
  });
  analyzer.look_for_all();
  if (has_pair) {  // single characters would colour every other word that contains one
    std::erase_if(places, [](const Place& p) { return p.kind == TokenKind::kCharacter; });
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.begin < b.begin; });
  return places;
}

struct Span {
  size_t begin = 0;
  size_t end = 0;
};

// The stretch of at most `size_max` bytes (or one place) whose distinct terms weigh most; of equals
// the shortest, then the first.
Span best_span(const std::vector<Place>& places, std::span<const QueryTerm> terms,
               size_t size_max) {
  Span best;
  double best_score = -1;
  std::vector<size_t> seen_from(terms.size(), SIZE_MAX);
  for (size_t first = 0; first < places.size(); ++first) {
    double score = 0;
    Span span{places[first].begin, places[first].end};
    for (size_t i = first; i < places.size(); ++i) {
      const Place& place = places[i];
      if (i > first && place.end > span.begin + size_max) break;
      if (seen_from[place.term] == first) continue;
      seen_from[place.term] = first;
      score += terms[place.term].score;
      span.end = std::max<size_t>(span.end, place.end);
    }
    const bool is_shorter = score == best_score && span.end - span.begin < best.end - best.begin;
    if (score > best_score || is_shorter) {
      best_score = score;
      best = span;
    }
  }
  return best;
}

bool is_character_begin(std::string_view text, size_t at) {
  return at >= text.size() || (static_cast<uint8_t>(text[at]) & 0xc0) != 0x80;
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// Moves a window's edge, at most `reach` bytes, forward to behind a space, so that it begins with a
// whole word; at least to a character's beginning.
size_t snap_begin(std::string_view text, size_t at, size_t limit) {
  if (at == 0) return 0;
  for (size_t i = at; i < limit; ++i) {
    if (is_space(text[i - 1])) return i;
  }
  while (at < limit && !is_character_begin(text, at)) ++at;
  return at;
}

size_t snap_end(std::string_view text, size_t at, size_t limit) {
  if (at >= text.size()) return text.size();
  for (size_t i = at; i > limit; --i) {
    if (is_space(text[i])) return i;
  }
  while (at > limit && !is_character_begin(text, at)) --at;
  return at;
}

// Replaces control characters, byte for byte.
void make_harmless(std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) text[i] = ' ';
    const bool is_c1 =
        byte == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0;
    if (is_c1) text[i] = text[i + 1] = ' ';
  }
}

}  // namespace

Snippet make_snippet(Analyzer& analyzer, std::string_view source, std::span<const QueryTerm> terms,
                     size_t size_max) {
  const std::vector<Place> places = find_places(analyzer, source, terms);
  const Span core = best_span(places, terms, size_max);
  Snippet snippet;
  snippet.matched = !places.empty();
  const size_t spare = size_max - std::min(size_max, core.end - core.begin);
  size_t begin = core.begin - std::min(core.begin, spare / 3);
  const size_t end = std::min(source.size(), std::max(core.end, begin + size_max));
  if (end - begin < size_max) begin = end - std::min(end, size_max);  // the end of the text
  begin = snap_begin(source, begin, std::max(begin, core.begin));
  const size_t text_end = snap_end(source, end, std::max(core.end, begin));

  snippet.offset = begin;
  snippet.text = std::string(source.substr(begin, text_end - begin));
  make_harmless(snippet.text);
  for (const Place& place : places) {
    if (place.begin < begin || place.end > text_end) continue;
    const auto from = static_cast<uint32_t>(place.begin - begin);
    const auto to = static_cast<uint32_t>(place.end - begin);
    if (!snippet.highlights.empty() && from <= snippet.highlights.back().end) {
      snippet.highlights.back().end = std::max(snippet.highlights.back().end, to);
    } else {
      snippet.highlights.push_back({from, to});
    }
  }
  return snippet;
}

}  // namespace holdfast::search
