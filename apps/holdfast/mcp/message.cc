#include "mcp/message.h"

namespace holdfast::mcp {
namespace {

BadMessage bad(int code, std::string message, Json id = nullptr) {
  return {std::move(id), {code, std::move(message)}};
}

bool is_id(const Json& id) {
  return id.is_string() || id.is_number_integer();
}

std::variant<Message, BadMessage> parse_response(const Json& json, Message message) {
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

}  // namespace

std::variant<Message, BadMessage> parse_message(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return bad(kParseError, "this is not JSON in UTF-8; send one JSON-RPC message a line");
  }
  if (json.is_array()) {
    return bad(kInvalidRequest, "batches are not part of the protocol; send one message at a time");
  }
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

}  // namespace holdfast::mcp
