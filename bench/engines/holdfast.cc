// Holdfast through its public API, default options.
// "holdfast_threads" is the same with all workers as threads of one process on one handle.
// "holdfast_bulk" loads all rows by one Load: past the log, not in transactions.
#include <cstring>
#include <filesystem>

#include "bench/engines/engines.h"
#include "bench/engines/shared_handle.h"
#include "holdfast/load.h"
#include "holdfast/store.h"

namespace holdfast::bench {
namespace {

std::string store_path(const Setup& setup) {
  return setup.directory + "/store";
}

void check_status(const Status& status) {
  if (!status) fail("Holdfast: " + status.to_string());
}

template <typename T>
T take(Result<T> result) {
  if (!result) fail("Holdfast: " + result.status().to_string());
  return std::move(*result);
}

std::shared_ptr<Store> open_store(const Setup& setup) {
  StoreOptions options;
  options.durability = setup.durability == Durability::kStrict ? holdfast::Durability::strict
                                                               : holdfast::Durability::batched;
  if (!setup.checkpoints) options.checkpoint_log_bytes = ~uint64_t{0};
  return std::make_shared<Store>(take(Store::open(store_path(setup), options)));
}

Scanned scan_from(Reader& reader, std::string_view begin, size_t count) {
  Scanned scanned;
  Cursor cursor = reader.scan({std::string(begin), ""});
  for (; scanned.rows < count && cursor.valid(); cursor.next()) {
    ++scanned.rows;
    scanned.value_bytes += cursor.value().size();
    scanned.last_key.assign(cursor.key());
  }
  check_status(cursor.status());
  return scanned;
}

class HoldfastSession final : public Session {
 public:
  explicit HoldfastSession(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  void put(std::string_view key, std::string_view value) override { take(store_->put(key, value)); }

  void load(std::span<const Row> rows, bool) override {
    take(store_->update([&](Transaction& txn) -> Status {
      for (const Row& row : rows) HOLDFAST_TRY(txn.put(row.key.view(), row.value.view()));
      return {};
    }));
  }

  void agent(const AgentTransaction& transaction) override {
    take(store_->update([&](Transaction& txn) -> Status { return act(txn, transaction); }));
  }

  bool get(std::string_view key, std::string& value) override {
    if (held_) {
      const std::optional<std::string_view> found = take(held_->get_view(key));
      if (found) value.assign(*found);
      return found.has_value();
    }
    std::optional<std::string> found = take(store_->get(key));
    if (found) value = std::move(*found);
    return found.has_value();
  }

  Scanned scan(std::string_view begin, size_t count) override {
    if (held_) return scan_from(*held_, begin, count);
    Snapshot snapshot = take(store_->snapshot());
    return scan_from(snapshot, begin, count);
  }

  void hold() override { held_.emplace(take(store_->snapshot())); }
  void release() override { held_.reset(); }
  double held_mb() override {
    const StoreStats stats = take(store_->stats());
    if (stats.oldest_readers.empty()) return 0;
    const uint64_t bytes = stats.oldest_readers.front().pages_held * stats.page_size_bytes;
    return static_cast<double>(bytes) / 1e6;
  }
  void flush() override { check_status(store_->flush()); }
  void checkpoint() override { check_status(store_->checkpoint()); }

 private:
  static Status act(Transaction& txn, const AgentTransaction& transaction) {
    for (std::string_view key : transaction.reads) {
      HOLDFAST_ASSIGN(const std::optional<std::string> read, txn.get(key));
    }
    HOLDFAST_TRY(txn.put(transaction.observation_key, transaction.observation));
    for (std::string_view key : transaction.index_keys) {
      HOLDFAST_TRY(txn.put(key, transaction.index_value));
    }
    uint64_t counter = 0;
    HOLDFAST_ASSIGN(const std::optional<std::string> before, txn.get(transaction.counter_key));
    if (before) std::memcpy(&counter, before->data(), sizeof(counter));
    ++counter;
    return txn.put(transaction.counter_key,
                   {reinterpret_cast<const char*>(&counter), sizeof(counter)});
  }

  std::shared_ptr<Store> store_;
  std::optional<Snapshot> held_;
};

// One load of all rows until flush(); reads open the store, which has nothing else to do then.
class HoldfastBulkSession final : public Session {
 public:
  explicit HoldfastBulkSession(const Setup& setup) : setup_(setup) {}

  void load(std::span<const Row> rows, bool) override {
    if (!load_) load_.emplace(take(Load::open(store_path(setup_))));
    for (const Row& row : rows) check_status(load_->put(row.key.view(), row.value.view()));
  }
  void flush() override {
    take(load_->commit());
    load_.reset();
  }
  void put(std::string_view key, std::string_view value) override { store().put(key, value); }
  void agent(const AgentTransaction& transaction) override { store().agent(transaction); }
  bool get(std::string_view key, std::string& value) override { return store().get(key, value); }
  Scanned scan(std::string_view begin, size_t count) override { return store().scan(begin, count); }
  void hold() override { store().hold(); }
  void release() override { store().release(); }
  void checkpoint() override { store().checkpoint(); }

 private:
  HoldfastSession& store() {
    if (!store_) store_.emplace(open_store(setup_));
    return *store_;
  }

  const Setup setup_;
  std::optional<Load> load_;
  std::optional<HoldfastSession> store_;
};

class Holdfast : public Engine {
 public:
  std::string name() const override { return "holdfast"; }
  std::string options(Durability durability) const override {
    return std::string("Holdfast, ") +
           (durability == Durability::kStrict ? "strict" : "batched (synced within 100 ms)") +
           ", default options";
  }
  void create(const Setup& setup) const override { open_store(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<HoldfastSession>(open_store(setup));
  }
  // The control block names the boot that it is of; without it the next start is a cold one.
  bool reboot(const Setup& setup) const override {
    require(std::filesystem::remove(store_path(setup) + "/shm"), "there is no control block");
    return true;
  }
  bool is_data(const std::string& file_name) const override { return file_name == "data"; }
};

class HoldfastThreads final : public Holdfast {
 public:
  std::string name() const override { return "holdfast_threads"; }
  std::string options(Durability durability) const override {
    return Holdfast::options(durability) + ", workers are threads of one process";
  }
  Sharing sharing() const override { return Sharing::kThreads; }
  bool does(Work work) const override {
    return work == Work::kPuts || work == Work::kAgent || work == Work::kOwnAgent ||
           work == Work::kReads || work == Work::kMixed;
  }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<HoldfastSession>(shared_.get([&] { return open_store(setup); }));
  }

 private:
  mutable SharedHandle<Store> shared_;
};

class HoldfastBulk final : public Holdfast {
 public:
  std::string name() const override { return "holdfast_bulk"; }
  std::string options(Durability durability) const override {
    return Holdfast::options(durability) + ", all rows in one Load, past the log";
  }
  bool does(Work work) const override { return work == Work::kLoad; }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<HoldfastBulkSession>(setup);
  }
};

}  // namespace

std::unique_ptr<Engine> make_holdfast() {
  return std::make_unique<Holdfast>();
}
std::unique_ptr<Engine> make_holdfast_threads() {
  return std::make_unique<HoldfastThreads>();
}
std::unique_ptr<Engine> make_holdfast_bulk() {
  return std::make_unique<HoldfastBulk>();
}

}  // namespace holdfast::bench
