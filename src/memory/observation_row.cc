#include "memory/observation_row.h"

#include "base/check.h"
#include "base/coding.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

constexpr uint8_t kRowFormat = 1;

enum RowFlag : uint64_t {
  kHasTitle = 1 << 0,
  kHasSource = 1 << 1,
  kHasKind = 1 << 2,
  kHasSession = 1 << 3,
  kHasRun = 1 << 4,
  kHasKey = 1 << 5,
  kHasMetadata = 1 << 6,
  kHasConfidence = 1 << 7,
  kHasHappened = 1 << 8,
  kHasLongContent = 1 << 9,
  // 1 << 10 is not used any more
  kHasMore = 1 << 11,
  kFlagsEnd = 1 << 12,
};

enum MoreField : uint32_t {
  kImportance = 1,
  kValidFrom = 2,
  kValidTo = 3,
  kTrust = 4,
  kDerivedFrom = 5,  // repeated: id:16
  kEffectiveTrust = 6,
  kSupersededBy = 7,  // id:16
  kRevision = 8,
  kEdited = 9,
  kForgotten = 10,
  kTier = 11,
  kLanguage = 12,
};

// Programs of format 1 would index a text anew in English.
constexpr uint8_t kMoreFormat = 1;
constexpr uint8_t kMoreFormatWithLanguage = 2;

// The optional strings of a row, in their order.
struct StringField {
  RowFlag flag;
  std::optional<std::string> NewObservation::*member;
};
constexpr StringField kStringFields[] = {
    {kHasTitle, &NewObservation::title},       {kHasSource, &NewObservation::source},
    {kHasKind, &NewObservation::kind},         {kHasSession, &NewObservation::session},
    {kHasRun, &NewObservation::run},           {kHasKey, &NewObservation::key},
    {kHasMetadata, &NewObservation::metadata},
};

uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

template <typename T>
void append_le(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_le(bytes, value);
  out.append(bytes, sizeof(T));
}

uint64_t flags_of(const NewObservation& observation, bool has_long_content) {
  uint64_t flags = 0;
  for (const StringField& field : kStringFields) {
    if (observation.*field.member) flags |= field.flag;
  }
  if (observation.confidence) flags |= kHasConfidence;
  if (observation.happened_us) flags |= kHasHappened;
  if (has_long_content) flags |= kHasLongContent;
  return flags;
}

Status damaged(const Uuid& id, std::string_view what) {
  return Status(StatusCode::kCorruption, "the " + std::string(what) + " of observation " +
                                             id.to_text() +
                                             " is malformed or of a newer format; run "
                                             "`holdfast check`");
}

bool take_string_into(std::string_view& bytes, std::string& out) {
  const auto value = take_string(bytes);
  if (value) out = *value;
  return value.has_value();
}

template <typename T>
std::optional<T> take_le(std::string_view& bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  const T value = load_le<T>(bytes.data());
  bytes.remove_prefix(sizeof(T));
  return value;
}

std::string id_bytes(const std::string& text) {
  const auto id = Uuid::parse(text);
  CHECK(id);
  return std::string(id->view());
}

