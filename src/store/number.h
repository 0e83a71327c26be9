// Numbers: values that ADD and MAX change without anybody reading them. A number is 8 bytes, an
// int64, little end first.
//
// Who: store/. Thread-safety: pure functions.
// Invariants:
//   1. A change gives the same result in every process and at every replay.
//   2. Additions wrap (two's complement), so that they commute, and fold, whatever their order.
//   3. A value that is no number is left as it is: a blind change cannot refuse, and must not
//      destroy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/record.h"

namespace holdfast::store {

struct NumberChange {
  log::OperationKind kind;  // kAdd or kMax
  int64_t operand;
};

// The value as a number, or nullopt.
std::optional<int64_t> number_of(std::string_view value);
std::array<char, 8> number_bytes(int64_t number);

// The number after a change of `base`; no base: as if it were 0 to an addition, and below
// everything to a maximum.
int64_t changed_number(std::optional<int64_t> base, const NumberChange& change);

// Adds `change` behind `changes`, joined with the last one where that is possible.
void append_change(std::vector<NumberChange>& changes, const NumberChange& change);

// The value after all changes of `base` (no base: the key is absent), or nullopt if the base is no
// number and stays as it is.
std::optional<std::array<char, 8>> changed_value(std::optional<std::string_view> base,
                                                 const std::vector<NumberChange>& changes);

}  // namespace holdfast::store
