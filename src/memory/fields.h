// Fields: the rows of the memory layers as numbered fields, so that a later build can add one and
// an earlier one passes over it.
//
// Who: memory/ only. Thread-safety: a writer and a reader belong to one thread.
// Form: a byte that is the row's format, then fields in the order of their writing, each a varint
//   `number << 1 | is_bytes` and either a varint or a varint size and that many bytes. A number
//   may occur several times: a list. An absent field is not written, an empty string is.
// Invariants:
//   1. A row that does not parse to its end is refused whole.
//   2. Field numbers of a row are never reused for another meaning.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::memory {

// Corruption; `what` is malformed, with its article: "an entry of the links".
Status malformed(std::string_view what);

class FieldWriter {
 public:
  explicit FieldWriter(uint8_t format = 1) : bytes_(1, static_cast<char>(format)) {}

  FieldWriter& number(uint32_t field, uint64_t value);
  FieldWriter& integer(uint32_t field, int64_t value);
  FieldWriter& real(uint32_t field, double value);
  FieldWriter& text(uint32_t field, std::string_view value);
  // Nothing when the value is absent.
  FieldWriter& number_if(uint32_t field, std::optional<uint64_t> value);
  FieldWriter& integer_if(uint32_t field, std::optional<int64_t> value);
  FieldWriter& real_if(uint32_t field, std::optional<double> value);
  FieldWriter& text_if(uint32_t field, const std::optional<std::string>& value);
  FieldWriter& texts(uint32_t field, const std::vector<std::string>& values);

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// Views into `bytes`, which must stay.
class FieldReader {
 public:
  // `what` names the row in the message: "claim build". Errors: Corruption (malformed, or of a
  // format greater than `format_max`).
  static Result<FieldReader> parse(std::string_view bytes, std::string_view what,
                                   uint8_t format_max = 1);

  uint8_t format() const { return format_; }
  // The first field of that number; nullopt when absent.
  std::optional<uint64_t> number(uint32_t field) const;
  std::optional<int64_t> integer(uint32_t field) const;
  std::optional<double> real(uint32_t field) const;
  std::optional<std::string> text(uint32_t field) const;
  // The value, or what stands for absent.
  uint64_t number_or(uint32_t field, uint64_t absent) const {
    return number(field).value_or(absent);
  }
  int64_t integer_or(uint32_t field, int64_t absent) const {
    return integer(field).value_or(absent);
  }
  std::string text_or_empty(uint32_t field) const { return text(field).value_or(std::string()); }
  std::vector<std::string> texts(uint32_t field) const;

 private:
  struct Field {
    uint32_t field;
    bool is_bytes;
    uint64_t number;
    std::string_view bytes;
  };
  const Field* find(uint32_t field, bool is_bytes) const;

  uint8_t format_ = 0;
  std::vector<Field> fields_;
};

}  // namespace holdfast::memory
