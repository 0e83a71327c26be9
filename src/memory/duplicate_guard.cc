#include "memory/duplicate_guard.h"

#include <cmath>

#include "memory/keys.h"
#include "memory/text_check.h"
#include "search/text_record.h"

namespace holdfast::memory {
namespace {

constexpr size_t kRecentMax = 1'000;

// Of the terms of two records; both hold them ascending.
double similarity(const search::TextRecord& a, const search::TextRecord& b) {
  uint32_t i = 0;
  uint32_t j = 0;
  uint32_t both = 0;
  while (i < a.term_count && j < b.term_count) {
    const uint32_t left = a.term(i);
    const uint32_t right = b.term(j);
    both += left == right ? 1 : 0;
    i += left <= right ? 1 : 0;
    j += right <= left ? 1 : 0;
  }
  const uint32_t any = a.term_count + b.term_count - both;
  return any == 0 ? 0 : static_cast<double>(both) / any;
}

// 1 minus the cosine; 2, the farthest there is, where vectors cannot be compared.
double distance(const Embedding& a, const Embedding& b) {
  constexpr double kFarthest = 2;
  if (a.model != b.model || a.model_version != b.model_version) return kFarthest;
  if (a.values.size() != b.values.size()) return kFarthest;
  double dot = 0;
  double left = 0;
  double right = 0;
  for (size_t i = 0; i < a.values.size(); ++i) {
    dot += static_cast<double>(a.values[i]) * b.values[i];
    left += static_cast<double>(a.values[i]) * a.values[i];
    right += static_cast<double>(b.values[i]) * b.values[i];
  }
  if (left == 0 || right == 0) return kFarthest;
  return 1 - dot / std::sqrt(left * right);
}

Result<bool> is_duplicate(search::KeySource& source, uint32_t space_id, const Uuid& id,
                          const DecodedRow& row, const PreparedObservation& prepared,
                          const DuplicateGuard& guard) {
  const Observation& mine = prepared.observation;
  if (!row.has_long_content && row.observation.content == mine.content) return true;
  HOLDFAST_ASSIGN(const auto bytes, source.peek(space_key(KeyKind::kText, space_id, id.view())));
  const std::string record = bytes.value_or("");  // theirs is a view of it
  const auto theirs = search::decode_text_record(record);
  const auto own = search::decode_text_record(prepared.text_record);
  if (theirs && own && similarity(*theirs, *own) >= guard.similarity_min) return true;
  if (!row.has_embedding || !mine.embedding) return false;
  HOLDFAST_ASSIGN(const auto stored,
                  source.peek(space_key(KeyKind::kEmbedding, space_id, id.view())));
  HOLDFAST_ASSIGN(const Embedding embedding, decode_embedding(id, stored.value_or("")));
  return distance(embedding, *mine.embedding) <= guard.distance_max;
}

}  // namespace

Status check_guard(const DuplicateGuard& guard) {
  const bool is_share = guard.similarity_min > 0 && guard.similarity_min <= 1;
  const bool is_distance = guard.distance_max >= 0 && guard.distance_max <= 2;
  if (!is_share || !is_distance) {
    return Status(StatusCode::kInvalidArgument,
                  "similarity_min must be over 0 and at most 1, distance_max 0 to 2");
  }
  return check_limit(guard.recent, kRecentMax);
}

Result<std::optional<Uuid>> find_duplicate(search::KeySource& source, uint32_t space_id,
                                           const PreparedObservation& prepared,
                                           const DuplicateGuard& guard) {
  const std::string prefix = space_prefix(KeyKind::kRow, space_id);
  std::optional<Uuid> found;
  Status failure;
  size_t seen = 0;
  HOLDFAST_TRY(source.peek_scan(
      search::prefix_range(prefix), [&](std::string_view key, std::string_view value) {
        Uuid id;
        const std::string bytes = complement(key.substr(prefix.size()));
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
        auto row = decode_row(id, value);
        failure = row.status();
        if (!row) return false;
        const auto same = is_duplicate(source, space_id, id, *row, prepared, guard);
        failure = same.status();
        if (same && *same) found = id;
        return failure && !found && ++seen < guard.recent;
      }));
  HOLDFAST_TRY(failure);
  return found;
}

}  // namespace holdfast::memory
