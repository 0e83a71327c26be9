// After everything was killed: opens the store afresh, checks it, and compares it with the ledgers.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/store.h"
#include "torture/findings.h"

namespace holdfast::torture {

struct ClaimLedger {
  uint32_t worker = 0;
  std::string path;
};

struct VerifierOptions {
  std::string store_path;
  std::vector<std::string> ledger_paths;   // of worker 0, 1 ...
  std::vector<ClaimLedger> claim_ledgers;  // of claimants
  StoreOptions store;
  uint64_t seed = 0;
  bool by_workers = false;  // they make the store; if none got that far, it is empty
};

// In shared memory: the verifier is a process of its own.
struct Verdict {
  std::atomic<bool> complete = false;
  uint64_t acknowledged = 0;
  uint64_t present = 0;
  uint64_t unknown = 0;  // begun, not acknowledged: they may be there or not
  uint64_t commits = 0;  // of the store's own count
  uint64_t syncs = 0;
  uint64_t conflicts = 0;
  uint64_t takeovers = 0;
  uint64_t keys = 0;
  uint64_t open_us = 0;
  bool cold = false;
};

// Adds what is wrong to `findings`; returns the exit code of the process.
int run_verifier(const VerifierOptions& options, Findings& findings, Verdict& verdict);

}  // namespace holdfast::torture
