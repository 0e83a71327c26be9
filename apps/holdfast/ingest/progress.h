// What the workers of an ingest share: the work list's position, who reads which file, and counts.
// Lives in shared memory, so a worker's death loses none of it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "documents/reader.h"
#include "holdfast/status.h"
#include "process/histogram.h"

namespace holdfast::ingest {

constexpr uint32_t kProcessesMax = 256;
constexpr int64_t kNoFile = -1;

struct Progress {
  // The first error of the store, which ends the whole ingest.
  void fail(const Status& status);
  Status failure() const;
  // A remark for the user: what was skipped or converted, and why. The first few are kept.
  void remark(std::string_view text);

  std::atomic<uint64_t> next_file = 0;
  std::array<std::atomic<int64_t>, kProcessesMax> file_of_worker;  // kNoFile between files
  std::array<std::atomic<uint64_t>, kProcessesMax> commits_of_worker = {};

  std::atomic<uint64_t> files_done = 0;
  std::atomic<uint64_t> files_unchanged = 0;
  std::atomic<uint64_t> files_read = 0;
  std::atomic<uint64_t> files_unreadable = 0;
  std::atomic<uint64_t> files_from_latin1 = 0;
  std::array<std::atomic<uint64_t>, documents::kSkipCount> files_skipped = {};
  std::atomic<uint64_t> sections_added = 0;
  std::atomic<uint64_t> sections_existing = 0;
  std::atomic<uint64_t> sections_removed = 0;
  process::Histogram commit_us;

  static constexpr size_t kRemarks = 64;
  static constexpr size_t kTextBytes = 512;
  std::atomic<uint32_t> remarks_used = 0;
  std::array<std::array<char, kTextBytes>, kRemarks> remarks = {};

 private:
  std::atomic<bool> failing_ = false;
  std::atomic<bool> failed_ = false;
  StatusCode failure_code_ = StatusCode::kOk;
  std::array<char, kTextBytes> failure_text_ = {};
};

}  // namespace holdfast::ingest
