// The drop-in mode: the tools and the resource of the reference memory server, under the same
// names, with the same arguments and answers.
#pragma once

#include "mcp/catalogue.h"
#include "mcp/memory.h"

namespace holdfast::mcp {

// `memory` must outlive `catalogue`.
void add_graph_tools(Catalogue& catalogue, Memory& memory);
void add_graph_resource(Catalogue& catalogue, Memory& memory);

}  // namespace holdfast::mcp
