// Properties of any program of calls, with RapidCheck: what it generates, and how it makes a
// program that fails smaller, until no part of it can be left out.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <latch>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "holdfast/store.h"
#include "os/os.h"

namespace holdfast {
namespace {

using Model = std::map<std::string, std::string>;

// In one transaction: reads a key, then writes or removes another.
struct Item {
  int read = 0;
  int write = 0;
  int size = 0;  // of the value; 0: removes
};
using Program = std::vector<Item>;  // of a thread
using Programs = std::vector<Program>;

std::ostream& operator<<(std::ostream& out, const Item& item) {
  return out << "{reads " << item.read << ", writes " << item.size << " bytes to " << item.write
             << "}";
}

rc::Gen<Item> any_item() {
  return rc::gen::build<Item>(rc::gen::set(&Item::read, rc::gen::inRange(0, 10)),
                              rc::gen::set(&Item::write, rc::gen::inRange(0, 10)),
                              rc::gen::set(&Item::size, rc::gen::inRange(0, 1001)));
}

// 2 to 10 threads of 10 to 50 items. What fails is tried with fewer of both.
rc::Gen<Programs> any_programs() {
  const auto program = rc::gen::mapcat(rc::gen::inRange(10, 51), [](int items) {
    return rc::gen::container<Program>(items, any_item());
  });
  const auto programs = rc::gen::mapcat(rc::gen::inRange(2, 11), [program](int threads) {
    return rc::gen::container<Programs>(threads, program);
  });
  return rc::gen::shrink(rc::gen::noShrink(programs), [](const Programs& failed) {
    return rc::seq::concat(rc::shrink::removeChunks(failed),
                           rc::shrink::eachElement(failed, [](const Program& each) {
                             return rc::shrink::removeChunks(each);
                           }));
  });
}

std::string key_of(int number) {
  return "key" + std::to_string(number);
}

// That no other item of any thread has.
std::string value_of(size_t thread, size_t number, int size) {
  const std::string name = std::to_string(thread) + "/" + std::to_string(number) + ":";
  return name + std::string(static_cast<size_t>(size), static_cast<char>('a' + number % 26));
}

std::optional<std::string> find(const Model& model, const std::string& key) {
  const auto found = model.find(key);
  return found == model.end() ? std::nullopt : std::optional(found->second);
}

struct Committed {
  Item item;
  std::string value;
  std::optional<std::string> seen;  // under Item::read, in the run that was committed
};
using History = std::map<uint64_t, Committed>;  // by version

Result<uint64_t> commit(Store& store, Committed& committed) {
  const Item& item = committed.item;
  return store.update([&](Transaction& txn) -> Status {
    HOLDFAST_ASSIGN(committed.seen, txn.get(key_of(item.read)));
    const std::string key = key_of(item.write);
    return item.size == 0 ? txn.del(key) : txn.put(key, committed.value);
  });
}

History run_all(Store& store, const Programs& programs) {
  History history;
  std::mutex mutex;
  std::latch start(static_cast<std::ptrdiff_t>(programs.size()));
  std::vector<std::thread> threads;
  bool failed = false;  // a call, or it gave a version that another one has
  for (size_t thread = 0; thread < programs.size(); ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      for (size_t i = 0; i < programs[thread].size(); ++i) {
        const Item& item = programs[thread][i];
        Committed committed{item, value_of(thread, i, item.size), std::nullopt};
        const auto version = commit(store, committed);
        const std::lock_guard lock(mutex);
        failed |= !version || !history.emplace(*version, committed).second;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  RC_ASSERT(!failed);
  return history;
}

Model contents_of(Reader& reader) {
  Model model;
  for (Cursor cursor = reader.scan({}); cursor.valid(); cursor.next()) {
    RC_ASSERT(model.emplace(cursor.key(), cursor.value()).second);
  }
  return model;
}

void compare(Store& store, const Model& model) {
  auto snapshot = store.snapshot();
  RC_ASSERT(snapshot.is_ok());
  RC_ASSERT(contents_of(*snapshot) == model);
  const auto report = store.check();
  RC_ASSERT(report.is_ok());
  RC_ASSERT(report->problems.empty());
}

StoreOptions small_store() {
  StoreOptions options;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 64 << 10;
  options.helper_thread = false;
  return options;
}

Store open(os::Os& os) {
  auto store = Store::open(os, "/store", small_store());
  RC_ASSERT(store.is_ok());
  return std::move(*store);
}

void remove_control_block(os::Os& os) {
  RC_ASSERT(os.remove("/store/shm").is_ok());
}

RC_GTEST_PROP(Properties, ThreadsAreAsIfOneAfterAnotherAlsoWhenReopened, ()) {
  const Programs programs = *any_programs();
  const std::unique_ptr<os::Os> os = os::make_memory_os();
  Model model;
  {
    Store store = open(*os);
    for (const auto& [version, committed] : run_all(store, programs)) {
      const Item& item = committed.item;
      RC_ASSERT(committed.seen == find(model, key_of(item.read)));
      if (item.size == 0) model.erase(key_of(item.write));
      if (item.size != 0) model[key_of(item.write)] = committed.value;
    }
    compare(store, model);
  }
  remove_control_block(*os);
  Store store = open(*os);
  compare(store, model);
}

// The generator's own promise: of all that was generated, the one item that matters is left.
TEST(Properties, AFailureIsMadeAsSmallAsItGets) {
  size_t items = 0;
  const auto result = rc::detail::checkTestable([&] {
    const Programs programs = *any_programs();
    size_t large = 0;
    size_t all = 0;
    for (const Program& program : programs) {
      for (const Item& item : program) {
        large += item.size >= 500;
        ++all;
      }
    }
    if (large > 0) items = all;
    RC_ASSERT(large == 0);
  });
  EXPECT_TRUE(result.is<rc::detail::FailureResult>());
  EXPECT_EQ(items, 1u);
}

struct Step {
  enum Kind { kPut, kDelete, kDeleteRange, kAdd, kCommit, kAbort, kCheckpoint, kReopen, kRestart };
  Kind kind = kPut;
  int key = 0;
  int size = 0;  // of a value; of a range, in keys
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"put",   "del",        "del_range", "add",    "commit",
                                    "abort", "checkpoint", "reopen",    "restart"};
  return out << kNames[step.kind] << "(" << step.key << ", " << step.size << ")";
}

rc::Gen<Step> any_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::weightedElement<Step::Kind>({{10, Step::kPut},
                                                                      {4, Step::kDelete},
                                                                      {2, Step::kDeleteRange},
                                                                      {2, Step::kAdd},
                                                                      {5, Step::kCommit},
                                                                      {1, Step::kAbort},
                                                                      {1, Step::kCheckpoint},
                                                                      {1, Step::kReopen},
                                                                      {1, Step::kRestart}})),
      rc::gen::set(&Step::key, rc::gen::inRange(0, 30)),
      rc::gen::set(&Step::size, rc::gen::inRange(0, 1001)));
}

