// holdfast_vectors: writing vectors and finding the nearest again, by Holdfast's observations, by
// sqlite-vec, and by comparing all of them in an array, in one run, the queries by turns.
//
// The vectors are drawn around centres that have something in common, as those of a model do. A
// write is durable when it returns (SQLite: WAL, synchronous=FULL), 1,000 in a commit. A query
// returns the ten nearest by cosine; recall says how many of them are those of the array, in the
// mean.
//
// Usage: holdfast_vectors [DIRECTORY [VECTORS [DIMENSION [QUERIES [VEC0]]]]]
//   VEC0: sqlite-vec's loadable extension, as npm's sqlite-vec-linux-x64 has it; without,
//   sqlite-vec is left out.
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/sync_counter.h"
#include "bench/table.h"
#include "holdfast/holdfast.h"
#include "vector/kernels.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatch = 1'000;
constexpr size_t kHits = 10;

using Numbers = std::set<uint64_t>;

class Vectors {
 public:
  explicit Vectors(size_t dimension) : centres_(1'000, std::vector<float>(dimension)) {
    std::vector<float> common(dimension);
    for (float& value : common) value = normal_(engine_) / 2;
    for (auto& centre : centres_) {
      for (size_t i = 0; i < dimension; ++i) centre[i] = common[i] + normal_(engine_);
    }
  }
  std::vector<float> next() {
    std::vector<float> values = centres_[engine_() % centres_.size()];
    for (float& value : values) value += normal_(engine_);
    return values;
  }

 private:
  std::mt19937 engine_{1};
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centres_;
};

// One of those that are compared. Vectors are numbered as they are written.
class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;
  virtual std::string name() const = 0;
  virtual void write(std::span<const std::vector<float>> vectors) = 0;  // in one commit
  virtual Numbers find(const std::vector<float>& query) = 0;
};

class ArraySubject final : public Subject {
 public:
  std::string name() const override { return "array, every vector"; }
  void write(std::span<const std::vector<float>> vectors) override {
    for (const auto& one : vectors) {
      const auto& kernel = vector::kernels();
      const char* const bytes = reinterpret_cast<const char*>(one.data());
      const float scale = 1 / std::sqrt(kernel.square_sum(bytes, one.size()));
      for (const float value : one) all_.push_back(value * scale);
    }
  }
  Numbers find(const std::vector<float>& query) override {
    const size_t count = all_.size() / query.size();
    std::vector<std::pair<float, uint64_t>> products(count);
    for (size_t i = 0; i < count; ++i) {
      const char* const one = reinterpret_cast<const char*>(all_.data() + i * query.size());
      products[i] = {vector::kernels().dot(query.data(), one, query.size()), i};
    }
    const auto end = products.begin() + static_cast<ptrdiff_t>(std::min(kHits, count));
    std::partial_sort(products.begin(), end, products.end(), std::greater<>());
    Numbers numbers;
    for (auto at = products.begin(); at != end; ++at) numbers.insert(at->second);
    return numbers;
  }

 private:
  std::vector<float> all_;
};

class HoldfastSubject final : public Subject {
 public:
  HoldfastSubject(Space space, std::string name, VectorAccuracy accuracy, bool writes)
      : space_(std::move(space)), name_(std::move(name)), accuracy_(accuracy), writes_(writes) {}
  std::string name() const override { return name_; }
  void write(std::span<const std::vector<float>> vectors) override {
    if (!writes_) return;
    std::vector<NewObservation> observations(vectors.size());
    for (size_t i = 0; i < vectors.size(); ++i) {
      observations[i].content = std::to_string(written_++);
      observations[i].embedding = Embedding{"drawn", "1", vectors[i]};
    }
    require(space_.observations().add_all(observations).is_ok(), "cannot add");
  }
  Numbers find(const std::vector<float>& query) override {
    RecallQuery recall;
    recall.limit = kHits;
    recall.vector = RecallVector();
    recall.vector->values = query;
    recall.vector->accuracy = accuracy_;
    const auto hits = space_.recall(recall);
    require(hits.is_ok(), "cannot recall");
    Numbers numbers;
    for (const RecallHit& hit : *hits) {
      numbers.insert(std::strtoull(hit.observation.content.c_str(), nullptr, 10));
    }
    return numbers;
  }

 private:
  Space space_;
  const std::string name_;
  const VectorAccuracy accuracy_;
  const bool writes_;
  uint64_t written_ = 0;
};

