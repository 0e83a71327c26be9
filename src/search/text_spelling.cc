#include "search/text_spelling.h"

#include <algorithm>
#include <map>

#include "search/analysis.h"
#include "search/frequencies.h"
#include "search/segment_terms.h"
#include "search/spelling.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

constexpr size_t kEditedEndSize = 6;
constexpr size_t kEndingSizeMin = 3;

using NearTerms = std::map<std::string, uint32_t, std::less<>>;  // by term: edits

void look_at(SpellingWalk& walk, std::string_view term, NearTerms& near) {
  const auto edits = walk.look_at(term);
  if (!edits || !is_spelling(term)) return;
  const auto [known, is_new] = near.emplace(term, *edits);
  known->second = std::min(known->second, *edits);
}

Status find_near(KeySource& source, const IndexKeys& keys, const Manifest& manifest,
                 SpellingWalk& walk, NearTerms& near) {
  bool is_sound = true;
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(keys.fresh()), [&](std::string_view, std::string_view value) {
        TextRecord record(value);
        while (record.next()) {
          if (!record.is_facet()) look_at(walk, record.term(), near);
        }
        return is_sound = !record.is_malformed();
      }));
  if (!is_sound) return malformed_index("a text record");
  TermReader reader(source, keys);
  for (const SegmentInfo& segment : manifest.segments) {
    HOLDFAST_TRY(reader.skim(segment.id, [&](std::string_view term) {
      look_at(walk, term, near);
      return walk.gave_up() ? walk.skip_to() : std::optional<std::string>("");
    }));
  }
  return Status::ok();
}

// Every word that one edit among the last letters makes of it.
template <typename Visit>
void for_each_edited(const std::string& word, const Visit& visit) {
  const size_t size = word.size();
  for (size_t at = size - std::min(size - 1, kEditedEndSize); at <= size; ++at) {
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      visit(std::string(word).insert(at, 1, letter));
      if (at < size) visit(std::string(word).replace(at, 1, 1, letter));
    }
    if (at < size) visit(std::string(word).erase(at, 1));
    if (at + 1 < size) {
      std::string swapped = word;
      std::swap(swapped[at], swapped[at + 1]);
      visit(swapped);
    }
  }
}

// An edit in an ending keeps the stemmer from taking it off ("connectoin"): the stems there are
// with one edit, if that takes an ending off.
void add_stems(const std::string& word, NearTerms& near) {
  const bool is_ascii = std::all_of(word.begin(), word.end(), [](char c) { return c > 0; });
  if (!is_ascii) return;
  Analyzer analyzer;
  for_each_edited(word, [&](const std::string& edited) {
    analyzer.analyze(edited, [&](const Token& token) {
      if (token.term.size() + kEndingSizeMin <= edited.size()) near.emplace(token.term, 1);
      return false;
    });
  });
}

}  // namespace

Result<std::vector<Reading>> read_misspelt(KeySource& source, const IndexKeys& keys,
                                           const Manifest& manifest,
                                           std::span<const std::string> forms) {
  std::vector<Reading> readings;
  for (uint32_t edits = 1; edits <= kEditsMax && readings.empty(); ++edits) {
    NearTerms near;
    for (const std::string& form : forms) {
      if (!SpellingWalk::allows(form, edits)) continue;
      if (edits == 1) add_stems(form, near);
      SpellingWalk walk(form, edits);
      HOLDFAST_TRY(find_near(source, keys, manifest, walk, near));
    }
    Frequencies frequencies;
    for (const auto& [term, of_term] : near) frequencies[term] = 0;
    HOLDFAST_TRY(count_live(source, keys, manifest, frequencies));
    for (const auto& [term, frequency] : frequencies) {
      if (frequency > 0) readings.push_back({term, near.at(term), frequency});
    }
  }
  std::sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
    return a.frequency != b.frequency ? a.frequency > b.frequency : a.term < b.term;
  });
  readings.resize(std::min(readings.size(), kReadingsMax));
  return readings;
}

}  // namespace holdfast::search
