#include "holdfast/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory/map_access.h"

namespace holdfast::memory {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RunsTest : public testing::Test {
 protected:
  void SetUp() override { run_ = runs().start({.name = "build"})->id; }
  // `owner` stands for a process.
  Runs runs(uint32_t owner = 1) {
    return Runs(std::make_shared<MapAccess>(keys_, clock_, SpaceSegments{"a"}, owner));
  }
  void define(const NewStep& step) {
    const auto defined = runs().define(run_, std::span(&step, 1));
    ASSERT_TRUE(defined) << defined.status().to_string();
  }
  StepLease take(uint32_t owner = 1, const StepLeaseOptions& options = {}) {
    auto lease = runs(owner).take(run_, options);
    EXPECT_TRUE(lease) << lease.status().to_string();
    if (!lease || !*lease) {
      ADD_FAILURE() << "no step to take";
      return {};
    }
    return **lease;
  }
  bool nothing_to_take(uint32_t owner = 1) { return !*runs(owner).take(run_); }
  StepState state(std::string_view key) { return runs().step(run_, key)->state; }
  void pass(milliseconds span) { clock_.now_us += span.count() * 1000; }
  void do_step(std::string_view key, std::string_view output) {
    const auto begun = runs().begin(run_, {.key = std::string(key)});
    ASSERT_TRUE(begun && begun->lease) << begun.status().to_string();
    ASSERT_TRUE(runs().complete(*begun->lease, output));
  }

