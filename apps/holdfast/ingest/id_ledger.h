// A side file of the ids that were acknowledged, one a line, so that a stranger can compare them
// with the store. Lines are appended after the commit returned, whole commits in one write().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast::ingest {

class IdLedger {
 public:
  IdLedger() = default;
  IdLedger(const IdLedger&) = delete;
  IdLedger& operator=(const IdLedger&) = delete;
  ~IdLedger();

  // Errors: IoError, PermissionDenied.
  Status open(const std::string& path);
  Status append(std::span<const std::string> ids);

 private:
  int fd_ = -1;
  std::string path_;
};

// Errors: NotFound, IoError, Corruption (a line that is not an id).
Result<std::vector<std::string>> read_id_ledger(const std::string& path);

}  // namespace holdfast::ingest
