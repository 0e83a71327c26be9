// The settings of a coding agent, with and without our hooks. Known: Claude Code (settings.json).
//
// Thread-safety: pure functions.
// Invariants:
//   1. Whatever else the settings hold stays, in its order.
//   2. without_hooks(with_hooks(settings)) == without_hooks(settings).
#pragma once

#include <string>

#include "cli/output.h"

namespace holdfast::hooks {

using cli::Json;

// `settings` with the hooks in place of those that an installation before has left. `program` is
// how a shell calls the binary, with --store and --space where they are given.
// Errors: ConditionFalse: the settings are not what the client documents, and are left alone.
Result<Json> with_hooks(const Json& settings, const std::string& program);

// `settings` without them, and without what is empty then. Errors: as above.
Result<Json> without_hooks(const Json& settings);

// What changes, for people: lines of both with "-", "+" or " " in front, and two lines around each
// change. Empty: nothing.
std::string line_difference(const std::string& before, const std::string& after);

// `word` as one word of a shell's command.
std::string shell_word(const std::string& word);

}  // namespace holdfast::hooks
