// SQLite as it is best used by many writers: WAL, a busy handler that retries after a random 0.1
// to 1 ms for as long as it takes (its own backs off up to 100 ms and lets one writer run), one
// prepared statement per kind of call, no mmap, default automatic checkpoints.
// Strict: synchronous=FULL. Batched: synchronous=NORMAL.
// "sqlite_queued" is the same with writers that first queue on a lock file, which is fair.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include "bench/engines/engines.h"

namespace holdfast::bench {
namespace {

int retry_soon(void* random, int) {
  usleep(static_cast<useconds_t>(100 + static_cast<Random*>(random)->below(900)));
  return 1;
}

class Statement {
 public:
  Statement(sqlite3* database, const char* text) : database_(database) {
    const int code =
        sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
    require(code == SQLITE_OK, sqlite3_errmsg(database));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  void bind(int place, std::string_view bytes) {
    sqlite3_bind_blob(statement_, place, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_STATIC);
  }
  void bind(int place, size_t number) {
    sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(number));
  }
  // True when there is a row. A writer whose snapshot went stale starts again.
  bool step() {
    for (;;) {
      const int code = sqlite3_step(statement_);
      if (code == SQLITE_ROW) return true;
      if (code == SQLITE_DONE) return false;
      if ((code & 0xff) != SQLITE_BUSY) fail(sqlite3_errmsg(database_));
      sqlite3_reset(statement_);
    }
  }
  std::string_view column(int place) {
    const void* bytes = sqlite3_column_blob(statement_, place);
    return {static_cast<const char*>(bytes),
            static_cast<size_t>(sqlite3_column_bytes(statement_, place))};
  }
  void reset() { sqlite3_reset(statement_); }
  void run() {
    step();
    reset();
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

sqlite3* open_database(const Setup& setup, int flags) {
  sqlite3* database = nullptr;
  const std::string path = setup.directory + "/store.db";
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, nullptr);
  require(code == SQLITE_OK, "SQLite cannot open " + path);
  return database;
}

void execute(sqlite3* database, const char* text) {
  require(sqlite3_exec(database, text, nullptr, nullptr, nullptr) == SQLITE_OK,
          sqlite3_errmsg(database));
}

// Writers' turns by flock on a file of their own; does nothing where not wanted.
class WriterQueue {
 public:
  WriterQueue(const Setup& setup, bool wanted) {
    if (!wanted) return;
    fd_ = open((setup.directory + "/queue").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    require(fd_ >= 0, "cannot open the writers' queue");
  }
  WriterQueue(const WriterQueue&) = delete;
  WriterQueue& operator=(const WriterQueue&) = delete;
  ~WriterQueue() {
    if (fd_ >= 0) close(fd_);
  }
  void enter() {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  void leave() {
    if (fd_ >= 0) flock(fd_, LOCK_UN);
  }

 private:
  int fd_ = -1;
};

// Closes after the statements, which are destroyed before it.
struct Database {
  sqlite3* handle;
  explicit Database(sqlite3* opened) : handle(opened) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle); }
};

class SqliteSession final : public Session {
 public:
  SqliteSession(const Setup& setup, bool queued)
      : random_(static_cast<uint64_t>(getpid())),
        database_(configure(open_database(setup, 0), setup, &random_)),
        queue_(setup, queued),
        log_path_(setup.directory + "/store.db-wal") {}

  void put(std::string_view key, std::string_view value) override {
    queue_.enter();
    insert(key, value);
    queue_.leave();
  }

  void load(std::span<const Row> rows, bool) override {
    queue_.enter();
    begin_write_.run();
    for (const Row& row : rows) insert(row.key.view(), row.value.view());
    commit_.run();
    queue_.leave();
  }

  void agent(const AgentTransaction& transaction) override {
    queue_.enter();
    begin_write_.run();
    for (std::string_view key : transaction.reads) get(key, read_);
    insert(transaction.observation_key, transaction.observation);
    for (std::string_view key : transaction.index_keys) insert(key, transaction.index_value);
    uint64_t counter = 0;
    if (get(transaction.counter_key, read_)) std::memcpy(&counter, read_.data(), sizeof(counter));
    ++counter;
    insert(transaction.counter_key, {reinterpret_cast<const char*>(&counter), sizeof(counter)});
    commit_.run();
    queue_.leave();
  }

