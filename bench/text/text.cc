// holdfast_text: writing texts and finding them again, by Holdfast's observations, by SQLite's FTS5
// and by Xapian, in one run, the queries by turns.
//
// The texts are drawn from 50,000 words by Zipf's law, or those of FILE, of
// bench/quality/prepare.py, which are asked by words of its questions. A write is durable when it
// returns. A query returns the ten best with their text and a snippet; then the same are asked of
// the indexes alone.
//
// Usage: holdfast_text [--items FILE] COMMAND
//        holdfast_text [DIRECTORY [DOCUMENTS [QUERIES]]]
//        holdfast_text fill FOLDER DOCUMENTS             (what is written stays,
//        holdfast_text ask FOLDER DOCUMENTS [QUERIES]     and is asked by this)
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/sync_counter.h"
#include "bench/table.h"
#include "bench/text/corpus.h"
#include "bench/text/subjects.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatch = 1'000;
constexpr size_t kSingles = 1'000;  // written one in a commit

double seconds_of(const std::function<void()>& work) {
  const uint64_t begin_ns = monotonic_ns();
  work();
  return static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
}

using Subjects = std::vector<std::unique_ptr<Subject>>;

Subjects open_all(const std::string& folder) {
  const auto in = [&](const char* name) {
    const std::string path = folder + "/" + name;
    fs::create_directories(path);
    return path;
  };
  Subjects subjects;
  subjects.push_back(holdfast_subject(in("holdfast")));
  subjects.push_back(fts5_subject(in("fts5")));
  if (auto xapian = xapian_subject(in("xapian"))) subjects.push_back(std::move(xapian));
  return subjects;
}

struct Written {
  double batches_s = 0;
  Histogram singles;
};

// Whose turn it is: first each in order, then in reverse, so that none always follows the same
// other.
size_t turn(uint64_t round, size_t place, size_t count) {
  const size_t at = (round + place) % count;
  return round / count % 2 == 0 ? at : count - 1 - at;
}

// What the disk takes for a text, behind the end of a file.
class RawAppend {
 public:
  explicit RawAppend(const std::string& folder) {
    std::string path = folder + "/raw.XXXXXX";
    fd_ = mkostemp(path.data(), O_CLOEXEC);
    require(fd_ >= 0, "cannot make a file");
    unlink(path.c_str());
    const std::string zeros(size_t{4} << 20, '\0');  // appending finds its blocks there
    require(pwrite(fd_, zeros.data(), zeros.size(), 0) == static_cast<ssize_t>(zeros.size()) &&
                fsync(fd_) == 0,
            "cannot write");
  }
  RawAppend(const RawAppend&) = delete;
  RawAppend& operator=(const RawAppend&) = delete;
  ~RawAppend() { close(fd_); }
  void write(const std::string& text) {
    const auto size = static_cast<ssize_t>(text.size());
    require(pwrite(fd_, text.data(), text.size(), end_) == size && fdatasync(fd_) == 0,
            "cannot write");
    end_ += size;
  }

 private:
  int fd_;
  off_t end_ = 0;
};

// By each of the subjects; at last what of the singles the disk takes.
std::vector<Written> write_texts(const Corpus& corpus, uint64_t documents, Subjects& subjects,
                                 const std::string& folder) {
  std::vector<Written> written(subjects.size() + 1);
  std::vector<std::string> batch;
  const auto fill = [&](uint64_t first, size_t count) {
    batch.clear();
    for (uint64_t i = 0; i < count; ++i) batch.push_back(corpus.text(first + i));
  };
  for (uint64_t first = 0; first < documents; first += kBatch) {
    fill(first, std::min<uint64_t>(kBatch, documents - first));
    for (size_t i = 0; i < subjects.size(); ++i) {
      const size_t at = turn(first / kBatch, i, subjects.size());
      written[at].batches_s += seconds_of([&] { subjects[at]->write(batch); });
    }
  }
  RawAppend raw(folder);
  for (uint64_t i = 0; i < kSingles; ++i) {
    fill(documents + i, 1);
    for (size_t j = 0; j < written.size(); ++j) {
      const size_t at = turn(i, j, written.size());
      const uint64_t begin_ns = monotonic_ns();
      at < subjects.size() ? subjects[at]->write(batch) : raw.write(batch[0]);
      written[at].singles.record(monotonic_ns() - begin_ns);
    }
  }
  return written;
}

double us(const Histogram& histogram, double share) {
  return static_cast<double>(histogram.percentile_ns(share)) / 1e3;
}

// Of each other the figure, and how many times ours it is.
void add_row(Table& table, std::vector<std::string> row, const std::vector<double>& figures) {
  row.push_back(readable(figures[0]));
  for (size_t i = 1; i < figures.size(); ++i) {  // 0: it was not asked
    row.push_back(figures[i] > 0 ? readable(figures[i]) : kNothing);
    row.push_back(figures[i] > 0 ? readable(figures[i] / figures[0]) : kNothing);
  }
  table.add(std::move(row));
}

