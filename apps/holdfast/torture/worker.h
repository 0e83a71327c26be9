// The processes that torture a store: writers, readers, a caretaker and claimants. Each body runs
// in a child until it is killed or told to stop, and returns its exit code.
#pragma once

#include <cstdint>
#include <string>

#include "holdfast/store.h"
#include "torture/findings.h"

namespace holdfast::torture {

struct WorkerOptions {
  std::string store_path;
  std::string ledger_path;  // of a writer or claimant
  StoreOptions store;
  uint64_t seed = 0;
  uint32_t worker = 0;
  uint32_t writers = 0;       // workers 0 to writers - 1 write
  bool sets_up = false;       // the store may not be there yet, or be empty
  bool forks = false;         // a writer forks children that try to use what they inherited
  bool may_run_out = false;   // of space: calls may say so, and nothing may come of it
  uint64_t file_mib_max = 0;  // RLIMIT_FSIZE; 0: none
};

// The exit code of a worker that has noted in the findings what went wrong. No other program and no
// sanitizer leaves with it.
constexpr int kFailed = 8;
// The exit code of a worker that wants to be started again: its handle is of no use any more.
constexpr int kStartAgain = 9;

int run_writer(const WorkerOptions& options, Findings& findings);
int run_reader(const WorkerOptions& options, Findings& findings);
// Checks the whole store and writes checkpoints, again and again.
int run_caretaker(const WorkerOptions& options, Findings& findings);
// Takes claims that others want too, and writes under them; see claim_log.h.
int run_claimant(const WorkerOptions& options, Findings& findings);

enum class Role : uint8_t { kWriter, kReader, kCaretaker, kClaimant };
// One of these, within its limits.
int run_worker(Role role, const WorkerOptions& options, Findings& findings);

// Opens the store, and sets it up if that is wanted; where space may run out, again until it works
// or all are to stop.
Result<Store> open_store(const WorkerOptions& options, Findings& findings);

// Whether the call may have failed because space ran out; counts it.
bool ran_out(const WorkerOptions& options, Findings& findings, const Status& status);

// Notes what went wrong as what it is: torn, lost, or else a violation. Returns kFailed.
int failed(Findings& findings, const std::string& what, const Status& status);

// Whether the store has what `number`, the worker's last acknowledged operation, wrote.
Status check_operation(Reader& reader, const WorkerOptions& options, uint64_t number);

}  // namespace holdfast::torture
