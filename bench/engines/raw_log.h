// RawLog: the least that a durable, shared write costs: a zero-filled file, one pwrite under a
// process-shared lock, and a sync. No checksum, no index on disk, no reader while writing. The
// floors are made of it; it is not a store.
//
// Who: floor.cc and group_floor.cc. Any number of processes.
// Invariants:
//   1. `end` moves, under the append lock, after the bytes before it were written; a process that
//      dies between leaves bytes that the next append overwrites.
//   2. Bytes before `durable` have been synced.
#pragma once

#include <pthread.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/engine.h"

namespace holdfast::bench {

// A lock in shared memory that survives the death of its owner.
class RobustLock {
 public:
  void initialize();
  void lock();
  bool try_lock();
  void unlock();

 private:
  pthread_mutex_t mutex_;
};

class RawLog {
 public:
  static constexpr size_t kCounters = 256;
  struct Control {
    RobustLock append_lock;
    alignas(64) RobustLock sync_lock;
    alignas(64) std::atomic<uint64_t> end;
    std::atomic<uint64_t> durable;
    std::atomic<uint32_t> sync_round;  // futex word: goes up when a sync has ended
    uint64_t counters[kCounters];      // of agent transactions, under the append lock
  };

  static void create(const Setup& setup);
  explicit RawLog(const Setup& setup);
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;
  ~RawLog();

  Control& control() { return *control_; }
  // REQUIRES: the append lock is held. Returns the new end.
  uint64_t append(std::string_view records);
  void sync();

 protected:
  int fd_ = -1;
  Control* control_ = nullptr;
};

// What both floors do alike; they differ in how a commit is made.
class RawLogSession : public Session {
 public:
  explicit RawLogSession(const Setup& setup);
  ~RawLogSession() override;

  void put(std::string_view key, std::string_view value) override;
  void load(std::span<const Row> rows, bool ascending) override;
  void agent(const AgentTransaction& transaction) override;
  // From a hash table and a sorted array that the first read makes of the whole log.
  bool get(std::string_view key, std::string& value) override;
  Scanned scan(std::string_view begin, size_t count) override;
  void hold() override {}
  void release() override {}
  void flush() override { log_.sync(); }
  void checkpoint() override {}

 protected:
  // Appends `records_`; where there is a counter, its next value becomes the last 8 bytes.
  virtual void commit(std::optional<size_t> counter) = 0;
  uint64_t append_records(std::optional<size_t> counter);

  const Setup setup_;
  RawLog log_;
  std::string records_;

 private:
  void add_record(std::string_view key, std::string_view value);
  void index();

  std::string_view mapped_;
  std::unordered_map<std::string_view, std::string_view> table_;
  std::vector<std::pair<std::string_view, std::string_view>> sorted_;
};

}  // namespace holdfast::bench
