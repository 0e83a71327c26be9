#include "memory/observation_store.h"

#include "base/time_text.h"
#include "holdfast/digest.h"
#include "memory/content_parts.h"
#include "memory/fields.h"
#include "memory/keys.h"
#include "memory/link_rows.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_strength.h"
#include "memory/observation_tiers.h"
#include "memory/vector_spaces.h"
#include "search/text_index.h"
#include "search/text_languages.h"
#include "search/text_record.h"

namespace holdfast::memory {
namespace {

constexpr uint32_t kTitleWeight = 2;
constexpr uint32_t kTagWeight = 3;
constexpr size_t kIdDigits = 32;
constexpr size_t kIdPrefixDigitsMin = 8;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void set_digit(Uuid& id, size_t digit, int value) {
  uint8_t& byte = id.bytes[digit / 2];
  byte = static_cast<uint8_t>(digit % 2 == 0 ? value << 4 | (byte & 0x0f) : (byte & 0xf0) | value);
}

std::string forgotten_key(uint32_t space_id, const Uuid& id) {
  return space_key(KeyKind::kForgotten, space_id, complement(id.view()));
}

std::string derived_key(uint32_t space_id, const Uuid& source, const Uuid& derived) {
  return space_key(KeyKind::kDerived, space_id, source.view()).append(derived.view());
}

std::optional<Uuid> uuid_of(std::string_view bytes) {
  Uuid id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

Status ambiguous(std::string_view text, const std::vector<Uuid>& candidates) {
  std::string message = "\"" + std::string(text) + "\" is the beginning of several ids (";
  for (const Uuid& id : candidates) message += id.to_text() + ", ";
  return Status(StatusCode::kInvalidArgument, message + "...); give more digits");
}

}  // namespace

std::vector<std::string> facets_of(const NewObservation& observation) {
  std::vector<std::string> facets;
  if (observation.kind) facets.push_back(facet("kind", *observation.kind));
  if (observation.source) facets.push_back(facet("source", *observation.source));
  if (observation.session) facets.push_back(facet("session", *observation.session));
  if (observation.run) facets.push_back(facet("run", *observation.run));
  for (const std::string& tag : observation.tags) facets.push_back(facet("tag", tag));
  if (observation.language) facets.push_back(search::language_facet(language_of(observation)));
  return facets;
}

search::Language language_of(const NewObservation& observation) {
  if (!observation.language) return search::Language::kEnglish;
  return search::find_language(*observation.language).value_or(search::Language::kEnglish);
}

std::string encode_text(search::Analyzer& analyzer, const NewObservation& observation) {
  std::vector<search::TextField> fields = {{observation.content, 1}};
  if (observation.title) fields.push_back({*observation.title, kTitleWeight});
  for (const std::string& tag : observation.tags) fields.push_back({tag, kTagWeight});
  analyzer.set_language(language_of(observation));
  return search::encode_text_record(analyzer, fields, facets_of(observation));
}

void redact_observation(NewObservation& observation, const RedactionOptions& options,
                        std::vector<Redaction>* found) {
  if (!options.enabled) return;
  observation.content = redact(observation.content, options, found);
  for (std::optional<std::string>* text :
       {&observation.title, &observation.source, &observation.kind, &observation.session,
        &observation.run, &observation.key, &observation.metadata}) {
    if (*text) *text = redact(**text, options);
  }
  for (std::string& tag : observation.tags) tag = redact(tag, options);
}

Status leave_out_recalled(std::string& content) {
  if (content.find(kRecalledBegin) == content.npos) return Status::ok();
  content = without_recalled(content);
  if (content.find_first_not_of(" \t\r\n") != content.npos) return Status::ok();
  return Status(StatusCode::kInvalidArgument,
                "the content is nothing but recalled text, which is remembered already");
}

Result<PreparedObservation> prepare_observation(search::Analyzer& analyzer,
                                                const NewObservation& observation,
                                                const Stamp& stamp,
                                                const ObservationSettings& settings) {
  PreparedObservation prepared;
  prepared.id = stamp.id;
  static_cast<NewObservation&>(prepared.observation) = observation;
  HOLDFAST_TRY(leave_out_recalled(prepared.observation.content));
  redact_observation(prepared.observation, settings.redaction, &prepared.redactions);
  HOLDFAST_TRY(check_observation(prepared.observation));
  std::optional<std::string>& language = prepared.observation.language;
  if (!language) language = settings.language;
  const search::Language known = language_of(prepared.observation);
  language = search::info_of(known).code;
  if (known == search::Language::kEnglish) language.reset();
  prepared.observation.id = stamp.id.to_text();
  prepared.observation.created_us = stamp.created_us;
  prepared.text_record = encode_text(analyzer, prepared.observation);
  return prepared;
}

Result<std::optional<StoredRow>> read_row(search::KeySource& source, uint32_t space_id,
                                          const Uuid& id) {
  StoredRow stored;
  HOLDFAST_ASSIGN(auto bytes, source.get(row_key(space_id, id)));
  if (!bytes) {
    stored.is_forgotten = true;
    HOLDFAST_ASSIGN(bytes, source.get(forgotten_key(space_id, id)));
  }
  if (!bytes) return std::optional<StoredRow>();
  HOLDFAST_ASSIGN(stored.row, decode_row(id, *bytes));
  return std::optional<StoredRow>(std::move(stored));
}

Status check_live(const StoredRow& stored) {
  if (!stored.is_forgotten) return Status::ok();
  const Observation& observation = stored.row.observation;
  return Status(StatusCode::kConditionFalse,
                "observation " + observation.id + " was forgotten at " +
                    time_text(observation.forgotten_us) + "; restore it first");
}

Status put_row(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
               const StoredRow& stored) {
  return target.put(stored.is_forgotten ? forgotten_key(space_id, id) : row_key(space_id, id),
                    encode_row(stored.row.observation, stored.row.has_long_content));
}

Status put_findable(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                    const StoredRow& stored, std::string_view text_record) {
  const Observation& observation = stored.row.observation;
  HOLDFAST_TRY(put_row(target, space_id, id, stored));
  HOLDFAST_TRY(target.put(space_key(KeyKind::kId, space_id, id.view()), ""));
  HOLDFAST_TRY(search::put_document(target, space_prefix(KeyKind::kTextIndex, space_id),
                                    document_of(id), text_record));
  HOLDFAST_TRY(search::note_language(target, space_prefix(KeyKind::kTextIndex, space_id),
                                     language_of(observation)));
  for (const std::string& key : index_keys(space_id, id, observation)) {
    HOLDFAST_TRY(target.put(key, ""));
  }
  if (!observation.key) return Status::ok();
  return target.put(space_key(KeyKind::kIdempotency, space_id, *observation.key), id.view());
}

Status drop_findable(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                     const StoredRow& stored) {
  const Observation& observation = stored.row.observation;
  HOLDFAST_TRY(target.del(row_key(space_id, id)));
  HOLDFAST_TRY(target.del(space_key(KeyKind::kId, space_id, id.view())));
  const auto record = [&]() -> Result<std::string> {
    DecodedRow row = stored.row;
    if (row.observation.content.empty()) HOLDFAST_TRY(complete_content(target, space_id, id, row));
    search::Analyzer analyzer;
    return encode_text(analyzer, row.observation);
  };
  HOLDFAST_TRY(search::drop_document(target, space_prefix(KeyKind::kTextIndex, space_id),
                                     document_of(id), record));
  for (const std::string& key : index_keys(space_id, id, observation)) {
    HOLDFAST_TRY(target.del(key));
  }
  if (!observation.key) return Status::ok();
  return target.del(space_key(KeyKind::kIdempotency, space_id, *observation.key));
}

Status forget_stored(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                     StoredRow& stored, int64_t now_us) {
  if (stored.is_forgotten) return Status::ok();
  HOLDFAST_TRY(drop_findable(target, space_id, id, stored));
  HOLDFAST_TRY(set_vectors_aside(target, space_id, id));
  stored.is_forgotten = true;
  stored.row.observation.forgotten_us = now_us;
  return put_row(target, space_id, id, stored);
}

Status replace_text(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                    const NewObservation& before, const NewObservation& after) {
  search::Analyzer analyzer;
  const std::string old_record = encode_text(analyzer, before);
  const std::string new_record = encode_text(analyzer, after);
  if (old_record == new_record) return Status::ok();
  const std::string prefix = space_prefix(KeyKind::kTextIndex, space_id);
  HOLDFAST_TRY(search::drop_document(target, prefix, document_of(id),
                                     [&] { return Result<std::string>(old_record); }));
  return search::put_document(target, prefix, document_of(id), new_record);
}

Status write_observation(search::KeyTarget& target, uint32_t space_id,
                         const PreparedObservation& prepared) {
  StoredRow stored;
  Observation& observation = stored.row.observation;
  observation = prepared.observation;
  HOLDFAST_ASSIGN(observation.effective_trust,
                  effective_trust(target, space_id, observation.trust, observation.derived_from));
  const std::string_view id = prepared.id.view();
  if (observation.embedding) {
    HOLDFAST_TRY(write_embedding(target, space_id, prepared.id, observation));
  }
  if (observation.content.size() > kInlineContentSizeMax) {
    stored.row.has_long_content = true;
    HOLDFAST_TRY(
        put_parts(target, space_key(KeyKind::kContent, space_id, id), observation.content));
  }
  for (const std::string& from : observation.derived_from) {
    HOLDFAST_TRY(target.put(derived_key(space_id, *Uuid::parse(from), prepared.id), ""));
  }
  HOLDFAST_TRY(charge(target, space_id, Figure::kObservations, 1));
  HOLDFAST_TRY(charge(target, space_id, Figure::kObservationBytes, charged_bytes(observation)));
  return put_findable(target, space_id, prepared.id, stored, prepared.text_record);
}

Result<bool> erase_observation(search::KeyTarget& target, uint32_t space_id, const Uuid& id) {
  HOLDFAST_ASSIGN(const auto stored, read_row(target, space_id, id));
  if (!stored) return false;
  const Observation& observation = stored->row.observation;
  DecodedRow whole = stored->row;
  HOLDFAST_TRY(complete_content(target, space_id, id, whole));
  HOLDFAST_TRY(charge(target, space_id, Figure::kObservations, -1));
  HOLDFAST_TRY(
      charge(target, space_id, Figure::kObservationBytes, -charged_bytes(whole.observation)));
  if (stored->is_forgotten) {
    HOLDFAST_TRY(target.del(forgotten_key(space_id, id)));
  } else {
    HOLDFAST_TRY(drop_findable(target, space_id, id, *stored));
  }
  HOLDFAST_TRY(leave_tier(target, space_id, id, stored->row));
  if (stored->row.has_long_content) {
    HOLDFAST_TRY(del_parts(target, space_key(KeyKind::kContent, space_id, id.view())));
  }
  HOLDFAST_TRY(drop_vectors(target, space_id, id));
  if (observation.revision > 0) {
    HOLDFAST_TRY(target.del_range(
        search::prefix_range(space_key(KeyKind::kObservationHistory, space_id, id.view()))));
  }
  for (const std::string& from : observation.derived_from) {
    HOLDFAST_TRY(target.del(derived_key(space_id, *Uuid::parse(from), id)));
  }
  HOLDFAST_TRY(
      target.del_range(search::prefix_range(space_key(KeyKind::kDerived, space_id, id.view()))));
  HOLDFAST_TRY(erase_strength(target, space_id, id));
  HOLDFAST_TRY(erase_links(target, space_id, link_end(id.to_text())).status());
  return true;
}

Result<std::optional<Uuid>> find_key(search::KeySource& source, uint32_t space_id,
                                     std::string_view key) {
  HOLDFAST_ASSIGN(const std::optional<std::string> bytes,
                  source.get(space_key(KeyKind::kIdempotency, space_id, key)));
  if (!bytes) return std::optional<Uuid>();
  const std::optional<Uuid> id = uuid_of(*bytes);
  if (!id) {
    return malformed("the entry of an idempotency key");
  }
  return id;
}

Status complete_content(search::KeySource& source, uint32_t space_id, const Uuid& id,
                        DecodedRow& row, bool peeks) {
  if (!row.has_long_content) return Status::ok();
  if (row.observation.tier == Tier::cold) {
    HOLDFAST_ASSIGN(row.observation.content, read_cold(source, space_id, id, peeks));
    return Status::ok();
  }
  const std::string key = space_key(KeyKind::kContent, space_id, id.view());
  HOLDFAST_ASSIGN(std::optional<std::string> content, get_parts(source, key, peeks));
  if (!content) {
    return Status(StatusCode::kCorruption, "the content of observation " + id.to_text() +
                                               " is missing; run `holdfast check`");
  }
  row.observation.content = std::move(*content);
  return Status::ok();
}

Result<std::optional<Observation>> read_observation(search::KeySource& source, uint32_t space_id,
                                                    const Uuid& id, bool with_embedding) {
  HOLDFAST_ASSIGN(auto stored, read_row(source, space_id, id));
  if (!stored) return std::optional<Observation>();
  DecodedRow& row = stored->row;
  HOLDFAST_TRY(complete_content(source, space_id, id, row));
  if (with_embedding) {
    HOLDFAST_ASSIGN(row.observation.embedding,
                    read_embedding(source, space_id, kMainVectorSpace, id));
  }
  return std::optional<Observation>(std::move(row.observation));
}

Result<std::vector<Uuid>> ids_behind(search::KeySource& source, uint32_t space_id,
                                     const Uuid& after, size_t limit) {
  const std::string prefix = space_prefix(KeyKind::kId, space_id);
  KeyRange range = search::prefix_range(prefix);
  range.begin = prefix + std::string(after.view()) + '\0';
  std::vector<Uuid> ids;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view) {
    if (const auto id = uuid_of(key.substr(prefix.size()))) ids.push_back(*id);
    return ids.size() < limit;
  }));
  return ids;
}

