// RocksDB owns its store: all workers are threads of one process, which spares them what sharing
// between processes costs. No compression, a block cache of 8 GiB, Bloom filters of 10 bits, files
// stay open; the rest is its default (memory tables of 64 MiB).
// Strict: WriteOptions::sync. Batched: without. Agent transactions: TransactionDB (pessimistic
// locks); the other workloads use the plain database, which is faster.
// "rocksdb_bulk" builds one table file of sorted rows and ingests it: not transactions, but the way
// that its manual recommends for bulk loads.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/transaction.h>
#include <rocksdb/utilities/transaction_db.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <cstring>

#include "bench/engines/engines.h"
#include "bench/engines/shared_handle.h"

namespace holdfast::bench {
namespace {

void check_status(const rocksdb::Status& status) {
  if (!status.ok()) fail("RocksDB: " + status.ToString());
}

rocksdb::Slice slice_of(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

rocksdb::Options make_options(const Setup& setup) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(size_t{8} << 30);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.max_open_files = -1;
  options.info_log_level = rocksdb::ERROR_LEVEL;
  if (!setup.checkpoints) options.write_buffer_size = size_t{8} << 30;
  return options;
}

struct RocksdbHandle {
  explicit RocksdbHandle(const Setup& setup) {
    const std::string path = setup.directory + "/store";
    rocksdb::DB* opened = nullptr;
    if (setup.transactions) {
      check_status(rocksdb::TransactionDB::Open(make_options(setup), {}, path, &transactions));
      opened = transactions;
    } else {
      check_status(rocksdb::DB::Open(make_options(setup), path, &opened));
    }
    database.reset(opened);
  }
  std::unique_ptr<rocksdb::DB> database;
  rocksdb::TransactionDB* transactions = nullptr;  // the same, where transactions are wanted
};

class RocksdbSession : public Session {
 public:
  RocksdbSession(std::shared_ptr<RocksdbHandle> handle, Durability durability)
      : handle_(std::move(handle)) {
    write_options_.sync = durability == Durability::kStrict;
  }

  void put(std::string_view key, std::string_view value) override {
    check_status(database().Put(write_options_, slice_of(key), slice_of(value)));
  }

  void load(std::span<const Row> rows, bool) override {
    rocksdb::WriteBatch batch;
    for (const Row& row : rows) {
      check_status(batch.Put(slice_of(row.key.view()), slice_of(row.value.view())));
    }
    check_status(database().Write(write_options_, &batch));
  }

  // A lock that does not come in time, or a deadlock: again from the start.
  void agent(const AgentTransaction& transaction) override {
    require(handle_->transactions != nullptr, "opened without transactions");
    for (;;) {
      txn_.reset(handle_->transactions->BeginTransaction(write_options_, {}, txn_.release()));
      const rocksdb::Status status = act(*txn_, transaction);
      if (status.ok()) return;
      check_status(txn_->Rollback());
      if (!status.IsTimedOut() && !status.IsBusy()) check_status(status);
    }
  }

  bool get(std::string_view key, std::string& value) override {
    read_.Reset();
    const rocksdb::Status status =
        database().Get(read_options_, database().DefaultColumnFamily(), slice_of(key), &read_);
    if (status.IsNotFound()) return false;
    check_status(status);
    value.assign(read_.data(), read_.size());
    return true;
  }

