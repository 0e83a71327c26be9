#include "memory/fields.h"

#include "base/coding.h"

namespace holdfast::memory {
namespace {

// Small numbers of either sign take few bytes.
uint64_t zigzag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

}  // namespace

Status malformed(std::string_view what) {
  return Status(StatusCode::kCorruption, std::string(what) + " is malformed; run `holdfast check`");
}

FieldWriter& FieldWriter::number(uint32_t field, uint64_t value) {
  append_varint(bytes_, uint64_t{field} << 1);
  append_varint(bytes_, value);
  return *this;
}
FieldWriter& FieldWriter::integer(uint32_t field, int64_t value) {
  return number(field, zigzag(value));
}
FieldWriter& FieldWriter::real(uint32_t field, double value) {
  char bytes[sizeof(double)];
  store_le(bytes, value);
  return text(field, std::string_view(bytes, sizeof(bytes)));
}
FieldWriter& FieldWriter::text(uint32_t field, std::string_view value) {
  append_varint(bytes_, uint64_t{field} << 1 | 1);
  append_string(bytes_, value);
  return *this;
}

FieldWriter& FieldWriter::number_if(uint32_t field, std::optional<uint64_t> value) {
  return value ? number(field, *value) : *this;
}
FieldWriter& FieldWriter::integer_if(uint32_t field, std::optional<int64_t> value) {
  return value ? integer(field, *value) : *this;
}
FieldWriter& FieldWriter::real_if(uint32_t field, std::optional<double> value) {
  return value ? real(field, *value) : *this;
}
FieldWriter& FieldWriter::text_if(uint32_t field, const std::optional<std::string>& value) {
  return value ? text(field, std::string_view(*value)) : *this;
}
FieldWriter& FieldWriter::texts(uint32_t field, const std::vector<std::string>& values) {
  for (const std::string& value : values) text(field, std::string_view(value));
  return *this;
}

Result<FieldReader> FieldReader::parse(std::string_view bytes, std::string_view what,
                                       uint8_t format_max) {
  const auto damaged = [&](std::string_view how) {
    return Status(StatusCode::kCorruption,
                  "the row of " + std::string(what) + " is " + std::string(how));
  };
  if (bytes.empty()) return damaged("empty; run `holdfast check`");
  FieldReader reader;
  reader.format_ = static_cast<uint8_t>(bytes[0]);
  if (reader.format_ == 0 || reader.format_ > format_max) {
    return damaged("of a newer format; use the build of Holdfast that wrote it");
  }
  bytes.remove_prefix(1);
  while (!bytes.empty()) {
    const auto head = take_varint(bytes);
    if (!head || *head >> 33 != 0) return damaged("malformed; run `holdfast check`");
    Field field{static_cast<uint32_t>(*head >> 1), (*head & 1) != 0, 0, {}};
    if (field.is_bytes) {
      const auto value = take_string(bytes);
      if (!value) return damaged("malformed; run `holdfast check`");
      field.bytes = *value;
    } else {
      const auto value = take_varint(bytes);
      if (!value) return damaged("malformed; run `holdfast check`");
      field.number = *value;
    }
    reader.fields_.push_back(field);
  }
  return reader;
}

const FieldReader::Field* FieldReader::find(uint32_t field, bool is_bytes) const {
  for (const Field& candidate : fields_) {
    if (candidate.field == field && candidate.is_bytes == is_bytes) return &candidate;
  }
  return nullptr;
}

std::optional<uint64_t> FieldReader::number(uint32_t field) const {
  const Field* found = find(field, false);
  return found ? std::optional<uint64_t>(found->number) : std::nullopt;
}
std::optional<int64_t> FieldReader::integer(uint32_t field) const {
  const auto value = number(field);
  return value ? std::optional<int64_t>(unzigzag(*value)) : std::nullopt;
}
std::optional<double> FieldReader::real(uint32_t field) const {
  const Field* found = find(field, true);
  if (!found || found->bytes.size() != sizeof(double)) return std::nullopt;
  return load_le<double>(found->bytes.data());
}
std::optional<std::string> FieldReader::text(uint32_t field) const {
  const Field* found = find(field, true);
  return found ? std::optional<std::string>(found->bytes) : std::nullopt;
}
std::vector<std::string> FieldReader::texts(uint32_t field) const {
  std::vector<std::string> values;
  for (const Field& candidate : fields_) {
    if (candidate.field == field && candidate.is_bytes) values.emplace_back(candidate.bytes);
  }
  return values;
}

}  // namespace holdfast::memory
