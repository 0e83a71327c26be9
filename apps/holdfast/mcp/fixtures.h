// The tools, resources and prompts that the official conformance suite of MCP asks a server for,
// offered only under --conformance. They touch no store.
#pragma once

#include "mcp/catalogue.h"

namespace holdfast::mcp {

void add_fixture_tools(Catalogue& catalogue);
void add_fixture_resources(Catalogue& catalogue);
void add_fixture_prompts(Catalogue& catalogue);

}  // namespace holdfast::mcp
