// What every call of a store answers when another process does something between two of its looks
// at the memory that they share: at each place of the program that looks there. A call may be
// refused then, in the words of what happened; what is read is never a lie, and what was
// acknowledged, to whomever, is there when the store is opened again.
#include <set>

#include "store/test_interloper.h"
#include "support/store_world.h"

namespace holdfast::store {
namespace {

// A world, who holds a lock in it, and what the other was told.
struct Company {
  void put(const std::string& key, const std::string& value) {
    told.erase(key);  // whose outcome is unknown may be there or not
    if (world.other->put(key, value)) told[key] = value;
  }

  World world{Durability::strict, std::chrono::milliseconds(20)};
  std::unique_ptr<Context> holder;
  std::map<std::string, std::string> told;
  int count = 0;
};

struct Act {
  const char* name;
  void (*run)(Company&);
  std::set<StatusCode> answers;  // what calls may say of it

  friend void PrintTo(const Act& act, std::ostream* out) { *out << act.name; }
};

void put(Company& company) {
  (void)company.world.other->put("w1", "1");  // calls read it, and write it themselves
  company.put("w9", std::to_string(++company.count));
}
void put_and_apply(Company& company) {
  put(company);
  (void)company.world.other->flush();
}
// Twice: what nobody needs of the log any more is gone then.
void put_much_and_write_checkpoints(Company& company) {
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 4; ++k) company.put("large" + std::to_string(k), std::string(3900, 'm'));
    (void)company.world.other->checkpoint();
  }
}
void fail_to_sync(Company& company) {
  put(company);
  company.world.others_os.fault = [changes = 0](const Attempt& attempt) mutable {
    const bool strikes = attempt.is_change && ++changes == 2;  // behind the writing of the record
    return strikes ? Status(StatusCode::kIoError, "the disk failed") : Status::ok();
  };
  put(company);
  company.world.others_os.fault = nullptr;
}
void make_name_anew(Company& company) {
  (void)company.world.other->drop_snapshot("named");
  (void)company.world.other->create_snapshot("named");
}
template <SharedLock Locks::*lock>
void keep(Company& company) {
  auto holder = company.world.machine.attach();
  const LockOutcome outcome = ((*holder->locks).*lock).try_lock(false);
  if (outcome == LockOutcome::kAcquired) company.holder = std::move(holder);
}
template <SharedLock Locks::*lock>
void die_with(Company& company) {
  keep<lock>(company);
  company.holder.reset();
}
void only_read(Company& company) {
  make_read_only(company.world.machine.attach()->control());
}
void lose_control_block(Company& company) {
  company.world.os.lost.shared = true;
}
void lose_pages(Company& company) {
  company.world.os.lost.pages = true;
}

const Act kActs[] = {
    {"Puts", put, {StatusCode::kConflict}},
    {"PutsAndApplies", put_and_apply, {StatusCode::kConflict}},
    {"WritesCheckpoints",
     put_much_and_write_checkpoints,
     {StatusCode::kConflict, StatusCode::kTooOld}},
    {"FailsToSync", fail_to_sync, {StatusCode::kConflict, StatusCode::kAborted, StatusCode::kBusy}},
    {"MakesANameAnew", make_name_anew, {StatusCode::kConflict}},
    {"DiesWithCommit", die_with<&Locks::commit>, {}},
    {"DiesWithApply", die_with<&Locks::apply>, {}},
    {"DiesWithSync", die_with<&Locks::sync>, {}},
    {"DiesWithCheckpoint", die_with<&Locks::checkpoint>, {}},
    {"KeepsCommit", keep<&Locks::commit>, {StatusCode::kBusy}},
    {"KeepsApply", keep<&Locks::apply>, {StatusCode::kBusy}},
    {"KeepsSync", keep<&Locks::sync>, {StatusCode::kBusy}},
    {"KeepsCheckpoint", keep<&Locks::checkpoint>, {StatusCode::kBusy}},
    {"KeepsPrepare", keep<&Locks::prepare>, {StatusCode::kBusy}},
    {"MakesItReadOnly", only_read, {StatusCode::kReadOnly}},
    {"LosesTheControlBlock", lose_control_block, {StatusCode::kIoError}},
    {"LosesPages", lose_pages, {StatusCode::kIoError}},
};

// As if it had never been.
void undo(Company& company) {
  company.holder.reset();
  company.world.os.lost.shared = company.world.os.lost.pages = false;
  change_state(company.world.machine.attach()->control(), EngineState::kReadOnly,
               EngineState::kRunning);
}

void expect_lasting(Company& company) {
  expect_as_before(company.world);
  auto again = company.world.machine.try_open();
  ASSERT_TRUE(again) << again.status().to_string();
  for (const auto& [key, value] : company.told) EXPECT_EQ(*again->get(key), value) << key;
}

// What this handle keeps and others do not change meanwhile.
const ApiCall kMoreCalls[] = {
    {"a watch", [](World& w) { return w.watch->wait(std::chrono::milliseconds(0)).status(); }},
    {"a watch that waits",
     [](World& w) { return w.watch->wait(std::chrono::milliseconds(300)).status(); }},
    {"a new transaction",
     [](World& w) -> Status {
       HOLDFAST_ASSIGN(Transaction txn, w.store->begin());
       HOLDFAST_TRY(read_rows(txn));
       HOLDFAST_TRY(txn.put("new", "1"));
       return txn.commit().status();
     }},
};

class EveryMomentTest : public testing::TestWithParam<Act> {
 protected:
  // Acts in the middle of the call until it goes nowhere where nobody has acted.
  void interlope(const ApiCall& call) {
    SCOPED_TRACE(call.name);
    const Act& act = GetParam();
    Company company;
    for (bool acted = true; acted && !HasFailure();) {
      Status status;
      {
        Interloper interloper(places_, [&] { act.run(company); });
        status = call.run(company.world);
        acted = interloper.has_acted();
      }
      const StatusCode code = status.code();
      // Of names that an earlier round has made or dropped.
      const bool again = code == StatusCode::kConditionFalse || code == StatusCode::kNotFound;
      EXPECT_TRUE(status || again || act.answers.contains(code)) << status.to_string();
      undo(company);
    }
    expect_lasting(company);
  }

 private:
  Interloper::Places places_;
};

TEST_P(EveryMomentTest, IsAGoodOneForWhatAnotherDoes) {
  for (const ApiCall& call : kMoreCalls) interlope(call);
  for (const ApiCall& call : kCalls) interlope(call);
}

INSTANTIATE_TEST_SUITE_P(Acts, EveryMomentTest, testing::ValuesIn(kActs),
                         [](const auto& act) { return std::string(act.param.name); });

}  // namespace
}  // namespace holdfast::store
