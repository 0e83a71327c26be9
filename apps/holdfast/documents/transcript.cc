#include "documents/transcript.h"

#include "base/time_text.h"

namespace holdfast::documents {
namespace {

using Json = nlohmann::json;

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json* object_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? &*found : nullptr;
}

bool is_role(const std::string& role) {
  return role == "user" || role == "assistant";
}

// What Codex says to the model in the user's name.
bool is_of_client(const std::string& text) {
  return text.starts_with("<environment_context>") || text.starts_with("<user_instructions>");
}

}  // namespace

std::string message_text(const nlohmann::json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    if (!part.is_object()) continue;
    const std::string type = text_member(part, "type");
    if (type != "text" && type != "input_text" && type != "output_text") continue;
    text += (text.empty() ? "" : "\n") + text_member(part, "text");
  }
  return text;
}

std::optional<TranscriptMessage> transcript_message(const nlohmann::json& line) {
  if (!line.is_object()) return std::nullopt;
  const Json* message = object_member(line, "message");
  if (message == nullptr) message = object_member(line, "payload");
  if (message == nullptr) {
    const bool record = line.contains("sessionId") || line.contains("payload");
    if (!record && !is_role(text_member(line, "role"))) return std::nullopt;
    message = &line;
  }
  TranscriptMessage found;
  found.role = text_member(*message, "role");
  if (!is_role(found.role)) found.role = text_member(line, "type");
  found.session = text_member(line, "sessionId");
  if (text_member(line, "type") == "session_meta") found.session = text_member(*message, "id");
  found.happened_us = parse_time(text_member(line, "timestamp"));
  const bool own = line.contains("isMeta") && line["isMeta"] == true;  // the client's, nobody's
  if (is_role(found.role) && !own && message->contains("content")) {
    found.text = message_text((*message)["content"]);
    if (is_of_client(found.text)) found.text.clear();
  }
  return found;
}

}  // namespace holdfast::documents
