// The tools by which agents share state and divide work: value, file, claim, queue, run, log, link,
// artifact, status.
#pragma once

#include "mcp/catalogue.h"
#include "mcp/memory.h"

namespace holdfast::mcp {

// `memory` must outlive `catalogue`.
void add_value_tool(Catalogue& catalogue, Memory& memory);
void add_claim_tool(Catalogue& catalogue, Memory& memory);
void add_queue_tool(Catalogue& catalogue, Memory& memory);
void add_run_tool(Catalogue& catalogue, Memory& memory);
void add_log_tool(Catalogue& catalogue, Memory& memory);
void add_link_tool(Catalogue& catalogue, Memory& memory);
void add_artifact_tool(Catalogue& catalogue, Memory& memory);
void add_file_tool(Catalogue& catalogue, Memory& memory);
void add_status_tool(Catalogue& catalogue, Memory& memory);

}  // namespace holdfast::mcp
