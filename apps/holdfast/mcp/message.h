// JSON-RPC 2.0, as the Model Context Protocol uses it: one message at a time, no batches.
//
// Thread-safety: values.
// Invariants:
//   1. Whatever a client sends becomes a Message or an error to send back; nothing is thrown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "cli/output.h"

namespace holdfast::mcp {

using cli::Json;

// Codes of JSON-RPC, and those that MCP adds.
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kInternalError = -32603;
constexpr int kResourceNotFound = -32002;
constexpr int kHeaderMismatch = -32020;
constexpr int kUnsupportedVersion = -32022;

struct RpcError {
  int code = kInternalError;
  std::string message = {};
  Json data = nullptr;  // null: none
};

// What a request is answered with.
using Reply = std::variant<Json, RpcError>;

struct Message {
  enum class Kind { kRequest, kNotification, kResponse };
  Kind kind = Kind::kRequest;
  Json id = nullptr;
  std::string method = {};
  Json params = Json::object();
  Reply reply = Json();  // of a response
};

// A message that cannot be taken, and the id to answer it with where one could be read.
struct BadMessage {
  Json id = nullptr;
  RpcError error;
};

// Checks the form of one message: members, types, an id that is a string or an integer.
std::variant<Message, BadMessage> parse_message(std::string_view text);

Json request_of(const Json& id, const std::string& method, Json params);
Json notification_of(const std::string& method, Json params);
Json response_of(const Json& id, const Reply& reply);

}  // namespace holdfast::mcp
