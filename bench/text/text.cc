// holdfast_text: writing texts and finding them again, by Holdfast's observations and by SQLite's
// FTS5, in one run, the queries by turns.
//
// The texts are drawn from 50,000 words by Zipf's law, the same for both. A write is durable when
// it returns (FTS5: WAL, synchronous=FULL). A query returns the ten best with their text and a
// snippet.
//
// Usage: holdfast_text [DIRECTORY [DOCUMENTS [QUERIES]]]
#include <sqlite3.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/rows.h"
#include "bench/sync_counter.h"
#include "bench/table.h"
#include "holdfast/holdfast.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWords = 50'000;
constexpr size_t kBatch = 1'000;
constexpr size_t kSingles = 1'000;  // written one in a commit
constexpr size_t kHits = 10;

std::string word(uint64_t rank) {
  Random random(rank * 2 + 1);
  constexpr std::string_view kConsonants = "bcdfghklmnprstvz";
  constexpr std::string_view kVowels = "aeiou";
  std::string text;
  for (uint64_t i = 2 + random.below(3); i > 0; --i) {
    text += kConsonants[random.below(kConsonants.size())];
    text += kVowels[random.below(kVowels.size())];
  }
  return text + kConsonants[random.below(kConsonants.size())];
}

class Texts {
 public:
  Texts() {
    for (uint64_t rank = 0; rank < kWords; ++rank) words_.push_back(word(rank));
  }
  // By Zipf's law, of ranks in [first, last).
  uint64_t rank(Random& random, uint64_t first = 0, uint64_t last = kWords) const {
    const double share = static_cast<double>(random.below(1u << 30)) / (1u << 30);
    const double low = static_cast<double>(first + 1);
    return std::min(
        last - 1,
        static_cast<uint64_t>(low * std::pow(static_cast<double>(last + 1) / low, share)) - 1);
  }
  std::vector<uint64_t> ranks(uint64_t document) const {
    Random random(document * 2 + 7);
    std::vector<uint64_t> ranks(20 + random.below(80));
    for (uint64_t& one : ranks) one = rank(random);
    return ranks;
  }
  std::string text(uint64_t document) const {
    std::string text;
    for (const uint64_t one : ranks(document)) text += (text.empty() ? "" : " ") + words_[one];
    return text;
  }
  const std::string& operator[](uint64_t rank) const { return words_[rank]; }

 private:
  std::vector<std::string> words_;
};

struct Query {
  std::string holdfast;
  std::string fts5;
};

struct QueryKind {
  const char* name;
  std::function<Query(Random&)> make;
};

Query joined(const std::vector<std::string>& words, const std::string& by) {
  Query query;
  for (const std::string& one : words) {
    query.holdfast += (query.holdfast.empty() ? "" : " " + by + " ") + one;
    query.fts5 += (query.fts5.empty() ? "\"" : " " + by + " \"") + one + "\"";
  }
  return query;
}

std::vector<QueryKind> query_kinds(const Texts& texts, uint64_t documents) {
  const auto some = [&texts](Random& random, size_t count, uint64_t first, uint64_t last) {
    std::vector<std::string> words;
    for (size_t i = 0; i < count; ++i) words.push_back(texts[texts.rank(random, first, last)]);
    return words;
  };
  // Words that stand together in a document, the first of them not one of the most common.
  const auto neighbours = [&texts, documents](Random& random) {
    while (true) {
      const std::vector<uint64_t> ranks = texts.ranks(random.below(documents));
      const size_t at = random.below(ranks.size() - 1);
      if (ranks[at] < 50 || ranks[at] == ranks[at + 1]) continue;
      return std::vector<std::string>{texts[ranks[at]], texts[ranks[at + 1]]};
    }
  };
  const auto kind_of = [some](const char* name, size_t count, uint64_t first, uint64_t last) {
    return QueryKind{
        name, [=](Random& random) { return joined(some(random, count, first, last), "OR"); }};
  };
  return {
      kind_of("1 word", 1, 100, 5000),
      kind_of("2 words, any", 2, 100, 5000),
      kind_of("3 words, any", 3, 100, 5000),
      kind_of("5 words, any", 5, 100, 5000),
      kind_of("2 common words, any", 2, 3, 50),
      {"2 words, both", [=](Random& random) { return joined(neighbours(random), "AND"); }},
      {"phrase of 2 words",
       [=](Random& random) {
         const auto words = neighbours(random);
         const std::string phrase = "\"" + words[0] + " " + words[1] + "\"";
         return Query{phrase, phrase};
       }},
      {"4 letters*",
       [some](Random& random) {
         const std::string prefix = some(random, 1, 100, 5000)[0].substr(0, 4) + "*";
         return Query{prefix, prefix};
       }},
  };
}

// One of the two that are compared.
class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;
  virtual void write(std::span<const std::string> texts) = 0;  // in one commit
  virtual size_t find(const Query& query) = 0;                 // how many of the ten best there are
};

