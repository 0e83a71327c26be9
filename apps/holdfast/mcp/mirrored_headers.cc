#include "mcp/mirrored_headers.h"

#include <string_view>

#include "base/base64.h"
#include "mcp/era.h"

namespace holdfast::mcp {
namespace {

RpcError mismatch(const std::string& header, const std::string& what) {
  return {kHeaderMismatch, "the header " + header + " " + what};
}

// What a header stands for; nullopt: its form is wrong.
std::optional<std::string> decoded(const std::string& value) {
  constexpr std::string_view kBegin = "=?base64?";
  constexpr std::string_view kEnd = "?=";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte != '\t' && (byte < 0x20 || byte > 0x7e)) return std::nullopt;
  }
  const bool encoded = value.size() >= kBegin.size() + kEnd.size() && value.starts_with(kBegin) &&
                       value.ends_with(kEnd);
  if (!encoded) return value;
  return base64_bytes(
      std::string_view(value).substr(kBegin.size(), value.size() - kBegin.size() - kEnd.size()));
}

// The member of the parameters that Mcp-Name repeats; nullptr: none.
const char* named_member(const std::string& method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  return method == "resources/read" ? "uri" : nullptr;
}

std::optional<std::string> version_of(const Message& request) {
  const Json meta = request.params.value("_meta", Json());
  if (!meta.is_object() || !meta.contains(kMetaVersion) || !meta[kMetaVersion].is_string()) {
    return std::nullopt;
  }
  return meta[kMetaVersion].get<std::string>();
}

}  // namespace

std::optional<RpcError> header_mismatch(const MirroredHeaders& headers, const Message& request) {
  if (!headers.version) return mismatch("MCP-Protocol-Version", "is missing");
  const auto version = version_of(request);
  if (version && *version != *headers.version) {
    return mismatch("MCP-Protocol-Version", "names another revision than the body");
  }
  if (!headers.method) return mismatch("Mcp-Method", "is missing");
  if (*headers.method != request.method) {
    return mismatch("Mcp-Method", "names another method than the body");
  }
  const char* member = named_member(request.method);
  if (member == nullptr || !request.params.contains(member)) return std::nullopt;
  if (!headers.name) return mismatch("Mcp-Name", "is missing");
  const auto name = decoded(*headers.name);
  if (!name) return mismatch("Mcp-Name", "has a form that is not allowed");
  if (request.params[member] != *name) return mismatch("Mcp-Name", "is not that of the body");
  return std::nullopt;
}

}  // namespace holdfast::mcp
