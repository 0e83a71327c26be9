#include "hooks/hook_event.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "cli/digest.h"
#include "cli/json_text.h"
#include "documents/transcript.h"

namespace holdfast::hooks {
namespace {

constexpr size_t kTextSizeMax = 64 * 1024;  // bytes of a prompt or an answer
constexpr size_t kInputSizeMax = 800;       // bytes of what a tool was given
constexpr size_t kResponseSizeMax = 1'600;  // bytes of what it returned
// The user's own words are trusted whole; what an agent concludes from them less, and what a tool
// brings in from anywhere least.
constexpr double kAnswerTrust = 0.8;
constexpr double kToolTrust = 0.5;

std::string text_of(const Json& object, const char* name) {
  if (!object.contains(name) || !object[name].is_string()) return {};
  return object[name].get<std::string>();
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Beginning and end of a long text: what failed is said at the end.
std::string shortened(const std::string& text, size_t size_max) {
  if (text.size() <= size_max) return text;
  const std::string_view head = utf8_prefix(text, size_max * 2 / 3);
  size_t tail = text.size() - size_max / 3;
  while (utf8_prefix(text, tail).size() != tail) ++tail;
  return std::string(head) + "\n...\n" + text.substr(tail);
}

// Tools that only look, or keep the agent's own notes: what they return is in the files.
bool only_looks(const std::string& tool) {
  constexpr std::array kLooking = {
      "Read",           "Glob",           "Grep",     "LS",
      "TodoWrite",      "NotebookRead",   "TodoRead", "BashOutput",
      "read_file",      "list_directory", "glob",     "search_file_content",
      "read_many_files"};
  if (std::find(kLooking.begin(), kLooking.end(), tool) != kLooking.end()) return true;
  return tool.rfind("mcp__holdfast__", 0) == 0;  // it is in the store already
}

std::string input_text(const Json& input) {
  if (!input.is_object()) return input.is_null() ? "" : dump(input);
  std::string text;
  for (const char* name : {"command", "file_path", "notebook_path", "url", "query", "pattern",
                           "description", "prompt", "old_string", "new_string"}) {
    const std::string value = text_of(input, name);
    if (value.empty()) continue;
    const std::string_view label = name;
    const bool edit = label == "old_string" || label == "new_string";
    text += (text.empty() ? "" : "\n") + (edit ? std::string(label) + ": " : "") +
            shortened(value, kInputSizeMax / 2);
  }
  return text.empty() ? dump(input) : text;
}

std::string response_text(const Json& response) {
  if (response.is_null()) return {};
  if (!response.is_object()) {
    const std::string text = documents::message_text(response);
    return text.empty() ? dump(response) : text;
  }
  std::string text;
  for (const char* name : {"stdout", "stderr", "error", "result", "llmContent"}) {
    const std::string value = text_of(response, name);
    if (!value.empty()) text += (text.empty() ? "" : "\n") + value;
  }
  if (text.empty() && response.contains("content"))
    text = documents::message_text(response["content"]);
  const bool quiet = response.contains("stdout") || response.contains("filePath");
  return text.empty() && !quiet ? dump(response) : text;
}

std::optional<NewObservation> observation_of_tool(const HookEvent& event) {
  if (event.tool.empty() || only_looks(event.tool)) return std::nullopt;
  NewObservation observation;
  observation.kind = "tool";
  observation.source = "tool:" + event.tool;
  observation.trust = kToolTrust;
  observation.content = event.tool + ": " + shortened(input_text(event.tool_input), kInputSizeMax);
  const std::string response = response_text(event.tool_response);
  if (!response.empty()) observation.content += "\n-> " + shortened(response, kResponseSizeMax);
  return observation;
}

NewObservation observation_of_text(const std::string& text, const char* kind, double trust) {
  NewObservation observation;
  observation.content = utf8_prefix(text, kTextSizeMax);
  observation.kind = kind;
  observation.source = std::string("hook:") + kind;
  if (trust < 1) observation.trust = trust;
  return observation;
}

// What Claude Code calls it.
std::string_view event_name(EventKind kind) {
  switch (kind) {
    case EventKind::kSessionStart:
      return "SessionStart";
    case EventKind::kPrompt:
      return "UserPromptSubmit";
    case EventKind::kTool:
      return "PostToolUse";
    case EventKind::kStop:
      return "Stop";
  }
  return "";
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

}  // namespace

Result<HookEvent> parse_event(EventKind kind, std::string_view input) {
  const Json json = cli::parse_json(input);
  if (!json.is_object()) {
    return Status(StatusCode::kInvalidArgument,
                  "standard input is not the JSON object that a client gives to its hooks, or is "
                  "nested too deeply");
  }
  HookEvent event;
  event.kind = kind;
  event.name = text_of(json, "hook_event_name");
  if (event.name.empty()) event.name = event_name(kind);
  event.session = utf8_prefix(text_of(json, "session_id"), kLabelSizeMax);
  event.directory = text_of(json, "cwd");
  event.prompt = text_of(json, "prompt");
  event.prompt_id = text_of(json, "prompt_id");
  event.answer = text_of(json, "last_assistant_message");
  if (event.answer.empty()) event.answer = text_of(json, "prompt_response");
  event.transcript = text_of(json, "transcript_path");
  event.tool = utf8_prefix(text_of(json, "tool_name"), kLabelSizeMax / 2);
  event.tool_use_id = text_of(json, "tool_use_id");
  if (json.contains("tool_input")) event.tool_input = json["tool_input"];
  if (json.contains("tool_response")) event.tool_response = json["tool_response"];
  return event;
}

std::optional<NewObservation> observation_of(const HookEvent& event) {
  std::optional<NewObservation> observation;
  std::string name;  // by which the client knows it
  switch (event.kind) {
    case EventKind::kSessionStart:
      return std::nullopt;
    case EventKind::kPrompt:
      if (!is_blank(event.prompt)) observation = observation_of_text(event.prompt, "prompt", 1);
      name = event.prompt_id;
      break;
    case EventKind::kTool:
      observation = observation_of_tool(event);
      name = event.tool_use_id;
      break;
    case EventKind::kStop:
      if (!is_blank(event.answer)) {
        observation = observation_of_text(event.answer, "answer", kAnswerTrust);
        name = event.answer;
      }
      break;
  }
  if (!observation) return std::nullopt;
  if (!event.session.empty()) observation->session = event.session;
  if (!name.empty()) {
    cli::Digest digest;
    digest.add(event_name(event.kind)).add(event.session).add(name);
    observation->key = "hook:" + digest.text();
  }
  return observation;
}

bool is_captured(const Observation& observation) {
  return observation.kind == "tool" || observation.source.value_or("").starts_with("hook:");
}

std::string last_answer(std::string_view transcript_end) {
  while (!transcript_end.empty()) {
    const size_t before = transcript_end.rfind('\n', transcript_end.size() - 1);
    const size_t begin = before == transcript_end.npos ? 0 : before + 1;
    const auto line = nlohmann::json::parse(transcript_end.substr(begin), nullptr, false);
    const auto message = documents::transcript_message(line);
    if (message && message->role == "assistant" && !is_blank(message->text)) return message->text;
    transcript_end = transcript_end.substr(0, begin == 0 ? 0 : begin - 1);
  }
  return {};
}

std::string query_of(std::string_view prompt) {
  constexpr size_t kQuerySizeMax = 1'000;
  constexpr size_t kWordsMax = 48;
  prompt = utf8_prefix(prompt, kQuerySizeMax);
  std::string query;
  size_t words = 0;
  for (size_t begin = 0; begin < prompt.size() && words < kWordsMax;) {
    size_t end = prompt.find_first_of(" \t\r\n\"*()", begin);
    if (end == prompt.npos) end = prompt.size();
    std::string_view word = prompt.substr(begin, end - begin);
    while (word.starts_with('-') || word.starts_with('+')) word.remove_prefix(1);
    const bool is_operator = word == "AND" || word == "OR" || word == "NOT";
    if (!word.empty() && !is_operator) {
      query += (query.empty() ? "" : " ") + std::string(word);
      ++words;
    }
    begin = end + 1;
  }
  return query;
}

}  // namespace holdfast::hooks
