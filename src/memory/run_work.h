// What the files behind Runs share: finding a run, judging its state, and what becomes of an
// interrupted step.
//
// Who: runs.cc, run_steps.cc, run_take.cc. Thread-safety: that of the given access.
#pragma once

#include <functional>
#include <string_view>

#include "memory/lease.h"
#include "memory/run_rows.h"

namespace holdfast::memory {

Status refused(std::string message);  // ConditionFalse
// JSON of at most kStepDataSizeMax bytes. Errors: InvalidArgument, TooLarge.
Status check_json(std::string_view name, const std::optional<std::string>& text);
Status check_data(std::string_view name, std::string_view bytes);
// Whether both are absent or say the same.
bool same_json(const std::optional<std::string>& a, const std::optional<std::string>& b);

using RunReading = std::function<Status(search::KeySource&, const RunRows&, const RunInfo&)>;
using RunWriting = std::function<Status(search::KeyTarget&, const RunRows&, const RunInfo&)>;
// Run `work` on the run of that id. Errors: NotFound, InvalidArgument (not an id).
Status read_run(Access& access, std::string_view run_id, const RunReading& work);
Status write_run(Access& access, std::string_view run_id, const RunWriting& work);

// Errors: NotFound.
Result<StepRow> find_step(search::KeySource& source, const RunRows& rows, std::string_view key);

Status run_ended(const RunInfo& run);      // ConditionFalse
Status check_running(const RunInfo& run);  // ConditionFalse

// Why nobody does this leased step any more; empty: somebody does.
std::string interruption_of(HandleLiveness& liveness, const StepRow& row, int64_t now_us);
// The row without its lease.
StepRow without_lease(const StepRow& row);
// What becomes of a leased step that was interrupted, by its policy.
StepRow after_interruption(const StepRow& row, std::string_view why, int64_t now_us);
// Settles up to `limit` steps whose attempt was interrupted; how many.
Result<uint64_t> settle_interrupted(Access& access, search::KeyTarget& target, const RunRows& rows,
                                    size_t limit);

// Makes `row` completed with `output`, and what waits for it ready.
Status complete_step(search::KeyTarget& target, const RunRows& rows, const StepRow& row,
                     std::string_view output, int64_t now_us, const RunNote& note);
// A step that is to be defined, or exists already.
struct PlannedStep {
  StepRow row;
  bool existed = false;
  std::optional<std::string> input = {};
};
// Checks the step against the run and those `planned` before it; writes nothing. Errors: NotFound
// (what it is to wait for), ConditionFalse (it exists with another input).
Result<PlannedStep> plan_step(Access& access, search::KeySource& source, const RunRows& rows,
                              const NewStep& step, const std::vector<PlannedStep>& planned);
// Writes it unless it existed.
Status insert_planned(search::KeyTarget& target, const RunRows& rows, const PlannedStep& step);
// Errors: InvalidArgument, TooLarge.
Status check_step(const NewStep& step);

}  // namespace holdfast::memory
