#include "hooks/client_settings.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace holdfast::hooks {
namespace {

constexpr std::array kClients = {Client{.name = "claude-code",
                                        .folder = ".claude",
                                        .folder_variable = "CLAUDE_CONFIG_DIR",
                                        .file = "settings.json",
                                        .local_file = "settings.local.json",
                                        .timeout = 5,
                                        .hooks = {{{"SessionStart", nullptr, "session-start"},
                                                   {"UserPromptSubmit", nullptr, "prompt"},
                                                   {"PostToolUse", "*", "tool"},
                                                   {"Stop", nullptr, "stop"}}}},
                                 Client{.name = "codex",
                                        .folder = ".codex",
                                        .folder_variable = "CODEX_HOME",
                                        .file = "hooks.json",
                                        .local_file = nullptr,
                                        .timeout = 5,
                                        .hooks = {{{"SessionStart", nullptr, "session-start"},
                                                   {"UserPromptSubmit", nullptr, "prompt"},
                                                   {"PostToolUse", nullptr, "tool"},
                                                   {"Stop", nullptr, "stop"}}}},
                                 Client{.name = "gemini-cli",
                                        .folder = ".gemini",
                                        .folder_variable = nullptr,
                                        .file = "settings.json",
                                        .local_file = nullptr,
                                        .timeout = 5'000,
                                        .hooks = {{{"SessionStart", nullptr, "session-start"},
                                                   {"BeforeAgent", nullptr, "prompt"},
                                                   {"AfterTool", nullptr, "tool"},
                                                   {"AfterAgent", nullptr, "stop"}}}}};

Status not_understood(const std::string& where) {
  return Status(StatusCode::kConditionFalse,
                "\"" + where +
                    "\" in the settings is not what the client documents; nothing was "
                    "changed: mend it, or add the hooks by hand");
}

// "holdfast ... hook prompt", with any path and options.
bool is_ours(const Json& entry) {
  if (!entry.is_object() || !entry.contains("command") || !entry["command"].is_string()) {
    return false;
  }
  const auto command = entry["command"].get<std::string>();
  const auto& hooks = kClients.front().hooks;  // all clients call the same
  return std::any_of(hooks.begin(), hooks.end(), [&](const ClientHook& hook) {
    return command.find("holdfast") != command.npos &&
           command.ends_with(std::string(" hook ") + hook.command);
  });
}

// The groups of one event without our hooks, and without groups that are empty then.
Result<Json> groups_without(const Json& groups, const std::string& event) {
  if (!groups.is_array()) return not_understood("hooks." + event);
  Json kept = Json::array();
  for (const Json& group : groups) {
    if (!group.is_object() || !group.contains("hooks") || !group["hooks"].is_array()) {
      kept.push_back(group);
      continue;
    }
    Json entries = Json::array();
    for (const Json& entry : group["hooks"]) {
      if (!is_ours(entry)) entries.push_back(entry);
    }
    if (entries.empty() && !group["hooks"].empty()) continue;
    Json rest = group;
    rest["hooks"] = std::move(entries);
    kept.push_back(std::move(rest));
  }
  return kept;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

// Both texts as one list of lines, each with the sign that says whose it is.
std::vector<std::pair<char, std::string_view>> merged(const std::vector<std::string_view>& before,
                                                      const std::vector<std::string_view>& after) {
  // common[i][j]: how many lines the rests behind i and j share in order.
  std::vector<std::vector<size_t>> common(before.size() + 1,
                                          std::vector<size_t>(after.size() + 1, 0));
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = after.size(); j-- > 0;) {
      common[i][j] = before[i] == after[j] ? common[i + 1][j + 1] + 1
                                           : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::pair<char, std::string_view>> lines;
  for (size_t i = 0, j = 0; i < before.size() || j < after.size();) {
    const bool both = i < before.size() && j < after.size();
    if (both && before[i] == after[j]) {
      lines.emplace_back(' ', before[i++]);
      ++j;
    } else if (j == after.size() || (both && common[i + 1][j] >= common[i][j + 1])) {
      lines.emplace_back('-', before[i++]);
    } else {
      lines.emplace_back('+', after[j++]);
    }
  }
  return lines;
}

// The same; what both begin and end with is not compared pair by pair, which takes a number for
// each pair of lines.
std::vector<std::pair<char, std::string_view>> merged_lines(std::vector<std::string_view> before,
                                                            std::vector<std::string_view> after) {
  std::vector<std::pair<char, std::string_view>> lines;
  const auto [differs, other] =
      std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  for (auto same = before.begin(); same != differs; ++same) lines.emplace_back(' ', *same);
  after.erase(after.begin(), other);
  before.erase(before.begin(), differs);
  std::vector<std::string_view> end;
  while (!before.empty() && !after.empty() && before.back() == after.back()) {
    end.push_back(before.back());
    before.pop_back();
    after.pop_back();
  }
  constexpr size_t kPairsMax = 10'000'000;
  if (before.size() * after.size() <= kPairsMax) {
    for (const auto& line : merged(before, after)) lines.push_back(line);
  } else {
    for (const std::string_view line : before) lines.emplace_back('-', line);
    for (const std::string_view line : after) lines.emplace_back('+', line);
  }
  for (auto same = end.rbegin(); same != end.rend(); ++same) lines.emplace_back(' ', *same);
  return lines;
}

}  // namespace

std::span<const Client> known_clients() {
  return kClients;
}

const Client& client_of(std::string_view name) {
  const auto found = std::find_if(kClients.begin(), kClients.end(),
                                  [&](const Client& client) { return client.name == name; });
  CHECK(found != kClients.end());
  return *found;
}

Result<Json> without_hooks(const Json& settings) {
  if (!settings.is_object()) return not_understood("(all)");
  Json rest = settings;
  if (!rest.contains("hooks")) return rest;
  if (!rest["hooks"].is_object()) return not_understood("hooks");
  Json events = Json::object();
  bool changed = false;
  for (const auto& [event, groups] : rest["hooks"].items()) {
    HOLDFAST_ASSIGN(Json kept, groups_without(groups, event));
    const bool same = kept == groups;
    changed = changed || !same;
    if (same || !kept.empty()) events[event] = std::move(kept);
  }
  if (events.empty() && changed) {
    rest.erase("hooks");
  } else {
    rest["hooks"] = std::move(events);
  }
  return rest;
}

Result<Json> with_hooks(const Json& settings, const Client& client, const std::string& program) {
  HOLDFAST_ASSIGN(Json rest, without_hooks(settings));
  for (const ClientHook& hook : client.hooks) {
    Json group = Json::object();
    if (hook.matcher != nullptr) group["matcher"] = hook.matcher;
    group["hooks"] = Json::array({{{"type", "command"},
                                   {"command", program + " hook " + hook.command},
                                   {"timeout", client.timeout}}});
    rest["hooks"][hook.event].push_back(std::move(group));
  }
  return rest;
}

std::string line_difference(const std::string& before, const std::string& after) {
  constexpr size_t kAround = 2;
  const auto lines = merged_lines(lines_of(before), lines_of(after));
  std::vector<bool> shown(lines.size(), false);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].first == ' ') continue;
    const size_t end = std::min(lines.size(), i + kAround + 1);
    for (size_t k = i - std::min(i, kAround); k < end; ++k) shown[k] = true;
  }
  std::string text;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!shown[i]) {
      if (i > 0 && shown[i - 1]) text += "  ...\n";
      continue;
    }
    text += std::string(1, lines[i].first) + " " + std::string(lines[i].second);
    if (!text.ends_with('\n')) text += '\n';
  }
  return text;
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@%+=,";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace holdfast::hooks
