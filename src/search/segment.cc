#include "search/segment.h"

#include <algorithm>
#include <bit>
#include <map>

#include "base/check.h"
#include "base/coding.h"
#include "search/postings.h"
#include "search/text_record.h"

namespace holdfast::search {
namespace {

uint32_t bucket_count(const SegmentInfo& segment) {
  return std::bit_ceil(std::clamp(segment.documents / 256, 1u, 256u));
}

constexpr size_t kDeadCountSize = 12;

}  // namespace

Status write_ids(KeyTarget& target, const IndexKeys& keys, uint32_t segment, uint32_t first,
                 std::span<const DocumentId> ids) {
  CHECK(first % kIdsPerBlock == 0);
  for (uint32_t block = first / kIdsPerBlock; !ids.empty(); ++block) {
    const auto some = ids.first(std::min<size_t>(ids.size(), kIdsPerBlock));
    std::string bytes;
    for (const DocumentId& id : some) bytes.append(view_of(id));
    HOLDFAST_TRY(target.put(keys.ids(segment, block), bytes));
    ids = ids.subspan(some.size());
  }
  return Status::ok();
}

Result<DocumentId> read_id(KeySource& source, const IndexKeys& keys, uint32_t segment,
                           uint32_t ordinal) {
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.ids(segment, ordinal / kIdsPerBlock)));
  const size_t at = size_t{ordinal % kIdsPerBlock} * kDocumentIdSize;
  if (!bytes || bytes->size() < at + kDocumentIdSize) return malformed_index("ids are missing");
  return document_id(std::string_view(*bytes).substr(at, kDocumentIdSize));
}

Result<std::vector<DocumentId>> read_ids(KeySource& source, const IndexKeys& keys,
                                         const SegmentInfo& segment) {
  std::vector<DocumentId> ids;
  ids.reserve(segment.documents);
  const KeyRange range = prefix_range(keys.segment(segment.id) + 'i');
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view, std::string_view value) {
    for (size_t at = 0; at + kDocumentIdSize <= value.size(); at += kDocumentIdSize) {
      ids.push_back(document_id(value.substr(at, kDocumentIdSize)));
    }
    return true;
  }));
  if (ids.size() != segment.documents) return malformed_index("ids are missing");
  return ids;
}

Result<uint32_t> lower_ordinal(KeySource& source, const IndexKeys& keys, const SegmentInfo& segment,
                               std::string_view id) {
  if (id <= view_of(segment.first)) return 0u;
  if (id > view_of(segment.last)) return segment.documents;
  // Of ordinals below `low` the ids are smaller, of those from `high` on they are not.
  uint32_t low = 0;
  uint32_t high = segment.documents;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const uint32_t block = middle / kIdsPerBlock;
    HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.ids(segment.id, block)));
    const uint32_t first = block * kIdsPerBlock;
    const uint32_t count = std::min(kIdsPerBlock, segment.documents - first);
    const bool is_sound = bytes && bytes->size() == size_t{count} * kDocumentIdSize;
    if (!is_sound) return malformed_index("ids are missing");
    uint32_t smaller = 0;
    while (smaller < count &&
           std::string_view(*bytes).substr(smaller * kDocumentIdSize, kDocumentIdSize) < id) {
      ++smaller;
    }
    if (smaller > 0 && smaller < count) return first + smaller;
    if (smaller == 0) high = first;
    if (smaller == count) low = first + count;
  }
  return low;
}

Result<std::vector<uint64_t>> read_dead(KeySource& source, const IndexKeys& keys,
                                        const SegmentInfo& segment) {
  std::vector<uint64_t> bits;
  if (segment.dead == 0) return bits;
  bits.resize((segment.documents + 63) / 64);
  bool is_sound = true;
  const std::string prefix = keys.segment(segment.id) + 'k';
  HOLDFAST_TRY(
      source.peek_scan(prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        const std::string_view number = key.substr(prefix.size());
        is_sound = number.size() == 4 && value.size() == kDocumentsPerDeadChunk / 8;
        if (!is_sound) return false;
        const uint32_t chunk = __builtin_bswap32(load_le<uint32_t>(number.data()));
        const size_t first = size_t{chunk} * (kDocumentsPerDeadChunk / 64);
        for (size_t i = 0; i < value.size() / 8 && first + i < bits.size(); ++i) {
          bits[first + i] = load_le<uint64_t>(value.data() + 8 * i);
        }
        return true;
      }));
  if (!is_sound) return malformed_index("the marks of the dead");
  return bits;
}