class HoldfastSubject final : public Subject {
 public:
  explicit HoldfastSubject(const std::string& directory)
      : store_(*Store::open(directory)), space_(*store_.space("texts")) {}
  void write(std::span<const std::string> texts) override {
    std::vector<NewObservation> observations(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) observations[i].content = texts[i];
    const auto added = space_.observations().add_all(observations);
    require(added.is_ok(), "cannot add");
  }
  size_t find(const Query& query) override {
    const auto hits = space_.recall({.text = query.holdfast, .limit = kHits});
    require(hits.is_ok(), "cannot recall");
    return hits->size();
  }

 private:
  Store store_;
  Space space_;
};

class Fts5Subject final : public Subject {
 public:
  explicit Fts5Subject(const std::string& directory) {
    fs::create_directory(directory);
    require(sqlite3_open((directory + "/texts.db").c_str(), &database_) == SQLITE_OK, "open");
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE VIRTUAL TABLE texts USING fts5(body, tokenize='porter unicode61')");
    prepare("INSERT INTO texts(body) VALUES(?)", &insert_);
    prepare(
        "SELECT rowid, body, snippet(texts, 0, '[', ']', '...', 16) FROM texts"
        " WHERE texts MATCH ? ORDER BY rank LIMIT 10",
        &select_);
  }
  ~Fts5Subject() override {
    sqlite3_finalize(insert_);
    sqlite3_finalize(select_);
    sqlite3_close(database_);
  }
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
    bind(select_, query.fts5);
    size_t count = 0;
    while (sqlite3_step(select_) == SQLITE_ROW) {
      count += sqlite3_column_bytes(select_, 1) > 0 && sqlite3_column_bytes(select_, 2) > 0;
    }
    sqlite3_reset(select_);
    return count;
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

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

double seconds_of(const std::function<void()>& work) {
  const uint64_t begin_ns = monotonic_ns();
  work();
  return static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
}

struct Written {
  double batches_s = 0;
  Histogram singles;
};

void write_texts(const Texts& texts, uint64_t documents, Subject* const* subjects,
                 Written* written) {
  std::vector<std::string> batch;
  const auto fill = [&](uint64_t first, size_t count) {
    batch.clear();
    for (uint64_t i = 0; i < count; ++i) batch.push_back(texts.text(first + i));
  };
  for (uint64_t first = 0; first < documents; first += kBatch) {
    fill(first, std::min<uint64_t>(kBatch, documents - first));
    for (size_t i = 0; i < 2; ++i) {
      written[i].batches_s += seconds_of([&] { subjects[i]->write(batch); });
    }
  }
  for (uint64_t i = 0; i < kSingles; ++i) {
    fill(documents + i, 1);
    for (size_t j = 0; j < 2; ++j) {
      const uint64_t begin_ns = monotonic_ns();
      subjects[j]->write(batch);
      written[j].singles.record(monotonic_ns() - begin_ns);
    }
  }
}

double us(const Histogram& histogram, double share) {
  return static_cast<double>(histogram.percentile_ns(share)) / 1e3;
}

void print_written(const Written* written, uint64_t documents) {
  Table table({"writing", "holdfast us", "fts5 us", "times faster"});
  const auto add = [&](const std::string& name, double ours, double theirs) {
    table.add({name, readable(ours), readable(theirs), readable(theirs / ours)});
  };
  const auto each = static_cast<double>(documents) / 1e6;
  add("1,000 in a commit, each", written[0].batches_s / each, written[1].batches_s / each);
  add("one in a commit, p50", us(written[0].singles, 0.5), us(written[1].singles, 0.5));
  add("one in a commit, p99", us(written[0].singles, 0.99), us(written[1].singles, 0.99));
  table.print(TableStyle::kMarkdown);
}

void compare(const std::string& directory, uint64_t documents, uint64_t queries) {
  const Texts texts;
  HoldfastSubject holdfast(directory + "/holdfast");
  Fts5Subject fts5(directory + "/fts5");
  Subject* const subjects[] = {&holdfast, &fts5};
  Written written[2];
  write_texts(texts, documents, subjects, written);
  print_written(written, documents);
  std::printf("\n");
  Table table({"query", "holdfast p50 us", "fts5 p50 us", "times faster", "holdfast p99 us",
               "fts5 p99 us", "times faster"});
  for (const QueryKind& kind : query_kinds(texts, documents)) {
    Random random(42);
    Histogram durations[2];
    for (uint64_t i = 0; i < queries; ++i) {
      const Query query = kind.make(random);
      for (size_t j = 0; j < 2; ++j) {
        const size_t at = (i + j) % 2;  // neither always follows the other
        const uint64_t begin_ns = monotonic_ns();
        subjects[at]->find(query);
        durations[at].record(monotonic_ns() - begin_ns);
      }
    }
    table.add({kind.name, readable(us(durations[0], 0.5)), readable(us(durations[1], 0.5)),
               readable(us(durations[1], 0.5) / us(durations[0], 0.5)),
               readable(us(durations[0], 0.99)), readable(us(durations[1], 0.99)),
               readable(us(durations[1], 0.99) / us(durations[0], 0.99))});
  }
  table.print(TableStyle::kMarkdown);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast::bench;
  std::string directory = std::string(count > 1 ? arguments[1] : ".") + "/holdfast_text.XXXXXX";
  require(mkdtemp(directory.data()) != nullptr, "cannot make a folder for the stores");
  compare(directory, count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 100'000,
          count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 200);
  std::filesystem::remove_all(directory);
  return 0;
}
