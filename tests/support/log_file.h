// LogFile: the records of one log segment as they stand in its file, to be cut, damaged or forged.
// For tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "log/format.h"

namespace holdfast {

struct LogEntry {
  uint64_t offset = 0;
  uint64_t size = 0;
  log::RecordHeader header;
  uint64_t end() const { return offset + size; }  // the next one begins here
  uint64_t payload_end() const { return offset + sizeof(header) + header.payload_size; }
};

class LogFile {
 public:
  explicit LogFile(std::string path);

  const std::string& path() const { return path_; }
  const log::SegmentHeader& header() const { return header_; }
  // The chained records from the beginning of the file.
  const std::vector<LogEntry>& entries() const { return entries_; }
  // Those of them that are commits.
  const std::vector<LogEntry>& commits() const { return commits_; }
  uint64_t end() const { return entries_.empty() ? sizeof(header_) : entries_.back().end(); }

  // Changes each header, seals it again and repairs the chain: the file of another history.
  void forge(const std::function<void(log::RecordHeader&)>& change);

 private:
  void read();
  std::string path_;
  log::SegmentHeader header_;
  std::vector<LogEntry> entries_;
  std::vector<LogEntry> commits_;
};

}  // namespace holdfast
