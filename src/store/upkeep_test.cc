// Upkeep by one process where each of its calls to the machine fails in turn: syncing and applying
// what others left, checkpoints that are due, and writing again what a dead leader may have lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/append.h"
#include "store/apply.h"
#include "store/checkpoint.h"
#include "store/maintenance.h"
#include "store/published.h"
#include "store/sync.h"
#include "store/test_machine.h"
#include "support/faulty_os.h"

namespace holdfast::store {
namespace {

using testing::IsEmpty;

// A process on a machine that can fail, beside others' commits, which are in no tree yet.
struct Process {
  Process() {
    StoreOptions options = TestMachine::small_store();
    options.checkpoint_log_bytes = 1;
    options.deadline = std::chrono::milliseconds(5);
    context = std::move(open_context(os, machine.path(), options)->context);
    const auto other = machine.attach();
    from = read_tail(other->control().tail).lsn;
    for (int i = 0; i < 8; ++i) {
      log::PayloadBuilder payload("");
      payload.put("key" + std::to_string(i), std::string(3900, 'v'));
      CHECK(append(*other, payload, {}, {}, other->deadline()).is_ok());
    }
    to = read_tail(other->control().tail).lsn;
  }

  TestMachine machine;
  FaultyOs os{machine.os()};
  std::unique_ptr<Context> context;
  log::Lsn from = 0;
  log::Lsn to = 0;
};

void fail_at(FaultyOs& os, int step, int& count) {
  count = 0;
  os.fault = [&count, step](const Attempt&) {
    return ++count == step ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
  };
}

void expect_sound(Process& process) {
  process.os.fault = nullptr;
  process.context.reset();
  for (const bool reboots : {false, true}) {
    if (reboots) process.machine.reboot();
    auto store = process.machine.try_open();
    ASSERT_TRUE(store) << store.status().to_string();
    EXPECT_THAT(store->check()->problems, IsEmpty());
  }
}

// Until the step is not reached any more.
void fail_each_step(const std::function<Status(const Context&, const Process&)>& work) {
  for (int step = 1;; ++step) {
    SCOPED_TRACE(step);
    Process process;
    int count = 0;
    fail_at(process.os, step, count);
    const Status status = work(*process.context, process);
    const bool struck = count >= step;
    EXPECT_TRUE(status || status.code() == StatusCode::kIoError ||
                status.code() == StatusCode::kReadOnly || status.code() == StatusCode::kBusy)
        << status.to_string();
    EXPECT_TRUE(struck || status) << status.to_string();
    process.os.fault = nullptr;
    // What was left is done by the next, unless the store only reads.
    const bool reads_only = engine_state(process.context->control()) == EngineState::kReadOnly;
    if (engine_state(process.context->control()) == EngineState::kRunning) {
      EXPECT_TRUE(maintain_once(*process.context));
    }
    // There is nothing to do then.
    EXPECT_TRUE(!reads_only || maintain_once(*process.context));
    expect_sound(process);
    if (!struck || testing::Test::HasFailure()) return;
  }
}

TEST(UpkeepTest, SyncsAppliesAndWritesACheckpointOrSaysWhyNot) {
  fail_each_step([](const Context& context, const Process&) { return maintain_once(context); });
}

TEST(UpkeepTest, ACheckpointThatIsDueHasEverythingInItOrIsNotWritten) {
  fail_each_step([](const Context& context, const Process&) -> Status {
    (void)try_sync(context, true);
    return checkpoint_if_due(context);
  });
}

TEST(UpkeepTest, APartOfTheLogIsWrittenAgainAsItWasOrTheErrorIsTold) {
  fail_each_step([](const Context& context, const Process& process) {
    return rewrite_range(context, process.from, process.to);
  });
}

// What somebody else has written over, or cut off.
TEST(UpkeepTest, ALogThatIsNotWhatWasAppendedIsToldOf) {
  const auto told = [](const std::function<void(Process&, const std::string& path)>& spoil,
                       uint64_t segments_on) {
    Process process;
    EXPECT_TRUE(verify_range(*process.context, process.from, process.to));
    const uint64_t number = log::lsn_segment(process.from) + segments_on;
    spoil(process, process.machine.log_path(number));
    const Status verified = verify_range(*process.context, process.from, process.to);
    const Status rewritten = rewrite_range(*process.context, process.from, process.to);
    EXPECT_EQ(verified.code(), StatusCode::kIoError) << verified.to_string();
    EXPECT_EQ(rewritten.code(), StatusCode::kIoError) << rewritten.to_string();
    EXPECT_EQ(verified.path(), process.machine.log_path(number));
  };
  for (const uint64_t segments_on : {0u, 1u}) {
    told([](Process& process,
            const std::string& path) { process.machine.flip(path, log::kSegmentHeaderSize + 100); },
         segments_on);
  }
  // The header that this process has read before; and a file that ends within it, or behind it.
  told([](Process& process, const std::string& path) { process.machine.flip(path, 20); }, 1);
  for (const uint64_t size : {uint64_t{10}, log::kSegmentHeaderSize + 200}) {
    told(
        [size](Process& process, const std::string& path) {
          auto file = process.machine.os().open(path, os::OpenMode::kReadWrite);
          ASSERT_TRUE((*file)->truncate(size));
        },
        1);
  }
}

}  // namespace
}  // namespace holdfast::store
