// The keys and rows of a run, its steps, gates and timeline, and the one way in which each changes.
//
// | key                                   | value                                             |
// |---------------------------------------|---------------------------------------------------|
// | 08 40 space ~run:16                   | run: its row; the newest comes first              |
// | 08 41 space state:u8 ~run:16          | index of runs by state                            |
// | 08 42 space key                       | id:16 of the run that was started with the key    |
// | 08 43 space run:16 what:u8            | run: input ('i'), output ('o')                    |
// | 08 44 space run:16 key                | step: its row                                     |
// | 08 45 space run:16 state:u8 sort:u64 key | index of steps; leased: the handle, else empty |
// | 08 46 space run:16 what:u8 n key      | what waits for n: a step ('s') or a gate ('g')    |
// | 08 47 space run:16 what:u8 key        | step: input ('i'), output ('o')                   |
// | 08 48 space run:16 name               | gate: its row                                     |
// | 08 49 space run:16 version:u64 id:16  | timeline: time of the commit:u64, then a row      |
// | 08 4a space run:16 state:u8           | number: steps in that state                       |
//
// n is an ordered string. `sort` is a time in microseconds: of definition, or `due_us` for steps
// that are delayed or leased.
//
// Who: runs.cc, run_steps.cc, run_settle.cc. Thread-safety: that of the given target.
// Invariants:
//   1. A step is in exactly one state, has exactly one index entry and is counted once.
//   2. Every change of a step reads its row, so two transactions that change it conflict; the index
//      may be looked at without being remembered, for it is only a hint where to look.
//   3. `open` of a step is the number of its `after` that are not completed and of its `gates` that
//      are not approved; it waits exactly when that is not 0, unless it has begun.
//   4. What a step waits for says that it is awaited: who is done first need not look for others.
//   5. Each change of state leaves one line in the timeline, in the same commit.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "holdfast/run.h"
#include "holdfast/store.h"
#include "memory/access.h"
#include "memory/keys.h"
#include "memory/run_machine.h"

namespace holdfast::memory {

struct StepRow {
  StepInfo seen;            // without input and output
  uint64_t open = 0;        // what it still waits for
  bool is_awaited = false;  // another may wait for it
  uint32_t attempts_max = 1;
  uint32_t interruptions_max = 0;
  int64_t backoff_first_us = 0;
  int64_t backoff_max_us = 0;
  int64_t timeout_us = 0;     // 0: none
  int64_t timeout_at_us = 0;  // leased, with a timeout
  std::string lease_id = {};  // leased
  std::optional<HandleId> handle = {};
};

// What is written into the timeline beside a change.
struct RunNote {
  std::string_view by = {};
  std::string_view detail = {};
};

enum class DataKind : char { kInput = 'i', kOutput = 'o' };
enum class AwaitedKind : char { kStep = 's', kGate = 'g' };

class RunRows {
 public:
  // REQUIRES: `access` outlives it.
  RunRows(Access& access, uint32_t space_id, const Uuid& run);

  const Uuid& run() const { return run_; }

  // Errors of reading: Corruption. nullopt: there is none.
  Result<std::optional<RunInfo>> read_run(search::KeySource& source) const;
  Status insert_run(search::KeyTarget& target, const RunInfo& info) const;
  // REQUIRES: may_move(before.state, info.state); `before` was read in this transaction.
  Status change_run(search::KeyTarget& target, const RunInfo& before, const RunInfo& info,
                    const RunNote& note) const;
  // Everything of the run.
  Status erase_run(search::KeyTarget& target, const RunInfo& info) const;
  std::string run_data_key(DataKind what) const;
  static std::string run_name_key(uint32_t space_id, std::string_view key);
  static KeyRange run_range(uint32_t space_id);
  static KeyRange run_state_range(uint32_t space_id, RunState state);
  // The id that ends a key of one of these ranges; and the key of a run in them.
  static Uuid run_of(std::string_view key);

  Result<std::optional<StepRow>> read_step(search::KeySource& source, std::string_view key) const;
  Result<StepRow> decode_step(std::string_view key, std::string_view bytes) const;
  // With its entries for what it waits for.
  Status insert_step(search::KeyTarget& target, const StepRow& row) const;
  // REQUIRES: may_move(before.state, row.state), or the state is the same; `before` was read in
  // this transaction. A change within a state leaves no line in the timeline.
  Status change_step(search::KeyTarget& target, const StepRow& before, const StepRow& row,
                     const RunNote& note = {}) const;
  std::string step_data_key(std::string_view key, DataKind what) const;
  KeyRange step_range() const;
  std::string_view key_of_step(std::string_view step_key) const;
  // Index entries of one state, in their order; and those with a time before `until_us`.
  KeyRange index_range(StepState state) const;
  KeyRange index_range_until(StepState state, int64_t until_us) const;
  std::string_view key_of_index(std::string_view index_key) const;
  // Keys of the steps that wait, or waited, for `awaited`.
  Result<std::vector<std::string>> dependents(search::KeySource& source, AwaitedKind kind,
                                              std::string_view awaited) const;
  // `awaited` is done: one less to wait for, and ready with the last.
  Status release_dependents(search::KeyTarget& target, AwaitedKind kind,
                            std::string_view awaited) const;
  Result<uint64_t> count(search::KeySource& source, StepState state) const;

  Result<std::optional<GateInfo>> read_gate(search::KeySource& source, std::string_view name) const;
  Result<GateInfo> decode_gate(std::string_view name, std::string_view bytes) const;
  Status write_gate(search::KeyTarget& target, const GateInfo& gate) const;
  KeyRange gate_range() const;
  std::string_view name_of_gate(std::string_view gate_key) const;

  Status note(search::KeyTarget& target, std::string_view what, std::string_view key,
              uint32_t attempt, const RunNote& note) const;
  KeyRange timeline_range() const;
  Result<RunEvent> decode_event(std::string_view key, std::string_view value) const;

 private:
  Status note_awaited(search::KeyTarget& target, std::string_view step_key) const;
  std::string key(KeyKind kind, std::string_view rest) const;
  std::string index_key(const StepRow& row) const;
  std::string counter_key(StepState state) const;

  Access& access_;
  uint32_t space_id_;
  Uuid run_;
};

// The handle in a leased step's index entry; nullopt: bound to none.
std::optional<HandleId> decode_step_handle(std::string_view bytes);

}  // namespace holdfast::memory
