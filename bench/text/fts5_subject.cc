#include <sqlite3.h>

#include "bench/engine.h"
#include "bench/text/subjects.h"

namespace holdfast::bench {
namespace {

std::string text_of(const Query& query) {
  if (query.form == Query::Form::kPrefix) return query.words[0] + "*";
  const bool is_phrase = query.form == Query::Form::kPhrase;
  const char* const by = is_phrase                         ? " "
                         : query.form == Query::Form::kAll ? "\" AND \""
                                                           : "\" OR \"";
  std::string text;
  for (const std::string& word : query.words) text += (text.empty() ? "" : by) + word;
  return "\"" + text + "\"";
}

class Fts5Subject final : public Subject {
 public:
  explicit Fts5Subject(const std::string& folder) {
    require(sqlite3_open((folder + "/texts.db").c_str(), &database_) == SQLITE_OK, "open");
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5(body, tokenize='porter unicode61')");
    prepare("INSERT INTO texts(body) VALUES(?)", &insert_);
    prepare(
        "SELECT rowid, body, snippet(texts, 0, '[', ']', '...', 16) FROM texts"
        " WHERE texts MATCH ? ORDER BY rank LIMIT 10",
        &select_);
    prepare("SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10", &rank_);
  }
  ~Fts5Subject() override {
    sqlite3_finalize(insert_);
    sqlite3_finalize(select_);
    sqlite3_finalize(rank_);
    sqlite3_close(database_);
  }
  const char* name() const override { return "fts5"; }
  void write(std::span<const std::string> texts) override {
    run("BEGIN IMMEDIATE");
    for (const std::string& text : texts) {
      bind(insert_, text);
      require(sqlite3_step(insert_) == SQLITE_DONE, sqlite3_errmsg(database_));
      sqlite3_reset(insert_);
    }
    run("COMMIT");
  }
  size_t find(const Query& query) override {
    return count(select_, query, [this] {
      return sqlite3_column_bytes(select_, 1) > 0 && sqlite3_column_bytes(select_, 2) > 0;
    });
  }
  size_t rank(const Query& query) override {
    return count(rank_, query, [this] { return sqlite3_column_int64(rank_, 0) > 0; });
  }

 private:
  void run(const char* statement) {
    require(sqlite3_exec(database_, statement, nullptr, nullptr, nullptr) == SQLITE_OK,
            sqlite3_errmsg(database_));
  }
  void prepare(const char* text, sqlite3_stmt** statement) {
    require(sqlite3_prepare_v2(database_, text, -1, statement, nullptr) == SQLITE_OK,
            sqlite3_errmsg(database_));
  }
  static void bind(sqlite3_stmt* statement, const std::string& text) {
    sqlite3_bind_text(statement, 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }

  template <typename Take>
  size_t count(sqlite3_stmt* statement, const Query& query, const Take& take) {
    const std::string text = text_of(query);
    bind(statement, text);
    size_t taken = 0;
    int stepped = SQLITE_ROW;
    while ((stepped = sqlite3_step(statement)) == SQLITE_ROW) taken += take();
    require(stepped == SQLITE_DONE, sqlite3_errmsg(database_));
    sqlite3_reset(statement);
    return taken;
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
  sqlite3_stmt* rank_ = nullptr;
};

}  // namespace

std::unique_ptr<Subject> fts5_subject(const std::string& folder) {
  return std::make_unique<Fts5Subject>(folder);
}

}  // namespace holdfast::bench
