// LMDB: one environment per process, MDB_NOTLS, a map with room for all, read transactions that
// are reset and renewed rather than made anew.
// Strict: its default, one fdatasync and one O_DSYNC write per commit.
// Batched: MDB_NOSYNC. That is weaker than the others: power loss may corrupt the file.
#include <lmdb.h>

#include <cstring>

#include "bench/engines/engines.h"

namespace holdfast::bench {
namespace {

constexpr size_t kMapBytes = size_t{64} << 30;

void check_code(int code, const char* what) {
  if (code != MDB_SUCCESS) fail(std::string("LMDB: ") + what + ": " + mdb_strerror(code));
}

MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view view_of(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class LmdbSession final : public Session {
 public:
  explicit LmdbSession(const Setup& setup) {
    check_code(mdb_env_create(&environment_), "create");
    check_code(mdb_env_set_mapsize(environment_, kMapBytes), "set the size of the map");
    check_code(mdb_env_set_maxreaders(environment_, 512), "set the number of readers");
    const unsigned flags = MDB_NOTLS | (setup.durability == Durability::kBatched ? MDB_NOSYNC : 0u);
    check_code(mdb_env_open(environment_, setup.directory.c_str(), flags, 0644), "open");
    check_code(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reader_), "begin a read");
    check_code(mdb_dbi_open(reader_, nullptr, 0, &rows_), "open the main database");
    check_code(mdb_cursor_open(reader_, rows_, &cursor_), "open a cursor");
    mdb_txn_reset(reader_);
  }

  ~LmdbSession() override {
    mdb_cursor_close(cursor_);
    mdb_txn_abort(reader_);
    mdb_env_close(environment_);
  }

  void put(std::string_view key, std::string_view value) override {
    MDB_txn* writer = begin();
    insert(writer, key, value);
    check_code(mdb_txn_commit(writer), "commit");
  }

  void load(std::span<const Row> rows, bool ascending) override {
    MDB_txn* writer = begin();
    const unsigned flags = ascending ? MDB_APPEND : 0u;
    for (const Row& row : rows) insert(writer, row.key.view(), row.value.view(), flags);
    check_code(mdb_txn_commit(writer), "commit");
  }

  void agent(const AgentTransaction& transaction) override {
    MDB_txn* writer = begin();
    for (std::string_view key : transaction.reads) read(writer, key, read_);
    insert(writer, transaction.observation_key, transaction.observation);
    for (std::string_view key : transaction.index_keys) {
      insert(writer, key, transaction.index_value);
    }
    uint64_t counter = 0;
    if (read(writer, transaction.counter_key, read_)) {
      std::memcpy(&counter, read_.data(), sizeof(counter));
    }
    ++counter;
    insert(writer, transaction.counter_key,
           {reinterpret_cast<const char*>(&counter), sizeof(counter)});
    check_code(mdb_txn_commit(writer), "commit");
  }

  bool get(std::string_view key, std::string& value) override {
    begin_read();
    const bool found = read(reader_, key, value);
    end_read();
    return found;
  }

  Scanned scan(std::string_view begin, size_t count) override {
    begin_read();
    check_code(mdb_cursor_renew(reader_, cursor_), "renew a cursor");
    Scanned scanned;
    MDB_val key = value_of(begin);
    MDB_val value{};
    int code = mdb_cursor_get(cursor_, &key, &value, begin.empty() ? MDB_FIRST : MDB_SET_RANGE);
    while (code == MDB_SUCCESS && scanned.rows < count) {
      ++scanned.rows;
      scanned.value_bytes += value.mv_size;
      scanned.last_key.assign(view_of(key));
      code = mdb_cursor_get(cursor_, &key, &value, MDB_NEXT);
    }
    if (code != MDB_NOTFOUND) check_code(code, "scan");
    end_read();
    return scanned;
  }

  void hold() override {
    begin_read();
    held_ = true;
  }
  void release() override {
    held_ = false;
    end_read();
  }
  void flush() override { check_code(mdb_env_sync(environment_, 1), "sync"); }
  void checkpoint() override {}

 private:
  MDB_txn* begin() {
    MDB_txn* writer = nullptr;
    check_code(mdb_txn_begin(environment_, nullptr, 0, &writer), "begin a write");
    return writer;
  }
  void begin_read() {
    if (!held_) check_code(mdb_txn_renew(reader_), "renew a read");
  }
  void end_read() {
    if (!held_) mdb_txn_reset(reader_);
  }
  void insert(MDB_txn* writer, std::string_view key, std::string_view bytes, unsigned flags = 0) {
    MDB_val name = value_of(key);
    MDB_val value = value_of(bytes);
    check_code(mdb_put(writer, rows_, &name, &value, flags), "put");
  }
  bool read(MDB_txn* txn, std::string_view key, std::string& out) {
    MDB_val name = value_of(key);
    MDB_val value{};
    const int code = mdb_get(txn, rows_, &name, &value);
    if (code == MDB_NOTFOUND) return false;
    check_code(code, "get");
    out.assign(view_of(value));
    return true;
  }

  MDB_env* environment_ = nullptr;
  MDB_txn* reader_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
  MDB_dbi rows_ = 0;
  bool held_ = false;
  std::string read_;
};

class Lmdb final : public Engine {
 public:
  std::string name() const override { return "lmdb"; }
  std::string options(Durability durability) const override {
    return "LMDB " + std::to_string(MDB_VERSION_MAJOR) + "." + std::to_string(MDB_VERSION_MINOR) +
           "." + std::to_string(MDB_VERSION_PATCH) +
           (durability == Durability::kStrict
                ? ", NOTLS, synced"
                : ", NOTLS, NOSYNC (power loss may corrupt the file)") +
           ", map 64 GiB";
  }
  bool is_data(const std::string& file_name) const override { return file_name == "data.mdb"; }
  void create(const Setup& setup) const override { LmdbSession session(setup); }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<LmdbSession>(setup);
  }
};

}  // namespace

std::unique_ptr<Engine> make_lmdb() {
  return std::make_unique<Lmdb>();
}

}  // namespace holdfast::bench
