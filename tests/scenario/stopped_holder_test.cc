// A real process that is stopped (SIGSTOP) while it holds a lock: others are told who it is and
// what to do, read on, and go on writing when it is resumed or killed; nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "holdfast/care.h"
#include "holdfast/holdfast.h"
#include "os/os.h"
#include "support/child_process.h"
#include "support/faulty_os.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A lock, and the call in which its holder is stopped.
struct Hold {
  const char* lock;
  Call call;
  const char* path_end;
  bool in_log;  // the holder's transaction is in the log by then
};
void PrintTo(const Hold& hold, std::ostream* out) {
  *out << hold.lock;
}

constexpr Hold kHolds[] = {
    {"commit", Call::kWrite, ".wal", false},
    {"sync", Call::kSync, ".wal", true},
    {"apply", Call::kWrite, "/data", true},
    {"checkpoint", Call::kSync, "/data", true},
};

class StoppedHolderTest : public testing::TestWithParam<std::tuple<Hold, bool>> {
 protected:
  const Hold& hold() const { return std::get<0>(GetParam()); }
  bool resumed() const { return std::get<1>(GetParam()); }
  bool of_checkpoint() const { return hold().call == Call::kSync && !is_log(); }
  bool of_tree() const { return hold().call == Call::kWrite && !is_log(); }
  bool is_log() const { return std::string_view(hold().path_end) == ".wal"; }

  // A commit, and for the lock of the tree its way into that, which a commit does not wait for.
  Status put(Store& store, const char* key) {
    HOLDFAST_TRY(store.put(key, "1").status());
    return of_tree() ? store.flush() : Status::ok();
  }
  // In the holder: puts "held", or writes a checkpoint behind it, and is stopped on the way.
  void hold_and_stop() {
    FaultyOs os(os::posix_os());
    StoreOptions options;
    options.helper_thread = false;
    Store store = std::move(*Store::open(os, path_, options));
    if (of_checkpoint()) {
      ASSERT_TRUE(store.put("held", "1"));
    }
    bool armed = true;
    os.fault = [&](const Attempt& attempt) {
      if (attempt.call == hold().call && attempt.path.ends_with(hold().path_end) &&
          std::exchange(armed, false)) {
        ::raise(SIGSTOP);
      }
      return Status::ok();
    };
    const Status done = of_checkpoint() ? store.checkpoint() : put(store, "held");
    EXPECT_TRUE(done) << done.to_string();
    EXPECT_FALSE(armed);
  }
  // What the parent would do that needs the lock.
  Status ask(Store& store, const char* key) {
    return of_checkpoint() ? store.checkpoint() : put(store, key);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(StoppedHolderTest, IsNamedAndWhenItIsResumedOrKilledAllGoesOn) {
  { ASSERT_TRUE(open_or_die(path_).put("before", "1")); }
  ChildProcess holder = ChildProcess::start([&] { hold_and_stop(); });
  int status = 0;
  ASSERT_EQ(::waitpid(holder.pid(), &status, WUNTRACED), holder.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  // One that is willing to wait gets through in the end.
  ChildProcess patient = ChildProcess::start([&] {
    Store store = open_or_die(path_);
    EXPECT_TRUE(store.put("patient", "1"));
  });
  StoreOptions options;
  options.deadline = std::chrono::milliseconds(150);
  options.helper_thread = false;
  Store store = open_or_die(path_, options);
  const std::string process = "pid " + std::to_string(holder.pid());

  const Status busy = ask(store, "asked");
  EXPECT_EQ(busy.code(), StatusCode::kBusy) << busy.to_string();
  EXPECT_THAT(std::string(busy.message()),
              AllOf(HasSubstr(std::string("the ") + hold().lock + " lock"), HasSubstr(process),
                    HasSubstr("stopped"), HasSubstr("resume or end that process")));
  EXPECT_EQ(*store.get("before"), "1") << "reading waits for nobody";
  const auto report = care::doctor(os::posix_os(), path_);
  ASSERT_TRUE(report);
  const bool told = std::any_of(
      report->findings.begin(), report->findings.end(), [&](const care::Finding& finding) {
        return finding.topic == "lock" && finding.what.find(process) != std::string::npos;
      });
  EXPECT_TRUE(told) << "doctor does not name it";
  const StoreStats stats = *store.stats();
  for (const LockStats& lock : stats.locks) {
    if (lock.name != hold().lock) continue;
    EXPECT_THAT(lock.holder, HasSubstr(process));
  }

  ::kill(holder.pid(), resumed() ? SIGCONT : SIGKILL);
  EXPECT_EQ(holder.wait(), resumed() ? ChildProcess::kSuccess : (ChildProcess::End{-1, SIGKILL}));
  EXPECT_EQ(patient.wait(), ChildProcess::kSuccess);
  EXPECT_TRUE(ask(store, "after"));
  EXPECT_TRUE(store.put("last", "1"));
  const auto all = contents(store);
  EXPECT_EQ(all.count("held") == 1, resumed() || hold().in_log);
  EXPECT_EQ(all.count("patient"), 1u);
  EXPECT_EQ(all.count("last"), 1u);
  // Refused before it was in the log, or in the log when the outcome was said to be unknown.
  const bool unknown = busy.message().find("not known yet") != std::string_view::npos;
  EXPECT_EQ(all.count("asked") == 1, unknown || of_tree());
  expect_sound(store);
  ASSERT_TRUE(store.close());
  reboot(path_);
  Store cold = open_or_die(path_);
  EXPECT_EQ(contents(cold), all);
  expect_sound(cold);
}

INSTANTIATE_TEST_SUITE_P(Locks, StoppedHolderTest,
                         testing::Combine(testing::ValuesIn(kHolds), testing::Bool()),
                         [](const auto& test_info) {
                           const bool resumed = std::get<1>(test_info.param);
                           return std::string(std::get<0>(test_info.param).lock) +
                                  (resumed ? "Resumed" : "Killed");
                         });

}  // namespace
}  // namespace holdfast
