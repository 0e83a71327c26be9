// Engine and Session: the one interface behind which every store is measured.
//
// Who: adapters in engines/ implement it; workloads drive it.
// Thread-safety: an Engine is immutable; a Session belongs to one worker.
// Invariants:
//   1. The process that drives a run never opens a store: create, open and all else run in
//      processes of their own, so nothing is inherited over fork.
//   2. An error of an engine ends its process with fail(): no figure is made of a broken run.
//   3. put, load and agent return when committed with the durability of the Setup, not before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/rows.h"

namespace holdfast::bench {

enum class Durability : uint8_t {
  kStrict,   // survives power loss before it is acknowledged
  kBatched,  // survives kill -9; power loss may take the last moments
};

enum class Sharing : uint8_t {
  kProcesses,  // every worker is a process
  kThreads,    // the store has one owner: every worker is a thread of one process
};

enum class Work : uint8_t {
  kPuts,       // commits of one put
  kAgent,      // agent transactions, one counter for all
  kOwnAgent,   // the same, a counter each
  kReads,      // gets and scans
  kMixed,      // gets beside strict puts
  kOpening,    // processes that live for a moment
  kRecovery,   // opening after kill -9
  kLoad,       // many rows at once
  kOverwrite,  // the same rows again and again
  kScale,      // stores of several sizes
  kIdle,       // memory of a process that does nothing
};

struct Setup {
  std::string directory;  // exists, empty before create()
  Durability durability = Durability::kStrict;
  // What a log that is prepared in advance should have room for.
  uint64_t log_bytes = 0;
  // False: whatever bounds the log (checkpoints, flushes of the memory table) is put off.
  bool checkpoints = true;
  // True where rows are read and written in one transaction by several workers.
  bool transactions = false;
};

struct Scanned {
  size_t rows = 0;
  uint64_t value_bytes = 0;
  std::string last_key;
};

// Read two keys; insert an observation and two index rows; add one to a shared counter.
struct AgentTransaction {
  std::array<std::string_view, 2> reads;
  std::string_view observation_key;
  std::string_view observation;
  std::array<std::string_view, 2> index_keys;
  std::string_view index_value;
  std::string_view counter_key;  // its value: 8 bytes, little-endian, absent means 0
};

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  virtual void put(std::string_view key, std::string_view value) = 0;
  // All rows in one transaction. Where `ascending`, their keys are, and follow all that are there.
  virtual void load(std::span<const Row> rows, bool ascending) = 0;
  virtual void agent(const AgentTransaction& transaction) = 0;
  // Copies the value out; false when there is none. In the held read transaction, or in its own.
  virtual bool get(std::string_view key, std::string& value) = 0;
  // Reads `count` rows from the first key >= `begin`, touching key and value of each.
  virtual Scanned scan(std::string_view begin, size_t count) = 0;
  // Between hold and release all reads share one read transaction.
  virtual void hold() = 0;
  virtual void release() = 0;
  // What is kept for the read transaction that is held, and for no other, if the engine tells.
  virtual double held_mb() { return 0; }
  // All that was committed survives power loss when this returns.
  virtual void flush() = 0;
  // Bounds what an opening has to do, as far as the engine can be told to.
  virtual void checkpoint() = 0;
};

class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual std::string name() const = 0;
  // Version and every option that matters, for the head of the table.
  virtual std::string options(Durability durability) const = 0;
  virtual Sharing sharing() const { return Sharing::kProcesses; }
  virtual bool does(Work) const { return true; }
  virtual void create(const Setup& setup) const = 0;
  virtual std::unique_ptr<Session> open(const Setup& setup) const = 0;
  // Takes from a store that nobody has open what a reboot takes. False: nothing.
  virtual bool reboot(const Setup&) const { return false; }
  // Whether W8 may load rows in random order.
  virtual bool loads_unsorted() const { return does(Work::kLoad); }
  // What is not log: files whose size a checkpoint does not bound.
  virtual bool is_data(const std::string& file_name) const = 0;
};

using EngineList = std::vector<std::unique_ptr<Engine>>;

// All that were built in, in the order of the table.
EngineList make_engines();

// Says what went wrong and ends this process at once.
[[noreturn]] void fail(const std::string& message);

inline void require(bool condition, std::string_view message) {
  if (__builtin_expect(!condition, 0)) fail(std::string(message));
}

}  // namespace holdfast::bench