std::optional<std::string> id_text(const std::string& bytes) {
  Uuid id;
  if (bytes.size() != id.bytes.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return id.to_text();
}

// Empty when there is nothing.
std::string encode_more(const Observation& observation) {
  FieldWriter fields(observation.language ? kMoreFormatWithLanguage : kMoreFormat);
  const size_t empty = fields.bytes().size();
  fields.real_if(kImportance, observation.importance)
      .integer_if(kValidFrom, observation.valid_from_us)
      .integer_if(kValidTo, observation.valid_to_us)
      .real_if(kTrust, observation.trust);
  for (const std::string& id : observation.derived_from) fields.text(kDerivedFrom, id_bytes(id));
  if (observation.effective_trust != 1) {
    fields.real(kEffectiveTrust, observation.effective_trust);
  }
  if (!observation.superseded_by.empty()) {
    fields.text(kSupersededBy, id_bytes(observation.superseded_by));
  }
  if (observation.revision != 0) fields.number(kRevision, observation.revision);
  if (observation.edited_us != 0) fields.integer(kEdited, observation.edited_us);
  if (observation.forgotten_us != 0) fields.integer(kForgotten, observation.forgotten_us);
  if (observation.tier != Tier::hot) {
    fields.number(kTier, static_cast<uint64_t>(observation.tier));
  }
  fields.text_if(kLanguage, observation.language);
  return fields.bytes().size() == empty ? std::string() : fields.bytes();
}

bool decode_more(std::string_view bytes, Observation& out) {
  const auto fields = FieldReader::parse(bytes, "an observation", kMoreFormatWithLanguage);
  if (!fields) return false;
  out.importance = fields->real(kImportance);
  out.valid_from_us = fields->integer(kValidFrom);
  out.valid_to_us = fields->integer(kValidTo);
  out.trust = fields->real(kTrust);
  for (const std::string& source : fields->texts(kDerivedFrom)) {
    auto text = id_text(source);
    if (!text) return false;
    out.derived_from.push_back(std::move(*text));
  }
  out.effective_trust = fields->real(kEffectiveTrust).value_or(1);
  if (const auto by = fields->text(kSupersededBy)) {
    const auto text = id_text(*by);
    if (!text) return false;
    out.superseded_by = *text;
  }
  out.revision = static_cast<uint32_t>(fields->number_or(kRevision, 0));
  out.edited_us = fields->integer_or(kEdited, 0);
  out.forgotten_us = fields->integer_or(kForgotten, 0);
  const uint64_t tier = fields->number_or(kTier, 0);
  if (tier > static_cast<uint64_t>(Tier::cold)) return false;
  out.tier = static_cast<Tier>(tier);
  out.language = fields->text(kLanguage);
  return true;
}

// The fields after `created_us`; false when malformed.
bool take_fields(std::string_view bytes, uint64_t flags, Observation& out) {
  for (const StringField& field : kStringFields) {
    if ((flags & field.flag) && !take_string_into(bytes, (out.*field.member).emplace())) {
      return false;
    }
  }
  if (flags & kHasConfidence) {
    out.confidence = take_le<double>(bytes);
    if (!out.confidence) return false;
  }
  if (flags & kHasHappened) {
    const auto happened = take_varint(bytes);
    if (!happened) return false;
    out.happened_us = unzigzag(*happened);
  }
  const auto tags = take_varint(bytes);
  if (!tags || *tags > bytes.size()) return false;
  out.tags.resize(*tags);
  for (std::string& tag : out.tags) {
    if (!take_string_into(bytes, tag)) return false;
  }
  if (!(flags & kHasLongContent) && !take_string_into(bytes, out.content)) return false;
  if (flags & kHasMore) {
    const auto more = take_string(bytes);
    if (!more || !decode_more(*more, out)) return false;
  }
  return bytes.empty();
}

}  // namespace

std::string encode_row(const NewObservation& observation, int64_t created_us) {
  Observation whole;
  static_cast<NewObservation&>(whole) = observation;
  whole.created_us = created_us;
  return encode_row(whole, observation.content.size() > kInlineContentSizeMax);
}

std::string encode_row(const Observation& observation, bool has_long_content) {
  const std::string more = encode_more(observation);
  const uint64_t flags =
      flags_of(observation, has_long_content) | (more.empty() ? uint64_t{0} : kHasMore);
  std::string out(1, static_cast<char>(kRowFormat));
  append_varint(out, flags);
  append_varint(out, static_cast<uint64_t>(observation.created_us));
  for (const StringField& field : kStringFields) {
    if (flags & field.flag) append_string(out, *(observation.*field.member));
  }
  if (observation.confidence) append_le(out, *observation.confidence);
  if (observation.happened_us) append_varint(out, zigzag(*observation.happened_us));
  append_varint(out, observation.tags.size());
  for (const std::string& tag : observation.tags) append_string(out, tag);
  if (!has_long_content) append_string(out, observation.content);
  if (!more.empty()) append_string(out, more);
  return out;
}

Result<DecodedRow> decode_row(const Uuid& id, std::string_view bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes[0]) != kRowFormat) return damaged(id, "row");
  bytes.remove_prefix(1);
  const auto flags = take_varint(bytes);
  const auto created = take_varint(bytes);
  if (!flags || *flags >= kFlagsEnd || !created) return damaged(id, "row");
  DecodedRow row;
  row.observation.id = id.to_text();
  row.observation.created_us = static_cast<int64_t>(*created);
  row.has_long_content = *flags & kHasLongContent;
  if (!take_fields(bytes, *flags, row.observation)) return damaged(id, "row");
  return row;
}

}  // namespace holdfast::memory