class SqliteVecSubject final : public Subject {
 public:
  SqliteVecSubject(const std::string& directory, const std::string& extension, size_t dimension) {
    fs::create_directory(directory);
    require(sqlite3_open((directory + "/vectors.db").c_str(), &database_) == SQLITE_OK, "open");
    sqlite3_enable_load_extension(database_, 1);
    char* message = nullptr;
    require(sqlite3_load_extension(database_, extension.c_str(), "sqlite3_vec_init", &message) ==
                SQLITE_OK,
            message == nullptr ? "cannot load sqlite-vec" : message);
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("CREATE VIRTUAL TABLE vectors USING vec0(embedding float[" + std::to_string(dimension) +
        "] distance_metric=cosine)");
    prepare("INSERT INTO vectors(rowid, embedding) VALUES(?, ?)", &insert_);
    prepare("SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = 10", &select_);
  }
  ~SqliteVecSubject() override {
    sqlite3_finalize(insert_);
    sqlite3_finalize(select_);
    sqlite3_close(database_);
  }
  std::string name() const override { return "sqlite-vec"; }
  void write(std::span<const std::vector<float>> vectors) override {
    run("BEGIN IMMEDIATE");
    for (const auto& one : vectors) {
      sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(written_++));
      bind(insert_, 2, one);
      require(sqlite3_step(insert_) == SQLITE_DONE, sqlite3_errmsg(database_));
      sqlite3_reset(insert_);
    }
    run("COMMIT");
  }
  Numbers find(const std::vector<float>& query) override {
    bind(select_, 1, query);
    Numbers numbers;
    while (sqlite3_step(select_) == SQLITE_ROW) {
      numbers.insert(static_cast<uint64_t>(sqlite3_column_int64(select_, 0)));
    }
    sqlite3_reset(select_);
    return numbers;
  }

 private:
  void run(const std::string& statement) {
    require(sqlite3_exec(database_, statement.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
            sqlite3_errmsg(database_));
  }
  void prepare(const char* text, sqlite3_stmt** statement) {
    require(sqlite3_prepare_v2(database_, text, -1, statement, nullptr) == SQLITE_OK,
            sqlite3_errmsg(database_));
  }
  static void bind(sqlite3_stmt* statement, int place, const std::vector<float>& values) {
    sqlite3_bind_blob(statement, place, values.data(),
                      static_cast<int>(values.size() * sizeof(float)), SQLITE_STATIC);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
  uint64_t written_ = 0;
};

struct Measured {
  uint64_t write_ns = 0;
  Histogram durations;
  uint64_t found = 0;
};

double us(const Histogram& histogram, double share) {
  return static_cast<double>(histogram.percentile_ns(share)) / 1e3;
}

void write_all(Vectors& vectors, uint64_t count, std::vector<std::unique_ptr<Subject>>& subjects,
               std::vector<Measured>& measured) {
  for (uint64_t first = 0; first < count; first += kBatch) {
    std::vector<std::vector<float>> batch(std::min<uint64_t>(kBatch, count - first));
    for (auto& one : batch) one = vectors.next();
    for (size_t i = 0; i < subjects.size(); ++i) {
      const uint64_t begin_ns = monotonic_ns();
      subjects[i]->write(batch);
      measured[i].write_ns += monotonic_ns() - begin_ns;
    }
  }
}

void compare(std::vector<std::unique_ptr<Subject>>& subjects, size_t dimension, uint64_t count,
             uint64_t queries) {
  Vectors vectors(dimension);
  std::vector<Measured> measured(subjects.size());
  write_all(vectors, count, subjects, measured);
  for (uint64_t i = 0; i < queries; ++i) {
    const std::vector<float> query = vectors.next();
    Numbers expected;
    for (size_t j = 0; j < subjects.size(); ++j) {  // the first gives what is right
      const uint64_t begin_ns = monotonic_ns();
      const Numbers found = subjects[j]->find(query);
      measured[j].durations.record(monotonic_ns() - begin_ns);
      if (j == 0) expected = found;
      for (const uint64_t one : found) measured[j].found += expected.contains(one) ? 1 : 0;
    }
  }
  Table table({"engine", "recall@10", "p50 us", "p99 us", "written, us each"});
  for (size_t j = 0; j < subjects.size(); ++j) {
    const Measured& one = measured[j];
    const double share = static_cast<double>(one.found) / static_cast<double>(queries * kHits);
    char recall[16];
    std::snprintf(recall, sizeof(recall), "%.4f", share);
    table.add({subjects[j]->name(), recall, readable(us(one.durations, 0.5)),
               readable(us(one.durations, 0.99)),
               readable(static_cast<double>(one.write_ns) / 1e3 / static_cast<double>(count))});
  }
  table.print(TableStyle::kMarkdown);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast;
  using namespace holdfast::bench;
  const auto number = [&](int at, uint64_t otherwise) {
    return count > at ? std::strtoull(arguments[at], nullptr, 10) : otherwise;
  };
  std::string directory = std::string(count > 1 ? arguments[1] : ".") + "/holdfast_vectors.XXXXXX";
  require(mkdtemp(directory.data()) != nullptr, "cannot make a folder for the stores");
  const uint64_t dimension = number(3, 768);
  {
    Result<Store> store = Store::open(directory + "/holdfast");
    require(store.is_ok(), "cannot open");
    const Space space = *store->space("vectors");
    std::vector<std::unique_ptr<Subject>> subjects;
    subjects.push_back(std::make_unique<ArraySubject>());
    subjects.push_back(
        std::make_unique<HoldfastSubject>(space, "holdfast", VectorAccuracy::standard, true));
    subjects.push_back(std::make_unique<HoldfastSubject>(space, "holdfast, high accuracy",
                                                         VectorAccuracy::high, false));
    if (count > 5) {
      subjects.push_back(
          std::make_unique<SqliteVecSubject>(directory + "/sqlite", arguments[5], dimension));
    }
    compare(subjects, dimension, number(2, 10'000), number(4, 200));
  }
  std::filesystem::remove_all(directory);
  return 0;
}
