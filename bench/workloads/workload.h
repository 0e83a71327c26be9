// The workloads: each takes one engine through one case and gives back what it measured.
//
// Who: main.cc. Every case makes its store anew (W4 and W5 keep the loaded ones), ends with SIGKILL
// of the workers, and has a fresh process compare the store with their ledgers.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "bench/measurement.h"

namespace holdfast::bench {

class LoadedStores;
class VersionedRows;

struct WorkloadKind {
  std::string_view name;
  Work work;
  Durability durability;
  std::string_view title;
};

inline constexpr std::array<WorkloadKind, 13> kWorkloads{{
    {"W1", Work::kPuts, Durability::kStrict, "strict commits of one put"},
    {"W2", Work::kPuts, Durability::kBatched, "batched commits of one put"},
    {"W3", Work::kAgent, Durability::kStrict,
     "strict agent transactions: 2 reads, observation, 2 index rows, shared counter"},
    {"W3own", Work::kOwnAgent, Durability::kStrict, "the same, each worker its own counter"},
    {"W3b", Work::kAgent, Durability::kBatched, "batched agent transactions, shared counter"},
    {"W4", Work::kReads, Durability::kBatched, "random reads of a warm store"},
    {"W5", Work::kMixed, Durability::kStrict, "4 readers beside 4 strict writers"},
    {"W6", Work::kOpening, Durability::kStrict, "open, get, strict put, close in a new process"},
    {"W7", Work::kRecovery, Durability::kBatched, "open and get after kill -9 without checkpoint"},
    {"W8", Work::kLoad, Durability::kBatched, "load in transactions of 10,000, until synced"},
    {"W9", Work::kOverwrite, Durability::kBatched, "10,000 rows overwritten, snapshot held or not"},
    {"idle", Work::kIdle, Durability::kStrict, "memory of a process with an open, idle store"},
    {"scale", Work::kScale, Durability::kStrict, "get, commit, open, checkpoint by size"},
}};

const WorkloadKind* find_workload(std::string_view name);

struct Case {
  const WorkloadKind& kind;
  const Engine& engine;
  uint32_t processes;
  uint32_t repetition;
  double seconds;
  double limit_seconds;  // of cases that end by themselves
  uint64_t keys;
  std::string directory;  // of all cases; each makes its own folder in it
};

// A folder that is removed with all its content.
class CaseFolder {
 public:
  CaseFolder(const std::string& parent, const std::string& name);
  CaseFolder(const CaseFolder&) = delete;
  CaseFolder& operator=(const CaseFolder&) = delete;
  ~CaseFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// W1 to W3.
Measurement measure_commits(const Case& which);

// W4 and W5.
std::vector<Measurement> measure_reads(const Case& which, LoadedStores& stores);
std::vector<Measurement> measure_mixed(const Case& which, LoadedStores& stores);
[[noreturn]] void get_forever(Session& session, Board& board, uint32_t worker,
                              const VersionedRows& rows);
// W7, W8, W9.
std::vector<Measurement> measure_recovery(const Case& which);
std::vector<Measurement> measure_load(const Case& which);
std::vector<Measurement> measure_overwrites(const Case& which);

// W6.
std::vector<Measurement> measure_opening(const Case& which);
// What a process costs that opens nothing.
Measurement measure_empty_process();
Measurement measure_idle(const Case& which, LoadedStores& stores);
std::vector<Measurement> measure_scale(const Case& which);

// A new store in `folder`, made by a process of its own.
void create_store(const Engine& engine, const Setup& setup);
// Loads rows (0, 0) to (0, count - 1) in transactions of 10,000, in a process of its own.
void load_store(const Engine& engine, const Setup& setup, uint64_t count);

}  // namespace holdfast::bench