  Scanned scan(std::string_view begin, size_t count) override {
    if (held_) return scan_from(*held_, begin, count);
    const std::unique_ptr<rocksdb::Iterator> rows(database().NewIterator(read_options_));
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
  void flush() override { check_status(database().SyncWAL()); }
  void checkpoint() override { check_status(database().Flush({})); }

 protected:
  rocksdb::DB& database() { return *handle_->database; }

 private:
  static rocksdb::Status act(rocksdb::Transaction& txn, const AgentTransaction& transaction) {
    std::string read;
    for (std::string_view key : transaction.reads) {
      const rocksdb::Status status = txn.Get({}, slice_of(key), &read);
      if (!status.ok() && !status.IsNotFound()) return status;
    }
    rocksdb::Status status =
        txn.Put(slice_of(transaction.observation_key), slice_of(transaction.observation));
    for (std::string_view key : transaction.index_keys) {
      if (status.ok()) status = txn.Put(slice_of(key), slice_of(transaction.index_value));
    }
    if (!status.ok()) return status;
    uint64_t counter = 0;
    status = txn.GetForUpdate({}, slice_of(transaction.counter_key), &read);
    if (status.ok()) std::memcpy(&counter, read.data(), sizeof(counter));
    if (!status.ok() && !status.IsNotFound()) return status;
    ++counter;
    status = txn.Put(slice_of(transaction.counter_key),
                     {reinterpret_cast<const char*>(&counter), sizeof(counter)});
    return status.ok() ? txn.Commit() : status;
  }

  static Scanned scan_from(rocksdb::Iterator& rows, std::string_view begin, size_t count) {
    Scanned scanned;
    for (rows.Seek(slice_of(begin)); rows.Valid() && scanned.rows < count; rows.Next()) {
      ++scanned.rows;
      scanned.value_bytes += rows.value().size();
      scanned.last_key.assign(rows.key().data(), rows.key().size());
    }
    check_status(rows.status());
    return scanned;
  }

  std::shared_ptr<RocksdbHandle> handle_;
  rocksdb::WriteOptions write_options_;
  rocksdb::ReadOptions read_options_;
  rocksdb::PinnableSlice read_;
  std::unique_ptr<rocksdb::Iterator> held_;
  std::unique_ptr<rocksdb::Transaction> txn_;
};

// Collects all rows in one table file, which flush() ingests.
class RocksdbBulkSession final : public RocksdbSession {
 public:
  RocksdbBulkSession(std::shared_ptr<RocksdbHandle> handle, const Setup& setup)
      : RocksdbSession(std::move(handle), setup.durability),
        path_(setup.directory + "/bulk.sst"),
        options_(make_options(setup)) {}

  void load(std::span<const Row> rows, bool) override {
    if (!writer_) {
      writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_);
      check_status(writer_->Open(path_));
    }
    for (const Row& row : rows) {
      check_status(writer_->Put(slice_of(row.key.view()), slice_of(row.value.view())));
    }
  }
  void flush() override {
    check_status(writer_->Finish());
    writer_.reset();
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    check_status(database().IngestExternalFile({path_}, options));
  }

 private:
  const std::string path_;
  const rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
};

class Rocksdb : public Engine {
 public:
  std::string name() const override { return "rocksdb"; }
  std::string options(Durability durability) const override {
    return "RocksDB " + std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
           std::to_string(ROCKSDB_PATCH) +
           ", workers are threads of one process, no compression, cache 8 GiB, Bloom 10 bits, "
           "sync=" +
           (durability == Durability::kStrict ? "true" : "false") + ", agents: TransactionDB";
  }
  Sharing sharing() const override { return Sharing::kThreads; }
  bool does(Work work) const override { return work != Work::kScale; }
  void create(const Setup& setup) const override { RocksdbHandle handle(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<RocksdbSession>(handle_of(setup), setup.durability);
  }
  bool is_data(const std::string& file_name) const override {
    return file_name.size() > 4 && file_name.substr(file_name.size() - 4) == ".sst";
  }

 protected:
  std::shared_ptr<RocksdbHandle> handle_of(const Setup& setup) const {
    return shared_.get([&] { return std::make_shared<RocksdbHandle>(setup); });
  }

 private:
  mutable SharedHandle<RocksdbHandle> shared_;
};

class RocksdbBulk final : public Rocksdb {
 public:
  std::string name() const override { return "rocksdb_bulk"; }
  std::string options(Durability durability) const override {
    return Rocksdb::options(durability) + ", one ingested table file of sorted rows";
  }
  bool does(Work work) const override { return work == Work::kLoad; }
  bool loads_unsorted() const override { return false; }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<RocksdbBulkSession>(handle_of(setup), setup);
  }
};

}  // namespace

std::unique_ptr<Engine> make_rocksdb() {
  return std::make_unique<Rocksdb>();
}
std::unique_ptr<Engine> make_rocksdb_bulk() {
  return std::make_unique<RocksdbBulk>();
}

}  // namespace holdfast::bench
