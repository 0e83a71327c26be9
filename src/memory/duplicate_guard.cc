#include "memory/duplicate_guard.h"

#include "memory/keys.h"
#include "memory/text_check.h"
#include "memory/vector_spaces.h"
#include "search/text_index.h"
#include "search/text_record.h"
#include "vector/codes.h"

namespace holdfast::memory {
namespace {

constexpr size_t kRecentMax = 1'000;

// False at the end, which a malformed record has at once.
bool next_word(search::TextRecord& record) {
  while (record.next()) {
    if (!record.is_facet()) return true;
  }
  return false;
}

// The text record of a live observation.
Result<std::string> record_of(search::KeySource& source, uint32_t space_id, const Uuid& id,
                              const DecodedRow& row) {
  HOLDFAST_ASSIGN(
      auto record,
      search::peek_record(source, space_prefix(KeyKind::kTextIndex, space_id), document_of(id)));
  if (record) return std::move(*record);
  DecodedRow whole = row;
  HOLDFAST_TRY(complete_content(source, space_id, id, whole, /*peeks=*/true));
  search::Analyzer analyzer;
  return encode_text(analyzer, whole.observation);
}

Result<bool> is_duplicate(search::KeySource& source, uint32_t space_id, const Uuid& id,
                          const DecodedRow& row, const PreparedObservation& prepared,
                          const std::string& vectors, const DuplicateGuard& guard) {
  const Observation& mine = prepared.observation;
  if (!row.has_long_content && row.observation.content == mine.content) return true;
  HOLDFAST_ASSIGN(const std::string theirs, record_of(source, space_id, id, row));
  if (similarity(theirs, prepared.text_record) >= guard.similarity_min) return true;
  if (vectors.empty()) return false;
  HOLDFAST_ASSIGN(const auto values, search::peek_vector(source, vectors, document_of(id)));
  if (values.size() != mine.embedding->values.size() * sizeof(float)) return false;
  const double cosine =
      vector::similarity(VectorMetric::cosine, mine.embedding->values, values.data());
  return 1 - cosine <= guard.distance_max;
}

}  // namespace

// Both hold their words ascending.
double similarity(std::string_view a, std::string_view b) {
  search::TextRecord left(a);
  search::TextRecord right(b);
  uint32_t both = 0;
  uint32_t any = 0;
  bool has_left = next_word(left);
  bool has_right = next_word(right);
  while (has_left || has_right) {
    ++any;
    const bool takes_left = has_left && (!has_right || left.term() <= right.term());
    const bool takes_right = has_right && (!has_left || right.term() <= left.term());
    both += takes_left && takes_right ? 1 : 0;
    if (takes_left) has_left = next_word(left);
    if (takes_right) has_right = next_word(right);
  }
  return any == 0 ? 0 : static_cast<double>(both) / any;
}

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
  std::string vectors;  // where those stand that are comparable
  if (prepared.observation.embedding) {
    HOLDFAST_ASSIGN(const auto main, find_definition(source, space_id, kMainVectorSpace));
    if (main && check_fits(*main, kMainVectorSpace, *prepared.observation.embedding)) {
      vectors = main->prefix(space_id);
    }
  }
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
        const auto same = is_duplicate(source, space_id, id, *row, prepared, vectors, guard);
        failure = same.status();
        if (same && *same) found = id;
        return failure && !found && ++seen < guard.recent;
      }));
  HOLDFAST_TRY(failure);
  return found;
}

}  // namespace holdfast::memory
