#include "search/frequencies.h"

#include "search/segment.h"
#include "search/segment_terms.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

// Of the records under `prefix`, adds one or takes one away: unsigned numbers wrap, and back.
Status count_records(KeySource& source, const std::string& prefix, uint64_t each,
                     Frequencies& frequencies) {
  bool is_sound = true;
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(prefix), [&](std::string_view, std::string_view value) {
        TextRecord record(value);
        while (record.next()) {
          const auto known = frequencies.find(record.term());
          if (known != frequencies.end()) known->second += each;
        }
        return is_sound = !record.is_malformed();
      }));
  return is_sound ? Status::ok() : malformed_index("a text record");
}

}  // namespace

Status count_live(KeySource& source, const IndexKeys& keys, const Manifest& manifest,
                  Frequencies& frequencies) {
  std::vector<std::string_view> terms;
  for (auto& [term, frequency] : frequencies) {
    terms.emplace_back(term);
    frequency = 0;
  }
  TermReader reader(source, keys);
  for (const SegmentInfo& segment : manifest.segments) {
    HOLDFAST_ASSIGN(const auto lists, reader.open(segment.id, terms));
    size_t i = 0;
    for (auto& [term, frequency] : frequencies) {
      const uint64_t count = lists[i++].count();
      if (count == 0) continue;
      frequency += count;
      HOLDFAST_ASSIGN(const uint64_t dead, read_dead_count(source, keys, segment, term));
      frequency -= dead;
    }
  }
  HOLDFAST_TRY(count_records(source, keys.fresh(), 1, frequencies));
  return count_records(source, keys.dropped(), UINT64_MAX, frequencies);
}

Result<uint64_t> count_documents(KeySource& source, const IndexKeys& keys,
                                 const Manifest& manifest) {
  uint64_t documents = 0;
  for (const SegmentInfo& segment : manifest.segments) {
    documents += segment.documents - segment.dead;
  }
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(keys.fresh()), [&](std::string_view, std::string_view) {
        ++documents;
        return true;
      }));
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(keys.dropped()), [&](std::string_view, std::string_view) {
        --documents;
        return true;
      }));
  return documents;
}

}  // namespace holdfast::search
