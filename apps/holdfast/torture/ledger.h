// The ledger of one worker: what it was about to write and what was acknowledged, in a file of its
// own outside the store. A record is one write() to a file opened for appending, so SIGKILL of the
// worker cannot lose what it had written.
//
// Who: torture and ingest's workers. One writer a file.
// Invariants:
//   1. kIntent is written before the store is called, kAcknowledged after it returned, kRefused if
//      it said for certain that nothing was written.
//   2. Numbers of intents ascend by one, also across restarts of the worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::torture {

enum class Phase : uint32_t { kIntent = 1, kAcknowledged = 2, kRefused = 3 };

struct LedgerRecord {
  uint64_t number = 0;
  uint64_t version = 0;  // of the commit; 0 in an intent
  uint32_t worker = 0;
  Phase phase = Phase::kIntent;
  uint32_t unused = 0;
  uint32_t crc = 0;  // of the bytes before
};
static_assert(sizeof(LedgerRecord) == 32);

class LedgerWriter {
 public:
  LedgerWriter() = default;
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;
  ~LedgerWriter();

  // Opens for appending, creating the file; cuts off an incomplete record at its end.
  Status open(const std::string& path, uint32_t worker);
  Status append(Phase phase, uint64_t number, uint64_t version);

 private:
  int fd_ = -1;
  uint32_t worker_ = 0;
};

// One operation of a worker, as its ledger tells it.
struct LedgerEntry {
  uint64_t number = 0;
  uint64_t version = 0;
  bool acknowledged = false;
  bool refused = false;  // neither: unknown, it may or may not have happened
};

// All operations in order. A file that is not there is empty. Errors: Corruption (a record that is
// not as it was written, or out of order), IoError.
Result<std::vector<LedgerEntry>> read_ledger(const std::string& path, uint32_t worker);

}  // namespace holdfast::torture
