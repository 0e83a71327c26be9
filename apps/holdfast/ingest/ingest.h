// Ingest: several processes bring files into a space. They are forked and each opens the store for
// itself; they take files from a shared list, and what a killed one had begun is taken again by its
// successor.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "holdfast/store.h"
#include "ingest/file_list.h"
#include "ingest/progress.h"

namespace holdfast::ingest {

struct IngestOptions {
  std::string store_path;
  std::string space;
  StoreOptions store;
  uint32_t processes = 1;
  std::string ledger_path;  // empty: none
  // SIGKILLs one worker when about a third of the files is done, to show that nothing is lost.
  bool kill_one = false;
  bool progress = false;  // a line on stderr, rewritten
  // Called with a line of text for what the user should see at once (a kill, a restart).
  std::function<void(const std::string&)> announce;
};

struct IngestReport {
  uint64_t kills = 0;     // by kill_one
  uint64_t restarts = 0;  // of workers that died, however
  double seconds = 0;
};

// REQUIRES: one thread, no store open. Errors: the first one of the store in any worker; what was
// committed before it stays, and a second run goes on from there.
Result<IngestReport> run_ingest(const IngestOptions& options, const std::vector<InputFile>& files,
                                Progress& progress);

// The space where files are noted, below the one they are ingested into.
Result<Space> notes_of(const Space& space);

}  // namespace holdfast::ingest
