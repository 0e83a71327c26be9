// Reading and writing the keys of one observation, and naming it; shared by observations and
// recall. Beside those of keys.h:
//
// | key                                | value                                                    |
// |------------------------------------|----------------------------------------------------------|
// | 08 4b space label:u64 ~id:16       | index: empty; label is the hash of field and value       |
// | 08 4c space ~id:16                 | forgotten: its row                                       |
// | 08 4d space id:16 revision:u32 'r' | history: the row before that edit; 'c': its long content |
// | 08 4e space source:16 derived:16   | provenance: empty                                        |
// | 08 4f space                        | settings                                                 |
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "memory/access.h"
#include "memory/observation_row.h"
#include "search/analysis.h"
#include "search/keyspace.h"
#include "search/language.h"
#include "search/manifest.h"

namespace holdfast::memory {

// Everything that an observation writes, computed before its transaction begins: analysing text
// takes longer than committing it.
struct PreparedObservation {
  Uuid id;
  Observation observation;
  std::string text_record;
  std::vector<Redaction> redactions;  // of the content
};

// Without its secrets. Errors: as of check_observation, for what it then is.
Result<PreparedObservation> prepare_observation(search::Analyzer& analyzer,
                                                const NewObservation& observation,
                                                const Stamp& stamp,
                                                const ObservationSettings& settings);
// In which it is analysed: that of a stored one, or of one to be added to a space of English.
search::Language language_of(const NewObservation& observation);
std::string encode_text(search::Analyzer& analyzer, const NewObservation& observation);
// The labels by which recall filters.
std::vector<std::string> facets_of(const NewObservation& observation);
// Takes the secrets out of every text of it; those of the content are appended to `found`.
void redact_observation(NewObservation& observation, const RedactionOptions& options,
                        std::vector<Redaction>* found);

// Takes out what stands between the marks of a digest. Errors: InvalidArgument: nothing is left.
Status leave_out_recalled(std::string& content);

// Errors: NotFound: one is derived from what is not there; InvalidArgument: the embedding is not of
// the model of "main". Nothing has been written then.
Status write_observation(search::KeyTarget& target, uint32_t space_id,
                         const PreparedObservation& prepared);

// A row as it is stored, live or forgotten; without content when that is long.
struct StoredRow {
  DecodedRow row;
  bool is_forgotten = false;
};
// Errors: ConditionFalse: it is forgotten.
Status check_live(const StoredRow& stored);
Result<std::optional<StoredRow>> read_row(search::KeySource& source, uint32_t space_id,
                                          const Uuid& id);
Status put_row(search::KeyTarget& target, uint32_t space_id, const Uuid& id, const StoredRow& row);
// The row, and all by which a live one is found: the text index, the index entries, its key.
Status put_findable(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                    const StoredRow& row, std::string_view text_record);
Status drop_findable(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                     const StoredRow& row);
// Out of everything by which a live one is found; what is forgotten stays so.
Status forget_stored(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                     StoredRow& stored, int64_t now_us);
// Of what is found by text, when a live one changes from `before` to `after`, both with content.
Status replace_text(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                    const NewObservation& before, const NewObservation& after);
// False when there is none of that id, live or forgotten.
Result<bool> erase_observation(search::KeyTarget& target, uint32_t space_id, const Uuid& id);

// The least of `own` and of the effective trust of `sources`. Errors: NotFound.
Result<double> effective_trust(search::KeySource& source, uint32_t space_id,
                               std::optional<double> own, const std::vector<std::string>& sources);
// The same for one that is stored: a source that is gone by now counts as the trust it left behind.
Result<double> effective_trust_of(search::KeySource& source, uint32_t space_id,
                                  const Observation& observation);
// The effective trust of `id` has changed: so does that of what is derived from it. Errors:
// TooLarge (kTrustFollowedMax).
Status follow_trust(search::KeyTarget& target, uint32_t space_id, const Uuid& id);

Result<ObservationSettings> read_settings(search::KeySource& source, uint32_t space_id);
Status write_settings(search::KeyTarget& target, uint32_t space_id,
                      const ObservationSettings& settings);

// The id of the observation that was added with `key`.
Result<std::optional<Uuid>> find_key(search::KeySource& source, uint32_t space_id,
                                     std::string_view key);

// nullopt when there is none of that id. With its content; without its embedding, unless asked for.
Result<std::optional<Observation>> read_observation(search::KeySource& source, uint32_t space_id,
                                                    const Uuid& id, bool with_embedding);
// Reads the content that a row leaves out; as a hint where `peeks`. Errors: Corruption when it is
// missing.
Status complete_content(search::KeySource& source, uint32_t space_id, const Uuid& id,
                        DecodedRow& row, bool peeks = false);

// Ids of live observations behind `after`, oldest first, as a hint.
Result<std::vector<Uuid>> ids_behind(search::KeySource& source, uint32_t space_id,
                                     const Uuid& after, size_t limit);

// Ids between two: what a prefix in text names, or a span of time covers.
struct IdSpan {
  Uuid first;
  Uuid last;  // inclusive
};

// Errors: InvalidArgument (not hexadecimal, fewer than 8 or more than 32 digits).
Result<IdSpan> parse_id_prefix(std::string_view text);
// The id that `text`, an id or a unique prefix, names. Errors: as Observations::get.
Result<Uuid> resolve_id(search::KeySource& source, uint32_t space_id, std::string_view text,
                        std::string_view space_path);
Status no_such_observation(std::string_view text, std::string_view space_path);

// Ids of all observations with created_us in [since_us, until_us), and some of the same
// milliseconds; nullopt when there can be none.
std::optional<IdSpan> ids_between(std::optional<int64_t> since_us, std::optional<int64_t> until_us);

inline bool is_between(int64_t created_us, std::optional<int64_t> since_us,
                       std::optional<int64_t> until_us) {
  return (!since_us || created_us >= *since_us) && (!until_us || created_us < *until_us);
}

inline search::DocumentId document_of(const Uuid& id) {
  return search::document_id(id.view());
}

// The facet (search/text_record.h) of a field with a value.
inline std::string facet(std::string_view field, std::string_view value) {
  return std::string(field).append("=").append(value);
}

}  // namespace holdfast::memory