  bool get(std::string_view key, std::string& value) override {
    get_.bind(1, key);
    const bool found = get_.step();
    if (found) value.assign(get_.column(0));
    get_.reset();
    return found;
  }

  Scanned scan(std::string_view begin, size_t count) override {
    scan_.bind(1, begin);
    scan_.bind(2, count > INT32_MAX ? size_t{INT32_MAX} : count);
    Scanned scanned;
    while (scan_.step()) {
      ++scanned.rows;
      scanned.last_key.assign(scan_.column(0));
      scanned.value_bytes += scan_.column(1).size();
    }
    scan_.reset();
    return scanned;
  }

  void hold() override { begin_read_.run(); }
  void release() override { commit_.run(); }
  // What is in the synced write-ahead log is safe, checkpointed or not.
  void flush() override {
    const int fd = ::open(log_path_.c_str(), O_RDWR | O_CLOEXEC);
    require(fd >= 0 && fdatasync(fd) == 0, "cannot sync SQLite's log");
    close(fd);
  }
  void checkpoint() override { execute(database_.handle, "PRAGMA wal_checkpoint(PASSIVE)"); }

 private:
  static sqlite3* configure(sqlite3* database, const Setup& setup, Random* random) {
    sqlite3_busy_handler(database, retry_soon, random);
    execute(database, setup.durability == Durability::kStrict ? "PRAGMA synchronous=FULL"
                                                              : "PRAGMA synchronous=NORMAL");
    execute(database, "PRAGMA mmap_size=0");
    execute(database, "PRAGMA cache_size=-1048576");
    if (!setup.checkpoints) execute(database, "PRAGMA wal_autocheckpoint=0");
    return database;
  }

  void insert(std::string_view key, std::string_view value) {
    insert_.bind(1, key);
    insert_.bind(2, value);
    insert_.run();
  }

  Random random_;
  Database database_;
  WriterQueue queue_;
  const std::string log_path_;
  Statement insert_{database_.handle, "INSERT OR REPLACE INTO rows(key, value) VALUES (?, ?)"};
  Statement get_{database_.handle, "SELECT value FROM rows WHERE key = ?"};
  Statement scan_{database_.handle,
                  "SELECT key, value FROM rows WHERE key >= ? ORDER BY key LIMIT ?"};
  Statement begin_write_{database_.handle, "BEGIN IMMEDIATE"};
  Statement begin_read_{database_.handle, "BEGIN"};
  Statement commit_{database_.handle, "COMMIT"};
  std::string read_;
};

class Sqlite final : public Engine {
 public:
  explicit Sqlite(bool queued) : queued_(queued) {}
  std::string name() const override { return queued_ ? "sqlite_queued" : "sqlite"; }
  std::string options(Durability durability) const override {
    std::string text = "SQLite " + std::string(sqlite3_libversion()) + ", WAL, synchronous=";
    text += durability == Durability::kStrict ? "FULL" : "NORMAL";
    text += ", WITHOUT ROWID, mmap off, cache 1 GiB, busy handler random 0.1-1 ms";
    if (queued_) text += ", writers queue on flock";
    return text;
  }
  bool does(Work work) const override {
    if (!queued_) return work != Work::kScale;
    return work == Work::kPuts || work == Work::kAgent || work == Work::kOwnAgent ||
           work == Work::kMixed;
  }
  bool is_data(const std::string& file_name) const override { return file_name == "store.db"; }
  void create(const Setup& setup) const override {
    sqlite3* database = open_database(setup, SQLITE_OPEN_CREATE);
    execute(database, "PRAGMA journal_mode=WAL");
    execute(database, "CREATE TABLE rows(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    sqlite3_close(database);
  }
  std::unique_ptr<Session> open(const Setup& setup) const override {
    return std::make_unique<SqliteSession>(setup, queued_);
  }

 private:
  bool queued_;
};

}  // namespace

std::unique_ptr<Engine> make_sqlite() {
  return std::make_unique<Sqlite>(false);
}
std::unique_ptr<Engine> make_sqlite_queued() {
  return std::make_unique<Sqlite>(true);
}

}  // namespace holdfast::bench
