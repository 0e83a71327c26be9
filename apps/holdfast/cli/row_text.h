// Rows of the care functions as lines: "type name=value ..." for people, JSON for programs.
#pragma once

#include "cli/output.h"
#include "holdfast/care.h"

namespace holdfast::cli {

Json json_of(const care::Row& row);
void print_row(const Output& output, const care::Row& row);

}  // namespace holdfast::cli
