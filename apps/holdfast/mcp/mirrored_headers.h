// The headers in which a request of the modern era says again what its body says, for proxies that
// do not read bodies: they must say the same, or who decides by them is deceived.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "mcp/message.h"

namespace holdfast::mcp {

struct MirroredHeaders {
  std::optional<std::string> version;  // MCP-Protocol-Version
  std::optional<std::string> method;   // Mcp-Method
  std::optional<std::string> name;     // Mcp-Name: params.name or params.uri, as it is or as
                                       // "=?base64?...?="
};

// Which header is missing or says something else than the body; nullopt: none.
std::optional<RpcError> header_mismatch(const MirroredHeaders& headers, const Message& request);

}  // namespace holdfast::mcp