Result<IdSpan> parse_id_prefix(std::string_view text) {
  IdSpan span;
  span.last.bytes.fill(0xff);
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const int value = hex_value(c);
    if (value < 0 || digits == kIdDigits) {
      return Status(StatusCode::kInvalidArgument,
                    "\"" + std::string(text) + "\" is not the id of an observation");
    }
    set_digit(span.first, digits, value);
    set_digit(span.last, digits, value);
    ++digits;
  }
  if (digits < kIdPrefixDigitsMin) {
    return Status(StatusCode::kInvalidArgument,
                  "\"" + std::string(text) +
                      "\" is too short to name an observation; give at "
                      "least " +
                      std::to_string(kIdPrefixDigitsMin) + " digits of its id");
  }
  return span;
}

Status no_such_observation(std::string_view text, std::string_view space_path) {
  return Status(StatusCode::kNotFound, "there is no observation " + std::string(text) +
                                           " in space \"" + std::string(space_path) + "\"");
}

Result<Uuid> resolve_id(search::KeySource& source, uint32_t space_id, std::string_view text,
                        std::string_view space_path) {
  HOLDFAST_ASSIGN(const IdSpan span, parse_id_prefix(text));
  if (span.first == span.last) return span.first;
  // These stand in the order of ids; the end is just behind the last id of the span.
  KeyRange range;
  range.begin = space_key(KeyKind::kId, space_id, span.first.view());
  range.end = space_key(KeyKind::kId, space_id, span.last.view()) + '\0';
  constexpr size_t kCandidatesMax = 3;
  const size_t id_at = range.begin.size() - span.first.view().size();
  std::vector<Uuid> candidates;
  HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view) {
    if (const auto id = uuid_of(key.substr(id_at))) candidates.push_back(*id);
    return candidates.size() < kCandidatesMax;
  }));
  KeyRange gone{forgotten_key(space_id, span.last), forgotten_key(space_id, span.first) + '\0'};
  HOLDFAST_TRY(source.scan(gone, [&](std::string_view key, std::string_view) {
    if (const auto id = uuid_of(complement(key.substr(id_at + 1)))) candidates.push_back(*id);
    return candidates.size() < kCandidatesMax;
  }));
  if (candidates.empty()) return no_such_observation(text, space_path);
  if (candidates.size() > 1) return ambiguous(text, candidates);
  return candidates[0];
}

std::optional<IdSpan> ids_between(std::optional<int64_t> since_us,
                                  std::optional<int64_t> until_us) {
  IdSpan span;
  span.last.bytes.fill(0xff);
  const int64_t since = std::max<int64_t>(since_us.value_or(0), 0);
  if (until_us && *until_us <= since) return std::nullopt;
  const auto set_ms = [](Uuid& id, int64_t ms) {
    for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  };
  constexpr int64_t kMsMax = (int64_t{1} << 48) - 1;
  set_ms(span.first, std::min(since / 1000, kMsMax));
  if (until_us) set_ms(span.last, std::min((*until_us - 1) / 1000, kMsMax));
  return span;
}

}  // namespace holdfast::memory
