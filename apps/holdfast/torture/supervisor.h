// Starts the workers, kills and stops them at random, starts them again, and reports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/store.h"

namespace holdfast::torture {

struct TortureOptions {
  std::string directory;  // scratch: holds store/ and ledger/
  uint32_t processes = 8;
  double seconds = 10;
  bool kill = false;
  bool stop = false;
  uint32_t strike_ms = 150;  // between kills or stops, at the mean
  bool pid_namespaces = false;
  uint32_t claimants = 0;     // so many more processes contend for claims
  bool care = false;          // one more process checks the store and writes checkpoints
  bool forks = false;         // writers fork children
  bool first_open = false;    // the store is not made before the workers open it
  std::string with;           // another build of the program, which runs part of the workers
  uint64_t disk_mib = 0;      // the store is on a tmpfs of that size, which fills up; 0: it is not
  uint64_t file_mib_max = 0;  // RLIMIT_FSIZE of the workers; 0: none
  uint64_t seed = 0;
  bool progress = false;  // a line on stderr, rewritten each second
  StoreOptions store;
};

struct TortureReport {
  uint64_t acknowledged = 0;
  uint64_t present = 0;
  uint64_t unknown = 0;
  uint64_t lost = 0;
  uint64_t torn = 0;
  uint64_t violations = 0;
  uint64_t kills = 0;
  uint64_t stops = 0;
  uint64_t restarts = 0;
  uint64_t starts_with = 0;  // of workers, in the other build
  uint64_t reads_checked = 0;
  uint64_t stores_checked = 0;
  uint64_t checkpoints = 0;
  uint64_t forks = 0;
  uint64_t refused = 0;  // calls, for want of space
  uint64_t claims = 0;   // taken
  uint64_t guarded = 0;  // writes under one
  uint64_t fenced = 0;   // such writes that were refused: it was held no longer
  uint64_t writers = 0;
  uint64_t readers = 0;
  double seconds = 0;
  double commits_per_second = 0;
  uint64_t p50_us = 0;
  uint64_t p99_us = 0;
  uint64_t max_us = 0;
  uint64_t slowest_worker_commits = 0;
  uint64_t fastest_worker_commits = 0;
  double commits_per_sync = 0;
  uint64_t takeovers = 0;
  uint64_t conflicts = 0;
  uint64_t keys = 0;
  uint64_t open_us = 0;
  bool cold_open = false;
  std::vector<std::string> problems;

  bool passed() const { return lost == 0 && torn == 0 && violations == 0; }
};

// Errors: PermissionDenied (PID namespaces or mounts are not permitted), InvalidArgument (the other
// build cannot be executed), IoError, and what the first open of the store returns. What goes wrong
// afterwards is in the report.
Result<TortureReport> run_torture(const TortureOptions& options);

}  // namespace holdfast::torture
