// LevelDB owns its store: all workers are threads of one process, which spares them what sharing
// between processes costs. No compression, a block cache of 8 GiB, Bloom filters of 10 bits, up to
// 10,000 files open, memory tables of 64 MiB (its default of 4 MiB makes loads slower).
// Strict: WriteOptions::sync. Batched: without. It has no transactions: an agent transaction is a
// write batch; where it counts, the counter's lock is held from reading it to the end of the write.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/write_batch.h>

#include <array>
#include <cstring>
#include <functional>
#include <mutex>

#include "bench/engines/engines.h"
#include "bench/engines/shared_handle.h"

namespace holdfast::bench {
namespace {

void check_status(const leveldb::Status& status) {
  if (!status.ok()) fail("LevelDB: " + status.ToString());
}

leveldb::Slice slice_of(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

struct LeveldbHandle {
  explicit LeveldbHandle(const Setup& setup)
      : cache(leveldb::NewLRUCache(size_t{8} << 30)), filter(leveldb::NewBloomFilterPolicy(10)) {
    leveldb::Options options;
    options.create_if_missing = true;
    options.compression = leveldb::kNoCompression;
    options.block_cache = cache.get();
    options.filter_policy = filter.get();
    options.max_open_files = 10'000;
    options.write_buffer_size = setup.checkpoints ? size_t{64} << 20 : size_t{1} << 30;
    leveldb::DB* opened = nullptr;
    check_status(leveldb::DB::Open(options, setup.directory + "/store", &opened));
    database.reset(opened);
  }
  std::mutex& lock_of(std::string_view key) {
    return locks[std::hash<std::string_view>()(key) % locks.size()];
  }

  std::unique_ptr<leveldb::Cache> cache;
  std::unique_ptr<const leveldb::FilterPolicy> filter;
  std::unique_ptr<leveldb::DB> database;
  std::array<std::mutex, 1024> locks;
};

class LeveldbSession final : public Session {
 public:
  LeveldbSession(std::shared_ptr<LeveldbHandle> handle, Durability durability)
      : handle_(std::move(handle)) {
    write_options_.sync = durability == Durability::kStrict;
  }

  void put(std::string_view key, std::string_view value) override {
    check_status(database().Put(write_options_, slice_of(key), slice_of(value)));
  }

  void load(std::span<const Row> rows, bool) override {
    leveldb::WriteBatch batch;
    for (const Row& row : rows) batch.Put(slice_of(row.key.view()), slice_of(row.value.view()));
    check_status(database().Write(write_options_, &batch));
  }

  void agent(const AgentTransaction& transaction) override {
    for (std::string_view key : transaction.reads) get(key, read_);
    leveldb::WriteBatch batch;
    batch.Put(slice_of(transaction.observation_key), slice_of(transaction.observation));
    for (std::string_view key : transaction.index_keys) {
      batch.Put(slice_of(key), slice_of(transaction.index_value));
    }
    const std::lock_guard guard(handle_->lock_of(transaction.counter_key));
    uint64_t counter = 0;
    if (get(transaction.counter_key, read_)) std::memcpy(&counter, read_.data(), sizeof(counter));
    ++counter;
    batch.Put(slice_of(transaction.counter_key),
              {reinterpret_cast<const char*>(&counter), sizeof(counter)});
    check_status(database().Write(write_options_, &batch));
  }

  bool get(std::string_view key, std::string& value) override {
    const leveldb::Status status = database().Get(read_options_, slice_of(key), &value);
    if (status.IsNotFound()) return false;
    check_status(status);
    return true;
  }

  Scanned scan(std::string_view begin, size_t count) override {
    if (held_) return scan_from(*held_, begin, count);
    const std::unique_ptr<leveldb::Iterator> rows(database().NewIterator(read_options_));
    return scan_from(*rows, begin, count);
  }

  void hold() override {
    read_options_.snapshot = database().GetSnapshot();
    held_.reset(database().NewIterator(read_options_));
  }
  void release() override {
    held_.reset();
    database().ReleaseSnapshot(read_options_.snapshot);
    read_options_.snapshot = nullptr;
  }
  // A synced write makes durable what was written before it.
  void flush() override {
    leveldb::WriteOptions options;
    options.sync = true;
    leveldb::WriteBatch empty;
    check_status(database().Write(options, &empty));
  }
  void checkpoint() override {}

 private:
  leveldb::DB& database() { return *handle_->database; }

  static Scanned scan_from(leveldb::Iterator& rows, std::string_view begin, size_t count) {
    Scanned scanned;
    for (rows.Seek(slice_of(begin)); rows.Valid() && scanned.rows < count; rows.Next()) {
      ++scanned.rows;
      scanned.value_bytes += rows.value().size();
      scanned.last_key.assign(rows.key().data(), rows.key().size());
    }
    check_status(rows.status());
    return scanned;
  }

  std::shared_ptr<LeveldbHandle> handle_;
  leveldb::WriteOptions write_options_;
  leveldb::ReadOptions read_options_;
  std::unique_ptr<leveldb::Iterator> held_;
  std::string read_;
};

class Leveldb final : public Engine {
 public:
  std::string name() const override { return "leveldb"; }
  std::string options(Durability durability) const override {
    return "LevelDB " + std::to_string(leveldb::kMajorVersion) + "." +
           std::to_string(leveldb::kMinorVersion) +
           ", workers are threads of one process, no compression, cache 8 GiB, Bloom 10 bits, "
           "memory "
           "table 64 MiB, sync=" +
           (durability == Durability::kStrict ? "true" : "false") + ", agents: a lock per counter";
  }
  Sharing sharing() const override { return Sharing::kThreads; }
  bool does(Work work) const override { return work != Work::kScale; }
  void create(const Setup& setup) const override { LeveldbHandle handle(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<LeveldbSession>(
        shared_.get([&] { return std::make_shared<LeveldbHandle>(setup); }), setup.durability);
  }
  bool is_data(const std::string& file_name) const override {
    return file_name.size() > 4 && file_name.substr(file_name.size() - 4) == ".ldb";
  }

 private:
  mutable SharedHandle<LeveldbHandle> shared_;
};

}  // namespace

std::unique_ptr<Engine> make_leveldb() {
  return std::make_unique<Leveldb>();
}

}  // namespace holdfast::bench
