#include "search/text_fold.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/coding.h"
#include "search/manifest.h"
#include "search/neighbours.h"
#include "search/segment.h"
#include "search/segment_merge.h"
#include "search/segment_terms.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

struct StoredRecord {
  DocumentId id;
  std::string record;
};

// Those under `prefix`, by id. Each is read once more, so that whoever changes it conflicts.
Result<std::vector<StoredRecord>> take_records(KeyTarget& target, const std::string& prefix,
                                               const FoldOptions& options) {
  std::vector<StoredRecord> records;
  uint64_t bytes = 0;
  HOLDFAST_TRY(
      target.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view id = key.substr(prefix.size());
        if (id.size() != kDocumentIdSize) return true;
        records.push_back({document_id(id), {}});
        bytes += value.size();
        return records.size() < options.documents_max && bytes < options.bytes_max;
      }));
  for (StoredRecord& one : records) {
    HOLDFAST_ASSIGN(auto record, target.get(prefix + std::string(view_of(one.id))));
    if (!record) return malformed_index("a text record is gone");
    one.record = std::move(*record);
  }
  return records;
}

// --- Documents to a segment

struct Occurrence {
  uint64_t head;  // first bytes of the term, by which most comparisons are decided
  uint32_t offset;
  uint16_t size;
  Posting posting;
};

class Inverter {
 public:
  // Errors: Corruption.
  Status add(uint32_t ordinal, std::string_view bytes) {
    TextRecord record(bytes);
    const uint8_t code = length_code(record.length());
    while (record.next()) {
      const std::string_view term = record.term();
      all_.push_back({head_of(term),
                      static_cast<uint32_t>(arena_.size()),
                      static_cast<uint16_t>(term.size()),
                      {ordinal, record.count(), code, record.neighbours()}});
      arena_.append(term);
    }
    return record.is_malformed() ? malformed_record(bytes) : Status::ok();
  }

  Status write(SegmentWriter& writer) {
    sort();
    std::vector<Posting> postings;
    for (size_t i = 0; i < all_.size(); ++i) {
      postings.push_back(all_[i].posting);
      const bool goes_on = i + 1 < all_.size() && all_[i + 1].head == all_[i].head &&
                           term(all_[i + 1]) == term(all_[i]);
      if (goes_on) continue;
      HOLDFAST_TRY(writer.add(term(all_[i]), postings));
      postings.clear();
    }
    return writer.flush();
  }

 private:
  using Place = std::vector<Occurrence>::iterator;

  // By terms, then documents. Of many, those that begin with the same two bytes are brought
  // together first, so that what is left to compare is short.
  void sort() {
    constexpr size_t kManyMin = 4096;
    if (all_.size() < kManyMin) return sort(all_.begin(), all_.end());
    constexpr size_t kBeginnings = 1 << 16;
    const auto beginning = [](const Occurrence& one) { return one.head >> 48; };
    std::vector<uint32_t> ends(kBeginnings);
    for (const Occurrence& one : all_) ++ends[beginning(one)];
    std::partial_sum(ends.begin(), ends.end(), ends.begin());
    std::vector<Occurrence> sorted(all_.size());
    std::vector<uint32_t> begins = ends;
    for (auto one = all_.rbegin(); one != all_.rend(); ++one) {
      sorted[--begins[beginning(*one)]] = *one;
    }
    all_ = std::move(sorted);
    for (size_t i = 0; i < kBeginnings; ++i) {
      if (ends[i] - begins[i] > 1) sort(all_.begin() + begins[i], all_.begin() + ends[i]);
    }
  }
  void sort(Place begin, Place end) {
    std::sort(begin, end, [this](const Occurrence& a, const Occurrence& b) {
      if (a.head != b.head) return a.head < b.head;
      const int order =
          a.size <= 8 && b.size <= 8 ? int{a.size} - int{b.size} : term(a).compare(term(b));
      return order != 0 ? order < 0 : a.posting.ordinal < b.posting.ordinal;
    });
  }
  std::string_view term(const Occurrence& one) const {
    return std::string_view(arena_).substr(one.offset, one.size);
  }

  std::string arena_;
  std::vector<Occurrence> all_;
};

Status fold_fresh(KeyTarget& target, const IndexKeys& keys,
                  const std::vector<StoredRecord>& records, Manifest& manifest) {
  SegmentInfo segment;
  segment.id = manifest.next_segment++;
  segment.documents = static_cast<uint32_t>(records.size());
  segment.first = records.front().id;
  segment.last = records.back().id;
  Inverter inverter;
  std::vector<DocumentId> ids;
  for (uint32_t ordinal = 0; ordinal < records.size(); ++ordinal) {
    HOLDFAST_TRY(inverter.add(ordinal, records[ordinal].record));
    segment.length += length_of_code(length_code(TextRecord(records[ordinal].record).length()));
    ids.push_back(records[ordinal].id);
    HOLDFAST_TRY(target.del(keys.fresh(view_of(records[ordinal].id))));
  }
  HOLDFAST_TRY(write_ids(target, keys, segment.id, 0, ids));
  SegmentWriter writer(target, keys, segment.id);
  HOLDFAST_TRY(inverter.write(writer));
  manifest.segments.push_back(segment);
  return Status::ok();
}

