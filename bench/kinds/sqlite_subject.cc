// WAL, synchronous=FULL, writers that begin immediately and retry after a random 0.1 to 1 ms, as
// engines/sqlite.cc does. Texts beside an FTS5 table; numbers of events by AUTOINCREMENT, no hash
// chain; artifacts without hashes; a cache without bound that notes the use of an entry at most
// every 10 seconds.
#include <sqlite3.h>
#include <unistd.h>

#include <ctime>

#include "bench/engine.h"
#include "bench/kinds/subject.h"

namespace holdfast::bench {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE observations(id INTEGER PRIMARY KEY, at INTEGER, content TEXT);"
    "CREATE INDEX observations_at ON observations(at);"
    "CREATE VIRTUAL TABLE words USING fts5(content, content='observations', content_rowid='id',"
    " tokenize='porter');"
    "CREATE TABLE steps(run INTEGER, key TEXT, state INTEGER, started INTEGER, ended INTEGER,"
    " output BLOB, PRIMARY KEY(run, key));"
    "CREATE TABLE artifacts(name TEXT, version INTEGER, at INTEGER, content BLOB,"
    " PRIMARY KEY(name, version));"
    "CREATE TABLE events(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, type TEXT,"
    " data BLOB);"
    "CREATE TABLE jobs(id INTEGER PRIMARY KEY, priority INTEGER, state INTEGER, attempts INTEGER,"
    " until INTEGER, payload BLOB);"
    "CREATE INDEX jobs_ready ON jobs(state, priority DESC, id);"
    "CREATE TABLE results(id INTEGER PRIMARY KEY, result BLOB);"
    "CREATE TABLE cache(key TEXT PRIMARY KEY, value BLOB, until INTEGER, used INTEGER);"
    "CREATE INDEX cache_used ON cache(used);";

int retry_soon(void* random, int) {
  usleep(static_cast<useconds_t>(100 + static_cast<Random*>(random)->below(900)));
  return 1;
}

class Statement {
 public:
  Statement(sqlite3* database, const char* text) : database_(database) {
    require(sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, &statement_,
                               nullptr) == SQLITE_OK,
            sqlite3_errmsg(database));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& bind(int place, std::string_view bytes) {
    sqlite3_bind_blob(statement_, place, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Statement& bind(int place, int64_t number) {
    sqlite3_bind_int64(statement_, place, number);
    return *this;
  }
  // True when there is a row.
  bool step() {
    while (true) {
      const int code = sqlite3_step(statement_);
      if (code == SQLITE_ROW) return true;
      if (code == SQLITE_DONE) return false;
      require((code & 0xff) == SQLITE_BUSY, sqlite3_errmsg(database_));
      sqlite3_reset(statement_);
    }
  }
  int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
  std::string_view bytes(int column) {
    const void* begin = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(begin),
            static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
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

struct Database {
  explicit Database(const std::string& directory) {
    require(sqlite3_open((directory + "/store.db").c_str(), &handle) == SQLITE_OK,
            "SQLite cannot open its file");
    sqlite3_busy_handler(handle, retry_soon, &random);
    execute("PRAGMA journal_mode=WAL");
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(handle); }
  void execute(const char* text) const {
    require(sqlite3_exec(handle, text, nullptr, nullptr, nullptr) == SQLITE_OK,
            sqlite3_errmsg(handle));
  }

  Random random{static_cast<uint64_t>(getpid())};
  sqlite3* handle = nullptr;
};

class SqliteKeeper final : public Keeper {
 public:
  SqliteKeeper(const std::string& directory, const char* synchronous) : database_(directory) {
    database_.execute(synchronous);
  }

  void observe(std::string_view text) override {
    begin_.run();
    observe_.bind(1, now()).bind(2, text).run();
    index_.bind(1, sqlite3_last_insert_rowid(database_.handle)).bind(2, text).run();
    commit_.run();
  }
  void do_step(std::string_view key, std::string_view output) override {
    begin_step_.bind(1, int64_t{getpid()}).bind(2, key).bind(3, now()).run();
    end_step_.bind(1, now()).bind(2, output).bind(3, int64_t{getpid()}).bind(4, key).run();
  }
  void put_artifact(std::string_view name, std::string_view content) override {
    put_artifact_.bind(1, name).bind(2, now()).bind(3, content).run();
  }
  bool get_artifact(std::string_view name, std::string& content) override {
    get_artifact_.bind(1, name);
    const bool found = get_artifact_.step();
    if (found) content = get_artifact_.bytes(0);
    get_artifact_.reset();
    return found;
  }
  void append_event(std::string_view data) override { append_.bind(1, now()).bind(2, data).run(); }
  void push_job(std::string_view payload) override { push_.bind(1, payload).run(); }
  bool do_job() override {
    begin_.run();
    const bool found = first_.step();
    const int64_t id = found ? first_.number(0) : 0;
    const std::string payload(found ? first_.bytes(1) : std::string_view());
    first_.reset();
    if (found) lease_.bind(1, now() + 60).bind(2, id).run();
    commit_.run();
    if (!found) return false;
    begin_.run();
    result_.bind(1, id).bind(2, payload).run();
    done_.bind(1, id).run();
    commit_.run();
    return true;
  }
  void cache_put(std::string_view key, std::string_view value) override {
    put_.bind(1, key).bind(2, value).bind(3, now() + 3600).bind(4, now()).run();
  }
  bool cache_get(std::string_view key, std::string& value) override {
    get_.bind(1, key).bind(2, now());
    const bool found = get_.step();
    if (found) value = get_.bytes(0);
    const bool is_due = found && get_.number(1) + 10 < now();
    get_.reset();
    if (is_due) use_.bind(1, now()).bind(2, key).run();
    return found;
  }

 private:
  static int64_t now() { return static_cast<int64_t>(std::time(nullptr)); }

  Database database_;
  Statement begin_{database_.handle, "BEGIN IMMEDIATE"};
  Statement commit_{database_.handle, "COMMIT"};
  Statement observe_{database_.handle, "INSERT INTO observations(at, content) VALUES(?1, ?2)"};
  Statement index_{database_.handle, "INSERT INTO words(rowid, content) VALUES(?1, ?2)"};
  Statement begin_step_{database_.handle,
                        "INSERT INTO steps(run, key, state, started) VALUES(?1, ?2, 1, ?3)"};
  Statement end_step_{database_.handle,
                      "UPDATE steps SET state = 2, ended = ?1, output = ?2"
                      " WHERE run = ?3 AND key = ?4 AND state = 1"};
  Statement put_artifact_{database_.handle,
                          "INSERT INTO artifacts(name, version, at, content) SELECT ?1,"
                          " ifnull(max(version), 0) + 1, ?2, ?3 FROM artifacts WHERE name = ?1"};
  Statement get_artifact_{database_.handle,
                          "SELECT content FROM artifacts WHERE name = ?1"
                          " ORDER BY version DESC LIMIT 1"};
  Statement append_{database_.handle, "INSERT INTO events(at, type, data) VALUES(?1, 'bench', ?2)"};
  Statement push_{database_.handle,
                  "INSERT INTO jobs(priority, state, attempts, payload) VALUES(0, 0, 0, ?1)"};
  Statement first_{database_.handle,
                   "SELECT id, payload FROM jobs WHERE state = 0"
                   " ORDER BY priority DESC, id LIMIT 1"};
  Statement lease_{database_.handle,
                   "UPDATE jobs SET state = 1, attempts = attempts + 1, until = ?1 WHERE id = ?2"};
  Statement result_{database_.handle, "INSERT INTO results(id, result) VALUES(?1, ?2)"};
  Statement done_{database_.handle, "DELETE FROM jobs WHERE id = ?1"};
  Statement put_{database_.handle,
                 "INSERT INTO cache(key, value, until, used) VALUES(?1, ?2, ?3, ?4)"
                 " ON CONFLICT(key) DO UPDATE SET value = ?2, until = ?3, used = ?4"};
  Statement get_{database_.handle, "SELECT value, used FROM cache WHERE key = ?1 AND until > ?2"};
  Statement use_{database_.handle, "UPDATE cache SET used = ?1 WHERE key = ?2"};
};

class SqliteSubject final : public Subject {
 public:
  std::string name() const override { return "sqlite"; }
  void create(const std::string& directory) const override { Database(directory).execute(kSchema); }
  std::unique_ptr<Keeper> open(const std::string& directory, For use) const override {
    return std::make_unique<SqliteKeeper>(
        directory, use == For::kMeasuring ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
  }
};

}  // namespace

std::unique_ptr<Subject> make_sqlite_subject() {
  return std::make_unique<SqliteSubject>();
}

}  // namespace holdfast::bench
