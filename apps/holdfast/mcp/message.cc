#include "mcp/message.h"

#include "cli/json_text.h"

namespace holdfast::mcp {
namespace {

constexpr size_t kBatchMax = 1'000;
constexpr const char* kNoMessage =
    "this is not JSON in UTF-8, or nested too deeply; send one JSON-RPC message a line";

BadMessage bad(int code, std::string message, Json id = nullptr) {
  return {std::move(id), {code, std::move(message)}};
}

bool is_id(const Json& id) {
  return id.is_string() || id.is_number_integer();
}

ParsedMessage parse_response(const Json& json, Message message) {
  message.kind = Message::Kind::kResponse;
  if (json.contains("result") == json.contains("error")) {
    return bad(kInvalidRequest, "a response has either a result or an error", message.id);
  }
  if (json.contains("result")) {
    message.reply = json["result"];
    return message;
  }
  const Json& error = json["error"];
  if (!error.is_object()) return bad(kInvalidRequest, "error must be an object", message.id);
  RpcError parsed;
  if (error.contains("code") && error["code"].is_number_integer()) parsed.code = error["code"];
  if (error.contains("message") && error["message"].is_string()) {
    parsed.message = error["message"].get<std::string>();
  }
  message.reply = std::move(parsed);
  return message;
}

ParsedMessage parse_one(const Json& json) {
  if (!json.is_object()) return bad(kInvalidRequest, "a message must be a JSON object");
  Message message;
  if (json.contains("id")) message.id = json["id"];
  const bool has_id = is_id(message.id);
  if (!has_id && !message.id.is_null()) {
    return bad(kInvalidRequest, "id must be a string or an integer");
  }
  if (!json.contains("jsonrpc") || json["jsonrpc"] != "2.0") {
    return bad(kInvalidRequest, "jsonrpc must be \"2.0\"", message.id);
  }
  if (!json.contains("method")) {
    if (has_id) return parse_response(json, std::move(message));
    return bad(kInvalidRequest, "a message has a method, or an id and a result");
  }
  if (!json["method"].is_string()) {
    return bad(kInvalidRequest, "method must be a string", message.id);
  }
  message.method = json["method"].get<std::string>();
  if (json.contains("params")) {
    if (!json["params"].is_object()) {
      return bad(kInvalidParams, "params must be an object", message.id);
    }
    message.params = json["params"];
  }
  if (json.contains("id") && !has_id) return bad(kInvalidRequest, "the id of a request is null");
  message.kind = has_id ? Message::Kind::kRequest : Message::Kind::kNotification;
  return message;
}

}  // namespace

RpcError id_in_use() {
  return {kInvalidRequest, "a request with this id has not been answered yet"};
}

ParsedMessage parse_message(std::string_view text) {
  const Json json = cli::parse_json(text);
  if (json.is_discarded()) return bad(kParseError, kNoMessage);
  if (!json.is_array()) return parse_one(json);
  return bad(kInvalidRequest,
             "batches of 1 to " + std::to_string(kBatchMax) +
                 " messages are part of revision 2025-03-26 only; send one message at a time");
}

std::optional<std::vector<ParsedMessage>> parse_batch(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos || text[begin] != '[') return std::nullopt;
  const Json json = cli::parse_json(text);
  if (!json.is_array() || json.empty() || json.size() > kBatchMax) return std::nullopt;
  std::vector<ParsedMessage> batch;
  for (const Json& one : json) batch.push_back(parse_one(one));
  return batch;
}

Json request_of(const Json& id, const std::string& method, Json params) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

Json notification_of(const std::string& method, Json params) {
  return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

Json response_of(const Json& id, const Reply& reply) {
  if (const Json* result = std::get_if<Json>(&reply)) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"result", *result}};
  }
  const RpcError& error = std::get<RpcError>(reply);
  Json body = {{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) body["data"] = error.data;
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(body)}};
}

std::string printed(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace holdfast::mcp
