// Messages in the transcripts that coding agents keep: JSON lines, one object each, in the forms of
// Claude Code ("type", "message"), of Codex ("payload") and of plain chats ("role", "content").
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace holdfast::documents {

struct TranscriptMessage {
  std::string role;     // "user" or "assistant"
  std::string text;     // what was said, without what tools were given and returned; may be blank
  std::string session;  // empty: not named, or the one that a line before has named
  std::optional<int64_t> happened_us;
};

// The message in a line; nullopt: the line is of no transcript.
std::optional<TranscriptMessage> transcript_message(const nlohmann::json& line);

// The texts of a message's content: itself, or the parts that are text.
std::string message_text(const nlohmann::json& content);

}  // namespace holdfast::documents