// One handle after another, with a transaction open now and then, beside a std::map.
class Sequence {
 public:
  Sequence() : os_(os::make_memory_os()), store_(open(*os_)) {}

  void play(const Step& step) {
    switch (step.kind) {
      case Step::kCommit:
        if (!txn_) return;
        RC_ASSERT(txn_->commit().is_ok());
        model_ = within_;
        return txn_.reset();
      case Step::kAbort:
        return txn_.reset();
      case Step::kCheckpoint:
        RC_ASSERT(store_->checkpoint().is_ok());
        return compare(*store_, model_);
      case Step::kReopen:
      case Step::kRestart:
        txn_.reset();
        store_.reset();
        if (step.kind == Step::kRestart) remove_control_block(*os_);
        store_.emplace(open(*os_));
        return compare(*store_, model_);
      default:
        return write(step);
    }
  }
  void end() { compare(*store_, model_); }

 private:
  void write(const Step& step) {
    if (!txn_) begin();
    const std::string key = key_of(step.key);
    const std::string value(static_cast<size_t>(step.size), 'v');
    const std::string end = key_of(step.key + step.size % 5);
    if (step.kind == Step::kPut) {
      RC_ASSERT(txn_->put(key, value).is_ok());
      within_[key] = value;
    } else if (step.kind == Step::kDelete) {
      RC_ASSERT(txn_->del(key).is_ok());
      within_.erase(key);
    } else if (step.kind == Step::kAdd) {
      add(key, step.size);
    } else if (key < end) {
      RC_ASSERT(txn_->del_range({key, end}).is_ok());
      within_.erase(within_.lower_bound(key), within_.lower_bound(end));
    }
    RC_ASSERT(contents_of(*txn_) == within_);
  }
  // What is no number stays as it is.
  void add(const std::string& key, int delta) {
    const Status status = txn_->add(key, delta);
    const auto old = decode_number(find(within_, key).value_or(encode_number(0)));
    RC_ASSERT(status.is_ok() || !old);
    if (old) within_[key] = encode_number(*old + delta);
  }
  void begin() {
    auto txn = store_->begin();
    RC_ASSERT(txn.is_ok());
    txn_.emplace(std::move(*txn));
    within_ = model_;
  }

  std::unique_ptr<os::Os> os_;
  std::optional<Store> store_;
  std::optional<Transaction> txn_;
  Model model_;
  Model within_;  // what the open transaction sees
};

RC_GTEST_PROP(Properties, EverySequenceOfCallsIsThatOfAMap, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
  Sequence sequence;
  for (const Step& step : steps) sequence.play(step);
  sequence.end();
}

}  // namespace
}  // namespace holdfast
