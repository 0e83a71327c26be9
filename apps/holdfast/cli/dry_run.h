// --dry-run, of commands that destroy something.
#pragma once

#include <CLI/CLI.hpp>

namespace holdfast::cli {

inline void add_dry_run(CLI::App* command, bool& dry_run) {
  command->add_flag("--dry-run", dry_run, "Only say what would go");
}

}  // namespace holdfast::cli