// --- What was dropped

Status fold_dropped(KeyTarget& target, const IndexKeys& keys,
                    const std::vector<StoredRecord>& records, Manifest& manifest) {
  std::vector<bool> is_found(records.size());
  for (SegmentInfo& segment : manifest.segments) {
    HOLDFAST_ASSIGN(const auto dead, read_dead(target, keys, segment));
    std::vector<Death> deaths;
    for (size_t i = 0; i < records.size(); ++i) {
      if (is_found[i]) continue;
      HOLDFAST_ASSIGN(const auto ordinal, find_live(target, keys, segment, dead, records[i].id));
      if (!ordinal) continue;
      is_found[i] = true;
      deaths.push_back({*ordinal, records[i].record});
    }
    if (!deaths.empty()) HOLDFAST_TRY(write_deaths(target, keys, segment, deaths));
  }
  for (size_t i = 0; i < records.size(); ++i) {
    if (!is_found[i]) return malformed_index("a document that was dropped is in no segment");
    HOLDFAST_TRY(target.del(keys.dropped(view_of(records[i].id))));
  }
  return Status::ok();
}

// What is dropped waits while a merge numbers the documents, and what was put again after that
// waits with it.
Status keep_undropped(KeyTarget& target, const IndexKeys& keys, std::vector<StoredRecord>& fresh) {
  std::set<std::string> dropped;
  const std::string prefix = keys.dropped();
  HOLDFAST_TRY(target.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view) {
    dropped.emplace(key.substr(prefix.size()));
    return true;
  }));
  std::erase_if(fresh, [&](const StoredRecord& one) {
    return dropped.contains(std::string(view_of(one.id)));
  });
  return Status::ok();
}

Result<FoldStep> fold(KeyTarget& target, const IndexKeys& keys, const FoldOptions& options,
                      Manifest& manifest) {
  HOLDFAST_ASSIGN(const uint32_t fresh_count,
                  count_keys(target, keys.fresh(), options.documents_min));
  HOLDFAST_ASSIGN(const uint32_t dropped_count,
                  count_keys(target, keys.dropped(), options.documents_min));
  const bool takes_fresh = fresh_count >= options.documents_min;
  const bool takes_dropped =
      !manifest.merge && (takes_fresh ? dropped_count > 0 : dropped_count >= options.documents_min);
  if (!takes_fresh && !takes_dropped) return FoldStep::kIdle;
  if (takes_dropped) {
    HOLDFAST_ASSIGN(const auto dropped, take_records(target, keys.dropped(), options));
    HOLDFAST_TRY(fold_dropped(target, keys, dropped, manifest));
  }
  if (takes_fresh) {
    HOLDFAST_ASSIGN(auto fresh, take_records(target, keys.fresh(), options));
    HOLDFAST_TRY(keep_undropped(target, keys, fresh));
    if (fresh.empty() && !takes_dropped) return FoldStep::kIdle;
    if (!fresh.empty()) HOLDFAST_TRY(fold_fresh(target, keys, fresh, manifest));
  }
  HOLDFAST_TRY(target.put(keys.manifest(), encode_manifest(manifest)));
  return FoldStep::kDone;
}

}  // namespace

Result<bool> is_fold_due(KeySource& source, std::string_view prefix, const FoldOptions& options) {
  const IndexKeys keys(prefix);
  HOLDFAST_ASSIGN(const uint32_t fresh, count_keys(source, keys.fresh(), options.documents_min));
  if (fresh >= options.documents_min) return true;
  HOLDFAST_ASSIGN(const uint32_t dropped,
                  count_keys(source, keys.dropped(), options.documents_min));
  return dropped >= options.documents_min;
}

Result<FoldStep> fold_step(KeyTarget& target, std::string_view prefix, const FoldOptions& options) {
  const IndexKeys keys(prefix);
  HOLDFAST_ASSIGN(const auto bytes, target.get(keys.manifest()));
  Manifest manifest;
  if (bytes) {
    HOLDFAST_ASSIGN(manifest, decode_manifest(*bytes));
  }
  if (manifest.rebuild) return FoldStep::kIdle;
  HOLDFAST_ASSIGN(const FoldStep folded, fold(target, keys, options, manifest));
  if (folded == FoldStep::kDone) return folded;
  HOLDFAST_ASSIGN(const bool merged, merge_step(target, keys, manifest, options));
  return merged ? FoldStep::kDone : FoldStep::kIdle;
}

}  // namespace holdfast::search
