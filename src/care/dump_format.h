// How dumps write what several of them show. docs/operations.md lists the rows.
//
// Who: care/ only. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "holdfast/care.h"

namespace holdfast::care {

std::string hexadecimal(uint64_t value, int digits);
std::string hexadecimal(const std::array<char, 16>& bytes);
// Adds `name`_us as a number and `name` as text; nothing when the time is 0.
void add_time(Row& row, const std::string& name, uint64_t time_us);
// Adds lsn, segment and offset.
void add_lsn(Row& row, const std::string& name, uint64_t lsn);

}  // namespace holdfast::care
