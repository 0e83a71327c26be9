// --dry-run, of commands that destroy something.
#pragma once

#include <cstdint>
#include <string>

#include "cli/commands.h"
#include "holdfast/store.h"

namespace holdfast::cli {

inline void add_dry_run(CLI::App* command, bool& dry_run) {
  command->add_flag("--dry-run", dry_run, "Only say what would go");
}

// What `work` removes: it is given nothing, or, in a dry run, a transaction that is not committed.
template <typename Work>
Result<uint64_t> removed_by(Store& store, bool dry_run, const Work& work) {
  if (!dry_run) return work();
  HOLDFAST_ASSIGN(Transaction transaction, store.begin());
  return work(transaction);
}

// How many things went, or would go.
inline void print_removed(const Output& output, uint64_t count, const std::string& one,
                          const std::string& many, bool dry_run) {
  if (output.json()) {
    output.print({{"removed", count}});
  } else {
    output.line(counted(count, one, many) + (dry_run ? " would go" : " removed"));
  }
}

}  // namespace holdfast::cli
