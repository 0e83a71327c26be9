#include "memory/observation_row.h"

#include "base/coding.h"

namespace holdfast::memory {
namespace {

constexpr uint8_t kRowFormat = 1;
constexpr uint8_t kEmbeddingFormat = 1;

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
  kHasEmbedding = 1 << 10,
  kFlagsEnd = 1 << 11,
};

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

uint64_t flags_of(const NewObservation& observation) {
  uint64_t flags = 0;
  for (const StringField& field : kStringFields) {
    if (observation.*field.member) flags |= field.flag;
  }
  if (observation.confidence) flags |= kHasConfidence;
  if (observation.happened_us) flags |= kHasHappened;
  if (observation.content.size() > kInlineContentSizeMax) flags |= kHasLongContent;
  if (observation.embedding) flags |= kHasEmbedding;
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
  return bytes.empty();
}

}  // namespace

std::string encode_row(const NewObservation& observation, int64_t created_us) {
  const uint64_t flags = flags_of(observation);
  std::string out(1, static_cast<char>(kRowFormat));
  append_varint(out, flags);
  append_varint(out, static_cast<uint64_t>(created_us));
  for (const StringField& field : kStringFields) {
    if (flags & field.flag) append_string(out, *(observation.*field.member));
  }
  if (observation.confidence) append_le(out, *observation.confidence);
  if (observation.happened_us) append_varint(out, zigzag(*observation.happened_us));
  append_varint(out, observation.tags.size());
  for (const std::string& tag : observation.tags) append_string(out, tag);
  if (!(flags & kHasLongContent)) append_string(out, observation.content);
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
  row.has_embedding = *flags & kHasEmbedding;
  if (!take_fields(bytes, *flags, row.observation)) return damaged(id, "row");
  return row;
}

std::string encode_embedding(const Embedding& embedding) {
  std::string out(1, static_cast<char>(kEmbeddingFormat));
  append_string(out, embedding.model);
  append_string(out, embedding.model_version);
  append_varint(out, embedding.values.size());
  for (const float value : embedding.values) append_le(out, value);
  return out;
}

Result<Embedding> decode_embedding(const Uuid& id, std::string_view bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes[0]) != kEmbeddingFormat) {
    return damaged(id, "embedding");
  }
  bytes.remove_prefix(1);
  Embedding embedding;
  const bool named =
      take_string_into(bytes, embedding.model) && take_string_into(bytes, embedding.model_version);
  const auto count = named ? take_varint(bytes) : std::nullopt;
  if (!count || bytes.size() / sizeof(float) != *count || bytes.size() % sizeof(float) != 0) {
    return damaged(id, "embedding");
  }
  embedding.values.resize(*count);
  for (float& value : embedding.values) value = *take_le<float>(bytes);
  return embedding;
}

}  // namespace holdfast::memory