std::vector<std::string> titles(const Subjects& subjects, std::vector<std::string> first) {
  for (size_t i = 0; i < subjects.size(); ++i) {
    first.push_back(std::string(subjects[i]->name()) + " us");
    if (i > 0) first.push_back("times");
  }
  return first;
}

void print_written(const Subjects& subjects, const std::vector<Written>& written,
                   uint64_t documents) {
  Table table(titles(subjects, {"writing"}));
  const auto add = [&](const std::string& name, const std::function<double(const Written&)>& of) {
    std::vector<double> figures;
    for (size_t i = 0; i < subjects.size(); ++i) figures.push_back(of(written[i]));
    add_row(table, {name}, figures);
  };
  const auto each = static_cast<double>(documents) / 1e6;
  add("1,000 in a commit, each", [&](const Written& one) { return one.batches_s / each; });
  add("one in a commit, p50", [](const Written& one) { return us(one.singles, 0.5); });
  add("one in a commit, p99", [](const Written& one) { return us(one.singles, 0.99); });
  table.print(TableStyle::kMarkdown);
  const Histogram& raw = written.back().singles;
  std::printf("\nthe disk: a text appended to a file and synced takes %s us at p50, %s at p99\n\n",
              readable(us(raw, 0.5)).c_str(), readable(us(raw, 0.99)).c_str());
}

using Asking = size_t (Subject::*)(const Query& query);

void ask_all(const Corpus& corpus, Subjects& subjects, uint64_t documents, uint64_t queries,
             Asking asking) {
  Table table(titles(subjects, {"query", "share"}));
  for (const QueryKind& kind : corpus.kinds(documents)) {
    Random random(42);
    std::vector<Histogram> durations(kind.is_of_holdfast ? 1 : subjects.size());
    std::vector<uint64_t> found(durations.size());
    const uint64_t warming = queries / 5;  // not measured
    for (uint64_t i = 0; i < warming + queries; ++i) {
      const Query query = kind.make(random);
      for (size_t j = 0; j < durations.size(); ++j) {
        const size_t at = turn(i, j, durations.size());
        const uint64_t begin_ns = monotonic_ns();
        found[at] += ((*subjects[at]).*asking)(query);
        if (i >= warming) durations[at].record(monotonic_ns() - begin_ns);
      }
    }
    // Stems and ties differ, what is there does not.
    for (size_t j = 1; j < durations.size(); ++j) {
      require(found[j] * 10 > found[0] * 9 && found[0] * 10 > found[j] * 9, "one finds less");
    }
    for (const double share : {0.5, 0.99}) {
      std::vector<double> figures;
      for (const Histogram& one : durations) figures.push_back(us(one, share));
      figures.resize(subjects.size());
      add_row(table, {kind.name, share == 0.5 ? "p50" : "p99"}, figures);
    }
  }
  table.print(TableStyle::kMarkdown);
}

void ask(const Corpus& corpus, Subjects& subjects, uint64_t documents, uint64_t queries) {
  std::printf("%s documents, with texts and snippets\n\n",
              readable(static_cast<double>(documents)).c_str());
  ask_all(corpus, subjects, documents, queries, &Subject::find);
  std::printf("\nby the index alone; for a phrase Holdfast reads texts, too\n\n");
  ask_all(corpus, subjects, documents, queries, &Subject::rank);
}

void fill(const Corpus& corpus, const std::string& folder, uint64_t documents) {
  Subjects subjects = open_all(folder);
  print_written(subjects, write_texts(corpus, documents, subjects, folder), documents);
}

int run_command(std::vector<std::string> words) {
  std::unique_ptr<Corpus> corpus = drawn_corpus();
  if (words.size() > 1 && words[0] == "--items") {
    corpus = items_corpus(words[1]);
    words.erase(words.begin(), words.begin() + 2);
  }
  const auto number = [&](size_t at, uint64_t otherwise) {
    return words.size() > at ? std::strtoull(words[at].c_str(), nullptr, 10) : otherwise;
  };
  const bool has_command = !words.empty() && (words[0] == "fill" || words[0] == "ask");
  if (has_command) {
    require(words.size() > 2, "usage: holdfast_text fill|ask FOLDER DOCUMENTS [QUERIES]");
    if (words[0] == "fill") {
      fill(*corpus, words[1], number(2, 0));
      return 0;
    }
    Subjects subjects = open_all(words[1]);
    ask(*corpus, subjects, number(2, 0), number(3, 200));
    return 0;
  }
  std::string folder = (words.empty() ? "." : words[0]) + "/holdfast_text.XXXXXX";
  require(mkdtemp(folder.data()) != nullptr, "cannot make a folder for the stores");
  const uint64_t documents = number(1, corpus->documents());
  fill(*corpus, folder, documents);
  {
    Subjects subjects = open_all(folder);
    ask(*corpus, subjects, documents, number(2, 200));
  }
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  return holdfast::bench::run_command({arguments + 1, arguments + count});
}
