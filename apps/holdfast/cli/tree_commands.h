// The commands about files, and graphs of facts.
#pragma once

#include "cli/commands.h"

namespace holdfast::cli {

void add_fs_commands(Commands& commands);        // fs ls, cat, put ...
void add_graph_commands(Commands& commands);     // graph import, export
void add_memories_commands(Commands& commands);  // memories ls, cat, history, undo

}  // namespace holdfast::cli
