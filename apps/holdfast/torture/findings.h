// What workers tell the supervisor through memory that survives their death: figures, the newest
// acknowledged version, and what they found wrong.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "process/histogram.h"

namespace holdfast::torture {

constexpr uint32_t kWorkersMax = 1024;  // writers and readers
constexpr uint32_t kClaimantsMax = 64;

struct WorkerFindings {
  std::atomic<uint64_t> commits = 0;
  std::atomic<uint64_t> version_seen = 0;   // by a reader, in its newest snapshot
  std::atomic<uint64_t> counters_seen = 0;  // sum, by a reader, in its newest snapshot
  std::atomic<bool> claims = false;         // it holds a claim
};

class Findings {
 public:
  enum class Kind : uint8_t { kViolation, kTorn, kLost };

  // Counts the finding and keeps the first few texts.
  void add(Kind kind, std::string_view text);

  void acknowledge(uint64_t version) {
    uint64_t seen = version_acknowledged.load();
    while (version > seen && !version_acknowledged.compare_exchange_weak(seen, version)) {
    }
  }

  std::vector<std::string> texts() const;

  std::atomic<bool> stop = false;
  std::atomic<uint64_t> version_acknowledged = 0;  // the newest, of all workers
  std::atomic<uint64_t> reads_checked = 0;
  std::atomic<uint64_t> stores_checked = 0;  // as a whole
  std::atomic<uint64_t> checkpoints = 0;
  std::atomic<uint64_t> forks = 0;
  std::atomic<uint64_t> refused = 0;  // calls, for want of space
  std::atomic<uint64_t> claims = 0;   // taken
  std::atomic<uint64_t> guarded = 0;  // writes under one
  std::atomic<uint64_t> fenced = 0;   // such writes that were refused: it was held no longer
  std::atomic<uint64_t> violations = 0;
  std::atomic<uint64_t> torn = 0;
  std::atomic<uint64_t> lost = 0;
  process::Histogram commit_us;
  std::array<WorkerFindings, kWorkersMax + 1 + kClaimantsMax> workers;  // 1: the caretaker

 private:
  static constexpr size_t kTexts = 20;
  static constexpr size_t kTextBytes = 400;
  std::atomic<uint32_t> texts_used_ = 0;
  std::array<std::array<char, kTextBytes>, kTexts> texts_ = {};
};

}  // namespace holdfast::torture
