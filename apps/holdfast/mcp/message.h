// JSON-RPC 2.0, as the Model Context Protocol uses it: one message at a time, and batches in the
// one revision that has them.
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
#include <vector>

#include "cli/output.h"

namespace holdfast::mcp {

using cli::Json;

// Codes of JSON-RPC, and those that MCP adds.
constexpr int kParseError = -32700;
constexpr int kInvalidRequest = -32600;
constexpr int kMethodNotFound = -32601;
constexpr int kInvalidParams = -32602;
constexpr int kInternalError = -32603;
constexpr int kTooBusy = -32000;
constexpr int kResourceNotFound = -32002;
constexpr int kHeaderMismatch = -32020;
constexpr int kUnsupportedVersion = -32022;

struct RpcError {
  int code = kInternalError;
  std::string message = {};
  Json data = nullptr;  // null: none
};

// Of a request whose id another one has that is not answered yet.
RpcError id_in_use();

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

using ParsedMessage = std::variant<Message, BadMessage>;

// Checks the form of one message: members, types, an id that is a string or an integer.
ParsedMessage parse_message(std::string_view text);

// The messages of a batch; nullopt: it is none (not an array, or one that parse_message() has to
// refuse).
std::optional<std::vector<ParsedMessage>> parse_batch(std::string_view text);

Json request_of(const Json& id, const std::string& method, Json params);
Json notification_of(const std::string& method, Json params);
Json response_of(const Json& id, const Reply& reply);

// As text; what is not UTF-8 is replaced: whatever a store holds must not end a conversation.
std::string printed(const Json& json, int indent = -1);

}  // namespace holdfast::mcp
