#include "search/text_spelling.h"

#include <algorithm>
#include <map>

#include "search/segment.h"
#include "search/spelling.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

// Terms that are near, with the documents that have them: fresh ones so far.
using NearTerms = std::map<std::string, Reading, std::less<>>;

void look_at(SpellingWalk& walk, std::string_view term, uint64_t documents, NearTerms& near) {
  const auto edits = walk.look_at(term);
  if (!edits || !is_spelling(term)) return;
  Reading& reading = near[std::string(term)];
  reading.edits = *edits;
  reading.frequency += documents;
}

Status find_fresh(KeySource& source, const IndexKeys& keys, SpellingWalk& walk, NearTerms& near) {
  bool is_sound = true;
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(keys.fresh()), [&](std::string_view, std::string_view value) {
        TextRecord record(value);
        while (record.next()) {
          if (!record.is_facet()) look_at(walk, record.term(), 1, near);
        }
        return is_sound = !record.is_malformed();
      }));
  return is_sound ? Status::ok() : malformed_index("a text record");
}

Status find_folded(KeySource& source, const IndexKeys& keys, uint32_t segment, SpellingWalk& walk,
                   NearTerms& near) {
  return skim_terms(source, keys, segment, [&](std::string_view term) {
    look_at(walk, term, 0, near);
    return walk.gave_up() ? walk.skip_to() : std::optional<std::string>("");
  });
}

// Adds the documents of segments that are not dead, and takes away those that were dropped:
// unsigned numbers wrap, and back.
Status count_folded(KeySource& source, const IndexKeys& keys, const Manifest& manifest,
                    NearTerms& near) {
  for (auto& [term, reading] : near) {
    for (const SegmentInfo& segment : manifest.segments) {
      HOLDFAST_ASSIGN(const TermPostings list, TermPostings::open(source, keys, segment.id, term));
      reading.frequency += list.count();
      if (list.count() == 0) continue;
      HOLDFAST_ASSIGN(const uint64_t dead, read_dead_count(source, keys, segment, term));
      reading.frequency -= dead;
    }
  }
  return source.peek_scan(prefix_range(keys.dropped()),
                          [&](std::string_view, std::string_view value) {
                            for (TextRecord record(value); record.next();) {
                              const auto known = near.find(record.term());
                              if (known != near.end()) --known->second.frequency;
                            }
                            return true;
                          });
}

}  // namespace

Result<std::vector<Reading>> read_misspelt(KeySource& source, const IndexKeys& keys,
                                           const Manifest& manifest, std::string_view term) {
  std::vector<Reading> readings;
  for (uint32_t edits = 1; SpellingWalk::allows(term, edits) && readings.empty(); ++edits) {
    SpellingWalk walk(term, edits);
    NearTerms near;
    HOLDFAST_TRY(find_fresh(source, keys, walk, near));
    for (const SegmentInfo& segment : manifest.segments) {
      HOLDFAST_TRY(find_folded(source, keys, segment.id, walk, near));
    }
    HOLDFAST_TRY(count_folded(source, keys, manifest, near));
    for (auto& [name, reading] : near) {
      reading.term = name;
      if (reading.frequency > 0) readings.push_back(std::move(reading));
    }
  }
  std::sort(readings.begin(), readings.end(), [](const Reading& a, const Reading& b) {
    return a.frequency != b.frequency ? a.frequency > b.frequency : a.term < b.term;
  });
  readings.resize(std::min(readings.size(), kReadingsMax));
  return readings;
}

}  // namespace holdfast::search
