// The tools, resources and prompts about what is remembered: remember, recall, show, forget,
// history.
//
// Every answer has a budget in tokens, which the caller may set, and says what it left out.
#pragma once

#include "mcp/catalogue.h"
#include "mcp/memory.h"

namespace holdfast::mcp {

// `memory` must outlive `catalogue`.
void add_memory_tools(Catalogue& catalogue, Memory& memory);
void add_history_tool(Catalogue& catalogue, Memory& memory);
void add_memory_resources(Catalogue& catalogue, Memory& memory);
void add_memory_prompts(Catalogue& catalogue, Memory& memory);

}  // namespace holdfast::mcp