Result<std::optional<uint32_t>> find_live(KeySource& source, const IndexKeys& keys,
                                          const SegmentInfo& segment,
                                          const std::vector<uint64_t>& dead, const DocumentId& id) {
  std::optional<uint32_t> found;
  if (id < segment.first || id > segment.last) return found;
  HOLDFAST_ASSIGN(const uint32_t ordinal, lower_ordinal(source, keys, segment, view_of(id)));
  if (ordinal == segment.documents) return found;
  const bool is_dead = !dead.empty() && (dead[ordinal / 64] >> ordinal % 64 & 1) != 0;
  if (is_dead) return found;
  HOLDFAST_ASSIGN(const DocumentId there, read_id(source, keys, segment.id, ordinal));
  if (there == id) found = ordinal;
  return found;
}

Result<uint64_t> read_dead_count(KeySource& source, const IndexKeys& keys,
                                 const SegmentInfo& segment, std::string_view term) {
  if (segment.dead == 0) return uint64_t{0};
  const uint64_t hash = hash_term_64(term);
  const auto bucket = static_cast<uint32_t>(hash & (bucket_count(segment) - 1));
  HOLDFAST_ASSIGN(const auto bytes, source.peek(keys.dead_counts(segment.id, bucket)));
  if (!bytes) return uint64_t{0};
  size_t low = 0;
  size_t high = bytes->size() / kDeadCountSize;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const char* const at = bytes->data() + middle * kDeadCountSize;
    if (load_le<uint64_t>(at) == hash) return uint64_t{load_le<uint32_t>(at + 8)};
    if (load_le<uint64_t>(at) < hash) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return uint64_t{0};
}

namespace {

Status mark_dead(KeyTarget& target, const IndexKeys& keys, const SegmentInfo& segment,
                 std::span<const Death> deaths) {
  for (size_t i = 0; i < deaths.size();) {
    const uint32_t chunk = deaths[i].ordinal / kDocumentsPerDeadChunk;
    const std::string key = keys.dead_bits(segment.id, chunk);
    HOLDFAST_ASSIGN(auto bytes, target.peek(key));
    std::string bits = bytes.value_or(std::string(kDocumentsPerDeadChunk / 8, '\0'));
    if (bits.size() != kDocumentsPerDeadChunk / 8) return malformed_index("the marks of the dead");
    for (; i < deaths.size() && deaths[i].ordinal / kDocumentsPerDeadChunk == chunk; ++i) {
      const uint32_t bit = deaths[i].ordinal % kDocumentsPerDeadChunk;
      char& byte = bits[bit / 8];
      if (byte & 1 << bit % 8) return malformed_index("a document died twice");
      byte = static_cast<char>(byte | 1 << bit % 8);
    }
    HOLDFAST_TRY(target.put(key, bits));
  }
  return Status::ok();
}

Status add_dead_counts(KeyTarget& target, const std::string& key,
                       std::map<uint64_t, uint32_t> counts) {
  HOLDFAST_ASSIGN(const auto bytes, target.peek(key));
  const std::string before = bytes.value_or("");
  for (size_t at = 0; at + kDeadCountSize <= before.size(); at += kDeadCountSize) {
    counts[load_le<uint64_t>(before.data() + at)] += load_le<uint32_t>(before.data() + at + 8);
  }
  std::string out;
  for (const auto& [hash, count] : counts) {
    char entry[kDeadCountSize];
    store_le(entry, hash);
    store_le(entry + 8, count);
    out.append(entry, kDeadCountSize);
  }
  return target.put(key, out);
}

}  // namespace

Status write_deaths(KeyTarget& target, const IndexKeys& keys, SegmentInfo& segment,
                    std::span<const Death> deaths) {
  HOLDFAST_TRY(mark_dead(target, keys, segment, deaths));
  std::map<uint32_t, std::map<uint64_t, uint32_t>> buckets;
  for (const Death& death : deaths) {
    TextRecord record(death.record);
    while (record.next()) {
      const uint64_t hash = hash_term_64(record.term());
      ++buckets[static_cast<uint32_t>(hash & (bucket_count(segment) - 1))][hash];
    }
    if (record.is_malformed()) return malformed_index("a text record");
    segment.length -= length_of_code(length_code(record.length()));
  }
  for (auto& [bucket, counts] : buckets) {
    HOLDFAST_TRY(add_dead_counts(target, keys.dead_counts(segment.id, bucket), std::move(counts)));
  }
  segment.dead += static_cast<uint32_t>(deaths.size());
  return Status::ok();
}

}  // namespace holdfast::search
