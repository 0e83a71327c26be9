// The commands about trees of files.
#pragma once

#include "cli/commands.h"

namespace holdfast::cli {

void add_fs_commands(Commands& commands);  // fs ls, cat, put ...

}  // namespace holdfast::cli