  search::MapKeyspace keys_;
  MapClock clock_;
  std::string run_;
};

TEST_F(RunsTest, ARunIsStartedFoundAndFinished) {
  const auto started =
      runs().start({.name = "review", .key = "pr 7", .input = R"({"b":1,"a":2})", .session = "s"});
  ASSERT_TRUE(started);
  EXPECT_FALSE(started->existed);
  RunInfo run = *runs().get(started->id);
  EXPECT_EQ(run.name, "review");
  EXPECT_EQ(run.key, "pr 7");
  EXPECT_EQ(run.session, "s");
  EXPECT_EQ(run.input, R"({"b":1,"a":2})");
  EXPECT_EQ(run.state, RunState::running);
  ASSERT_TRUE(runs().finish(started->id, "done"));
  run = *runs().get(started->id);
  EXPECT_EQ(run.state, RunState::completed);
  EXPECT_EQ(run.output, "done");
  EXPECT_GT(run.ended_us, 0);
}

TEST_F(RunsTest, AKeyNamesOneRunAndInputsAreComparedByValue) {
  const auto first = runs().start({.name = "x", .key = "k", .input = R"({"b":1.0,"a":[]})"});
  const auto again = runs().start({.name = "x", .key = "k", .input = R"({"a": [], "b":1})"});
  EXPECT_EQ(again->id, first->id);
  EXPECT_TRUE(again->existed);
  const auto other = runs().start({.name = "x", .key = "k", .input = R"({"a":[],"b":2})"});
  EXPECT_EQ(other.status().code(), StatusCode::kConditionFalse);
}

TEST_F(RunsTest, RunsAreListedNewestFirstAndByState) {
  const std::string second = runs().start({.name = "second"})->id;
  const std::string third = runs().start({.name = "third"})->id;
  ASSERT_TRUE(runs().cancel(second, "no need"));
  std::vector<std::string> names;
  const auto all = runs().list();
  for (const RunInfo& run : *all) names.push_back(run.name);
  EXPECT_THAT(names, ElementsAre("third", "second", "build"));
  EXPECT_EQ(runs().list({.after = third})->front().name, "second");
  const auto cancelled = runs().list({.state = RunState::cancelled});
  ASSERT_EQ(cancelled->size(), 1u);
  EXPECT_EQ(cancelled->front().error, "no need");
}

TEST_F(RunsTest, IllegalMovesOfARunAreRefused) {
  ASSERT_TRUE(runs().pause(run_));
  EXPECT_EQ(runs().finish(run_).code(), StatusCode::kConditionFalse);
  EXPECT_EQ(runs().take(run_).status().code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(runs().resume(run_));
  EXPECT_EQ(runs().resume(run_).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(runs().finish(run_));
  for (const Status& status : {runs().finish(run_), runs().fail(run_, "x"),
                               runs().cancel(run_, "x"), runs().pause(run_), runs().resume(run_)}) {
    EXPECT_EQ(status.code(), StatusCode::kConditionFalse);
    EXPECT_THAT(std::string(status.message()), HasSubstr("completed"));
  }
  EXPECT_EQ(runs().begin(run_, {.key = "late"}).status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(runs().get("01890a5d-ac96-774b-bcce-b302099a8057").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(runs().get("x").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(RunsTest, ACompletedStepReturnsWhatItReturned) {
  const NewStep step = {.key = "fetch", .input = R"({"url":"u"})"};
  const auto begun = runs().begin(run_, step);
  ASSERT_TRUE(begun->lease);
  EXPECT_EQ(begun->lease->input, step.input);
  EXPECT_EQ(begun->lease->attempt, 1u);
  ASSERT_TRUE(runs().complete(*begun->lease, "200 OK"));
  const auto again = runs(2).begin(run_, {.key = "fetch", .input = "{ \"url\" : \"u\" }"});
  EXPECT_TRUE(again->completed);
  EXPECT_EQ(again->output, "200 OK");
  EXPECT_FALSE(again->lease);
  EXPECT_EQ(runs().begin(run_, {.key = "fetch", .input = "{}"}).status().code(),
            StatusCode::kConditionFalse);
  ASSERT_TRUE(runs().finish(run_));
  EXPECT_TRUE(runs().begin(run_, step)->completed) << "also when the run has ended";
}

TEST_F(RunsTest, WhoGivesNoInputGetsTheStepAsItIs) {
  const NewStep step = {.key = "s", .input = R"({"n":1})"};
  ASSERT_TRUE(runs().define(run_, std::span(&step, 1)));
  const auto begun = runs().begin(run_, {.key = "s"});
  ASSERT_TRUE(begun) << begun.status().to_string();
  EXPECT_EQ(begun->lease->input, R"({"n":1})");
  EXPECT_EQ(runs().begin(run_, {.key = "s", .input = "2"}).status().code(),
            StatusCode::kConditionFalse);
}

TEST_F(RunsTest, ARunningStepIsNobodyElses) {
  const auto begun = runs(1).begin(run_, {.key = "a"}, {.holder = "worker 1"});
  ASSERT_TRUE(begun->lease);
  const auto other = runs(2).begin(run_, {.key = "a"});
  EXPECT_EQ(other.status().code(), StatusCode::kBusy);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("worker 1"));
  EXPECT_TRUE(nothing_to_take(2));
}

TEST_F(RunsTest, WhoWaitsGetsTheResultOfWhoDoesIt) {
  const auto begun = runs(1).begin(run_, {.key = "a"});
  clock_.on_pause = [&] {
    clock_.on_pause = {};
    ASSERT_TRUE(runs(1).complete(*begun->lease, "out"));
  };
  const auto waited = runs(2).begin(run_, {.key = "a"}, {.wait = milliseconds(1000)});
  ASSERT_TRUE(waited) << waited.status().to_string();
  EXPECT_EQ(waited->output, "out");
}

TEST_F(RunsTest, StepsAreTakenWhenWhatTheyWaitForIsCompleted) {
  const std::vector<NewStep> steps = {
      {.key = "a"}, {.key = "b"}, {.key = "c", .after = {"a", "b"}}, {.key = "d", .after = {"c"}}};
  ASSERT_THAT(*runs().define(run_, steps), ElementsAre(false, false, false, false));
  ASSERT_THAT(*runs().define(run_, steps), ElementsAre(true, true, true, true));
  const StepLease a = take(1);
  const StepLease b = take(2);
  EXPECT_NE(a.key, b.key);
  EXPECT_TRUE(nothing_to_take());
  ASSERT_TRUE(runs().complete(a, ""));
  EXPECT_EQ(state("c"), StepState::waiting);
  EXPECT_EQ(runs().begin(run_, steps[2]).status().code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(runs(2).complete(b, ""));
  EXPECT_EQ(state("c"), StepState::ready);
  EXPECT_EQ(state("d"), StepState::waiting);
  EXPECT_EQ(take().key, "c");
  EXPECT_EQ(runs().progress(run_)->total(), 4u);
  EXPECT_EQ(runs().finish(run_).code(), StatusCode::kConditionFalse);
}

TEST_F(RunsTest, DependenciesMustExistSoThereAreNoCycles) {
  const auto before = keys_.entries;
  const std::vector<NewStep> steps = {{.key = "a"}, {.key = "b", .after = {"later"}}};
  EXPECT_EQ(runs().define(run_, steps).status().code(), StatusCode::kNotFound);
  const NewStep itself = {.key = "x", .after = {"x"}};
  EXPECT_EQ(runs().define(run_, std::span(&itself, 1)).status().code(),
            StatusCode::kInvalidArgument);
  const NewStep gated = {.key = "x", .gates = {"g"}};
  EXPECT_EQ(runs().define(run_, std::span(&gated, 1)).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.entries, before) << "a refused call has written nothing";
}

TEST_F(RunsTest, AFailedAttemptIsRepeatedAfterAPauseUntilNoneIsLeft) {
  define({.key = "a", .attempts_max = 3, .backoff_first = milliseconds(100)});
  ASSERT_TRUE(runs().fail(take(), "first"));
  EXPECT_EQ(state("a"), StepState::delayed);
  EXPECT_TRUE(nothing_to_take());
  pass(milliseconds(100));
  const StepLease second = take();
  EXPECT_EQ(second.attempt, 2u);
  EXPECT_EQ(second.last_error, "first");
  ASSERT_TRUE(runs().fail(second, "second"));
  pass(milliseconds(199));
  EXPECT_TRUE(nothing_to_take()) << "the pause doubles";
  pass(milliseconds(1));
  ASSERT_TRUE(runs().fail(take(), "third"));
  EXPECT_EQ(state("a"), StepState::failed);
  const auto begun = runs().begin(run_, {.key = "a"});
  EXPECT_THAT(begun.status().to_string(), HasSubstr("third"));
}

TEST_F(RunsTest, AFinalFailureUsesNoFurtherAttempts) {
  define({.key = "a", .attempts_max = 3});
  ASSERT_TRUE(runs().fail(take(), "never", true));
  EXPECT_EQ(state("a"), StepState::failed);
}

TEST_F(RunsTest, RetryResetsTheFailedStepAndNothingElse) {
  define({.key = "done"});
  define({.key = "bad", .after = {"done"}});
  define({.key = "later", .after = {"bad"}});
  do_step("done", "kept");
  ASSERT_TRUE(runs().fail(take(), "oops"));
  ASSERT_TRUE(runs().fail(run_, "a step failed"));
  EXPECT_EQ(runs().retry(run_, "done").code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(runs().retry(run_, "bad"));
  EXPECT_EQ(runs().get(run_)->state, RunState::running);
  EXPECT_EQ(state("bad"), StepState::ready);
  EXPECT_EQ(runs().step(run_, "bad")->failures, 0u);
  EXPECT_EQ(state("later"), StepState::waiting);
  EXPECT_EQ(runs().step(run_, "done")->output, "kept");
  ASSERT_TRUE(runs().complete(take(), ""));
  EXPECT_EQ(take().key, "later");
}

TEST_F(RunsTest, ResetRepeatsAStepAndWhatBeganBecauseOfIt) {
  define({.key = "a"});
  define({.key = "b", .after = {"a"}});
  define({.key = "c", .after = {"a", "b"}});
  define({.key = "other"});
  define({.key = "last", .after = {"c", "other"}});
  for (const char* key : {"a", "b", "c", "other"}) do_step(key, key);
  EXPECT_EQ(state("last"), StepState::ready);
  EXPECT_EQ(runs().reset(run_, "last").status().code(), StatusCode::kConditionFalse);
  EXPECT_THAT(*runs().reset(run_, "a"), ElementsAre("a", "b", "c"));
  EXPECT_EQ(state("a"), StepState::ready);
  EXPECT_EQ(state("b"), StepState::waiting);
  EXPECT_EQ(state("c"), StepState::waiting);
  EXPECT_EQ(state("last"), StepState::waiting);
  EXPECT_EQ(runs().step(run_, "other")->output, "other");
  EXPECT_FALSE(runs().step(run_, "b")->output);
  for (const char* key : {"a", "b", "c", "last"}) do_step(key, "again");
  ASSERT_TRUE(runs().finish(run_));
}

TEST_F(RunsTest, ResetRefusesWhileSomethingBehindItRuns) {
  define({.key = "a"});
  define({.key = "b", .after = {"a"}});
  do_step("a", "");
  const StepLease b = take();
  const auto before = keys_.entries;
  EXPECT_EQ(runs().reset(run_, "a").status().code(), StatusCode::kBusy);
  EXPECT_EQ(keys_.entries, before);
  ASSERT_TRUE(runs().complete(b, ""));
  EXPECT_TRUE(runs().reset(run_, "a"));
}

TEST_F(RunsTest, HeartbeatProlongsALease) {
  define({.key = "a", .on_interrupt = OnInterrupt::retry});
  StepLease lease = take(1, {.lease = milliseconds(100)});
  pass(milliseconds(99));
  const auto prolonged = runs().heartbeat(lease, milliseconds(100));
  ASSERT_TRUE(prolonged);
  EXPECT_EQ(prolonged->expires_us, clock_.now_us + 100'000);
  pass(milliseconds(99));
  EXPECT_TRUE(nothing_to_take(2));
  pass(milliseconds(1));
  EXPECT_EQ(take(2).attempt, 2u);
  EXPECT_EQ(runs().heartbeat(lease, milliseconds(100)).status().code(), StatusCode::kFenced);
  EXPECT_EQ(runs().complete(lease, "").code(), StatusCode::kFenced);
  EXPECT_EQ(runs().fail(lease, "").code(), StatusCode::kFenced);
}

TEST_F(RunsTest, ALeaseNeverExceedsTheTimeout) {
  define({.key = "a", .on_interrupt = OnInterrupt::fail, .timeout = milliseconds(150)});
  const StepLease lease = take(1, {.lease = milliseconds(100)});
  pass(milliseconds(90));
  EXPECT_EQ(runs().heartbeat(lease, milliseconds(100))->expires_us, clock_.now_us + 60'000);
  pass(milliseconds(60));
  EXPECT_EQ(runs().heartbeat(lease, milliseconds(100)).status().code(), StatusCode::kFenced);
  EXPECT_EQ(*runs().settle(run_), 1u);
  EXPECT_EQ(state("a"), StepState::failed);
  EXPECT_THAT(runs().step(run_, "a")->error, HasSubstr("timeout"));
}

TEST_F(RunsTest, AStepWhoseProcessDiedIsIndeterminateAndAsks) {
  define({.key = "a"});
  const StepLease lease = take(1);
  clock_.owners_dead.insert(1);
  EXPECT_TRUE(nothing_to_take(2));
  EXPECT_EQ(state("a"), StepState::indeterminate);
  EXPECT_EQ(runs(1).complete(lease, "").code(), StatusCode::kFenced);
  const auto begun = runs(2).begin(run_, {.key = "a"});
  EXPECT_EQ(begun.status().code(), StatusCode::kConditionFalse);
  EXPECT_THAT(begun.status().to_string(), HasSubstr("resolve"));
  ASSERT_TRUE(runs(2).resolve(run_, "a", StepDecision::complete, "seen on the disk", "me"));
  EXPECT_EQ(runs(2).begin(run_, {.key = "a"})->output, "seen on the disk");
  EXPECT_EQ(runs(2).resolve(run_, "a", StepDecision::fail).code(), StatusCode::kConditionFalse);
}

TEST_F(RunsTest, BeginSettlesWhatItFindsInterrupted) {
  const NewStep step = {.key = "a"};
  ASSERT_TRUE(runs(1).begin(run_, step)->lease);
  clock_.owners_dead.insert(1);
  EXPECT_EQ(runs(2).begin(run_, step).status().code(), StatusCode::kConditionFalse);
  EXPECT_EQ(state("a"), StepState::indeterminate);
  const NewStep again = {.key = "b", .on_interrupt = OnInterrupt::retry};
  ASSERT_TRUE(runs(1).begin(run_, again)->lease);
  EXPECT_EQ(runs(2).begin(run_, again)->lease->attempt, 2u);
}

TEST_F(RunsTest, AnIdempotentStepIsDoneAgain) {
  define({.key = "a", .on_interrupt = OnInterrupt::retry, .interruptions_max = 2});
  for (uint32_t owner = 1; owner <= 3; ++owner) {
    EXPECT_EQ(take(owner).attempt, owner);
    clock_.owners_dead.insert(owner);
  }
  EXPECT_TRUE(nothing_to_take(4)) << "it was interrupted too often";
  EXPECT_EQ(state("a"), StepState::failed);
}

TEST_F(RunsTest, ACompensatedStepIsUndoneAndThenDoneAgain) {
  define({.key = "a", .on_interrupt = OnInterrupt::compensate});
  EXPECT_FALSE(take(1).is_undo);
  clock_.owners_dead.insert(1);
  EXPECT_TRUE(take(2).is_undo);
  EXPECT_EQ(state("a"), StepState::undoing);
  clock_.owners_dead.insert(2);
  const StepLease undo = take(3);
  EXPECT_TRUE(undo.is_undo) << "undoing is idempotent";
  ASSERT_TRUE(runs(3).complete(undo, ""));
  const StepLease again = take(3);
  EXPECT_FALSE(again.is_undo);
  EXPECT_EQ(again.attempt, 2u);
  ASSERT_TRUE(runs(3).complete(again, "out"));
  EXPECT_EQ(runs().step(run_, "a")->output, "out");
}

TEST_F(RunsTest, AnUndoThatFailsAsks) {
  define({.key = "a", .on_interrupt = OnInterrupt::compensate});
  take(1);
  clock_.owners_dead.insert(1);
  ASSERT_TRUE(runs(2).fail(take(2), "cannot be undone"));
  EXPECT_EQ(state("a"), StepState::indeterminate);
  ASSERT_TRUE(runs(2).resolve(run_, "a", StepDecision::compensate));
  EXPECT_TRUE(take(2).is_undo);
}

TEST_F(RunsTest, ALeaseThatIsNotBoundOutlivesItsProcess) {
  define({.key = "a"});
  const StepLease lease = take(1, {.bound_to_handle = false});
  clock_.owners_dead.insert(1);
  EXPECT_TRUE(nothing_to_take(2));
  EXPECT_TRUE(runs(2).complete(lease, "by another"));
}

TEST_F(RunsTest, AGateHoldsStepsUntilItIsApproved) {
  EXPECT_FALSE(*runs().open_gate(run_, {.name = "deploy", .prompt = "to production?"}));
  EXPECT_TRUE(*runs().open_gate(run_, {.name = "deploy"}));
  define({.key = "a", .gates = {"deploy"}});
  EXPECT_TRUE(nothing_to_take());
  ASSERT_TRUE(runs().decide_gate(run_, "deploy", true, "ann", "go"));
  EXPECT_EQ(take().key, "a");
  const Status twice = runs().decide_gate(run_, "deploy", false, "bob");
  EXPECT_EQ(twice.code(), StatusCode::kConditionFalse);
  EXPECT_THAT(std::string(twice.message()), HasSubstr("ann"));
  define({.key = "b", .gates = {"deploy"}});
  EXPECT_EQ(state("b"), StepState::ready);
}

TEST_F(RunsTest, ARejectedOrExpiredGateStaysClosed) {
  ASSERT_TRUE(runs().open_gate(run_, {.name = "g"}));
  ASSERT_TRUE(runs().open_gate(run_, {.name = "h", .timeout = milliseconds(100)}));
  define({.key = "a", .gates = {"g"}});
  define({.key = "b", .gates = {"h"}});
  ASSERT_TRUE(runs().decide_gate(run_, "g", false));
  pass(milliseconds(100));
  EXPECT_EQ(runs().gate(run_, "h")->state, GateState::expired);
  EXPECT_EQ(runs().decide_gate(run_, "h", true).code(), StatusCode::kConditionFalse);
  EXPECT_TRUE(nothing_to_take());
  EXPECT_EQ(runs().gates(run_)->size(), 2u);
}

TEST_F(RunsTest, CancellingFencesWhoIsAtWork) {
  define({.key = "a"});
  const StepLease lease = take();
  ASSERT_TRUE(runs().cancel(run_, "wrong branch"));
  EXPECT_EQ(runs().complete(lease, "").code(), StatusCode::kFenced);
  EXPECT_EQ(runs().heartbeat(lease, milliseconds(1)).status().code(), StatusCode::kFenced);
}

TEST_F(RunsTest, APausedRunTakesTheResultsOfWhatWasBegun) {
  define({.key = "a"});
  define({.key = "b"});
  const StepLease lease = take();
  ASSERT_TRUE(runs().pause(run_));
  EXPECT_TRUE(runs().complete(lease, "out"));
  EXPECT_EQ(runs().take(run_).status().code(), StatusCode::kConditionFalse);
}

TEST_F(RunsTest, TheTimelineTellsEveryChange) {
  define({.key = "a", .on_interrupt = OnInterrupt::retry});
  take(1, {.holder = "w"});
  clock_.owners_dead.insert(1);
  ASSERT_TRUE(runs(2).complete(take(2), ""));
  ASSERT_TRUE(runs().finish(run_));
  std::vector<std::string> lines;
  const auto timeline = runs().timeline(run_);
  for (const RunEvent& event : *timeline) lines.push_back(event.what);
  EXPECT_THAT(lines, ElementsAre("run running", "step defined", "step running", "step ready",
                                 "step running", "step completed", "run completed"));
  const auto first = runs().timeline(run_, {}, 3);
  EXPECT_EQ(first->at(2).by, "w");
  const auto rest = runs().timeline(run_, first->back().cursor);
  EXPECT_EQ(rest->size(), 4u);
  EXPECT_THAT(rest->front().detail, HasSubstr("process"));
}

TEST_F(RunsTest, RemovingARunLeavesNothing) {
  ASSERT_TRUE(runs().start({.name = "kept", .key = "kept"}));
  const auto before = keys_.entries;
  const std::string id = runs().start({.name = "x", .key = "k", .input = "1"})->id;
  run_ = id;
  ASSERT_TRUE(runs().open_gate(id, {.name = "g"}));
  define({.key = "a"});
  define({.key = "b", .input = "{}", .after = {"a"}, .gates = {"g"}});
  do_step("a", "out");
  EXPECT_EQ(runs().remove(id).code(), StatusCode::kConditionFalse);
  ASSERT_TRUE(runs().cancel(id, ""));
  ASSERT_TRUE(runs().remove(id));
  EXPECT_EQ(keys_.entries, before);
  EXPECT_EQ(runs().get(id).status().code(), StatusCode::kNotFound);
}

TEST_F(RunsTest, BadInputIsRefusedAndChangesNothing) {
  const auto before = keys_.entries;
  const auto code = [&](const NewStep& step) { return runs().begin(run_, step).status().code(); };
  EXPECT_EQ(code({.key = ""}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.key = "\xff"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.key = std::string(401, 'k')}), StatusCode::kTooLarge);
  EXPECT_EQ(code({.key = "k", .input = "{"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.key = "k", .input = std::string(kStepDataSizeMax + 1, '1')}),
            StatusCode::kTooLarge);
  EXPECT_EQ(code({.key = "k", .after = {"a", "a"}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.key = "k", .attempts_max = 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.key = "k", .timeout = milliseconds(-1)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(runs().take(run_, {.lease = milliseconds(0)}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(runs().start({.name = ""}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(runs().start({.name = "x", .input = "nul"}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(runs().step(run_, "none").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(runs().decide_gate(run_, "none", true).code(), StatusCode::kNotFound);
  EXPECT_EQ(keys_.entries, before);
}

}  // namespace
}  // namespace holdfast::memory
