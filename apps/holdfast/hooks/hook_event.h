// What a coding agent tells a hook: the JSON on its standard input, and the observation that is
// made of it. The form is that of Claude Code's hooks, which Codex has too, and Gemini CLI with a
// few names of its own; members that are missing or of another type count as absent, so that a
// client's next version does not break it.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "holdfast/observation.h"

namespace holdfast::hooks {

using cli::Json;

enum class EventKind : uint8_t { kSessionStart, kPrompt, kTool, kStop };

struct HookEvent {
  EventKind kind = EventKind::kPrompt;
  std::string name = {};  // by which the client knows it: "UserPromptSubmit"
  std::string session = {};
  std::string directory = {};  // where the agent works
  std::string prompt = {};
  std::string prompt_id = {};
  std::string answer = {};      // the agent's last message
  std::string transcript = {};  // a file: every message so far
  std::string tool = {};
  std::string tool_use_id = {};
  Json tool_input = nullptr;
  Json tool_response = nullptr;
};

// Errors: InvalidArgument (no JSON object in UTF-8).
Result<HookEvent> parse_event(EventKind kind, std::string_view input);

// What is to be remembered of it; nullopt: nothing (it says nothing, or the tool only looks).
// Adding it twice adds it once where the client names the event.
std::optional<NewObservation> observation_of(const HookEvent& event);

// Whether a hook has made it.
bool is_captured(const Observation& observation);

// The agent's last message in the end of a transcript (JSON lines); empty: there is none.
std::string last_answer(std::string_view transcript_end);

// The words of a prompt as a query: without the signs and words that recall takes for operators.
std::string query_of(std::string_view prompt);

}  // namespace holdfast::hooks
