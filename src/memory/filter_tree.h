// The form of a filter: what its text says, before anybody asks whether there are such fields.
//
//   filter    = any
//   any       = all { OR all }
//   all       = one { AND one }
//   one       = NOT one | "(" any ")" | condition
//   condition = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | BEGINS | CONTAINS ) value
//             | field IN "(" value { "," value } ")"
//             | field EXISTS
//   field     = name { "." name }        name, value = word | "quoted" | 'quoted'
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::memory {

enum class FilterOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kGreater,
  kAtLeast,
  kIn,
  kBegins,
  kContains,
  kExists,
};

// What a field is compared with. Which of the last three count is decided by the field.
struct FilterValue {
  std::string text;
  bool is_quoted = false;
  size_t offset = 0;
  double number = 0;
  int64_t time_us = 0;
  std::string json;  // canonical
};

struct FilterNode {
  enum class Kind : uint8_t { kAll, kAny, kNot, kCondition };
  Kind kind = Kind::kAll;
  std::vector<FilterNode> children;  // of kAll, kAny; one of kNot
  // Of a condition:
  std::vector<std::string> path;
  FilterOperator compare = FilterOperator::kEqual;
  std::vector<FilterValue> values;
  size_t offset = 0;  // of the field in the text
  size_t compare_offset = 0;
  uint8_t field = 0;  // which of the table of fields; see filter.cc
};

// `kAll` without children: an empty text. Errors: InvalidArgument with the offset, TooLarge.
Result<FilterNode> parse_filter(std::string_view text);
Status wrong_filter(size_t offset, std::string_view what);

}  // namespace holdfast::memory
