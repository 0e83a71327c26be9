// The settings of a coding agent, with and without our hooks. Known: those clients whose form of
// hooks is documented and the same: events, each with groups of commands.
//
// Thread-safety: pure functions.
// Invariants:
//   1. Whatever else the settings hold stays, in its order.
//   2. without_hooks(with_hooks(settings)) == without_hooks(settings).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "cli/output.h"

namespace holdfast::hooks {

using cli::Json;

struct ClientHook {
  const char* event;    // of the client
  const char* matcher;  // which tools; nullptr: all, or the event knows none
  const char* command;  // ours
};

struct Client {
  const char* name;
  const char* folder;           // of its settings, in a project and at the user's home
  const char* folder_variable;  // names the user's folder, if it is set; nullptr: nothing does
  const char* file;
  const char* local_file;  // the user's own in a project; nullptr: there is none
  int timeout;             // in the client's unit; a hook gives up by itself long before
  std::array<ClientHook, 4> hooks;
};

std::span<const Client> known_clients();
// REQUIRES: one of them has this name.
const Client& client_of(std::string_view name);

// `settings` with the hooks in place of those that an installation before has left. `program` is
// how a shell calls the binary, with --store and --space where they are given.
// Errors: ConditionFalse: the settings are not what the client documents, and are left alone.
Result<Json> with_hooks(const Json& settings, const Client& client, const std::string& program);

// `settings` without them, and without what is empty then. Errors: as above.
Result<Json> without_hooks(const Json& settings);

// What changes, for people: lines of both with "-", "+" or " " in front, and two lines around each
// change. Empty: nothing.
std::string line_difference(const std::string& before, const std::string& after);

// `word` as one word of a shell's command.
std::string shell_word(const std::string& word);

}  // namespace holdfast::hooks
