// The processes that torture a store: writers and readers. Each body runs in a child until it is
// killed or told to stop, and returns its exit code.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/store.h"
#include "torture/findings.h"

namespace holdfast::torture {

struct WorkerOptions {
  std::string store_path;
  std::string ledger_path;  // of a writer
  StoreOptions store;
  uint64_t seed = 0;
  uint32_t worker = 0;
  uint32_t writers = 0;  // workers 0 to writers - 1 write
  bool sets_up = false;  // the store may not be there yet, or be empty
  bool forks = false;    // a writer forks children that try to use what they inherited
};

int run_writer(const WorkerOptions& options, Findings& findings);
int run_reader(const WorkerOptions& options, Findings& findings);
// Checks the whole store and writes checkpoints, again and again.
int run_caretaker(const WorkerOptions& options, Findings& findings);

// Opens the store, and sets it up if that is wanted.
Result<Store> open_store(const WorkerOptions& options);

// Whether the store has what `number`, the worker's last acknowledged operation, wrote.
Status check_operation(Reader& reader, const WorkerOptions& options, uint64_t number);

}  // namespace holdfast::torture
