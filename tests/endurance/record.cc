#include "endurance/record.h"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "endurance/trial_run.h"

namespace holdfast::sim {
namespace {

constexpr const char* kTitle = "simulated crashes of engine ";

// A line of the record: "<seed> <layer> runs=N seconds=S kill=N ... failed=<test or ->".
struct Unit {
  uint64_t seed = 0;
  std::string layer;
  LoopTotals totals;
  double seconds = 0;
  std::string failed;
};

uint64_t crashes_of(const LoopTotals& totals) {
  uint64_t count = 0;
  for (size_t i = 0; i < kFaultCount; ++i) {
    if (Fault(i) != Fault::kNone) count += totals.struck[i];
  }
  return count;
}

std::string line_of(const Unit& unit) {
  std::ostringstream line;
  line << unit.seed << ' ' << unit.layer << " runs=" << unit.totals.runs
       << " seconds=" << unit.seconds;
  for (size_t i = 0; i < kFaultCount; ++i) {
    if (unit.totals.struck[i] == 0) continue;
    line << ' ' << fault_name(Fault(i)) << '=' << unit.totals.struck[i];
  }
  line << " failed=" << (unit.failed.empty() ? "-" : unit.failed);
  return line.str();
}

void set_field(Unit& unit, const std::string& name, const std::string& value) {
  if (name == "runs") unit.totals.runs = std::stoull(value);
  if (name == "seconds") unit.seconds = std::stod(value);
  if (name == "failed" && value != "-") unit.failed = value;
  for (size_t i = 0; i < kFaultCount; ++i) {
    if (name == fault_name(Fault(i))) unit.totals.struck[i] = std::stoull(value);
  }
}

// False: the line is torn, for whoever wrote it was ended.
bool parse(const std::string& text, Unit& unit) {
  std::istringstream words(text);
  if (!(words >> unit.seed >> unit.layer)) return false;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size()) return false;
    set_field(unit, word.substr(0, equals), word.substr(equals + 1));
    if (word.starts_with("failed=")) return true;
  }
  return false;
}

class Record {
 public:
  explicit Record(const RecordOptions& options) : options_(options) {}

  // False: the file is something else, or another engine's.
  bool load() {
    const std::string title = kTitle + options_.engine;
    std::ifstream file(options_.path);
    std::string line;
    if (!std::getline(file, line)) return append(title);
    if (line != title) return false;
    while (std::getline(file, line)) {
      Unit unit;
      if (parse(line, unit)) add(unit);
    }
    return append("");  // ends what may be torn
  }

  bool append(const std::string& line) const {
    std::ofstream file(options_.path, std::ios::app);
    file << line << std::endl;
    return static_cast<bool>(file);
  }

  void add(const Unit& unit) {
    done_.emplace(unit.seed, unit.layer);
    seeds_.insert(unit.seed);
    Row& row = rows_[unit.layer];
    row.runs += unit.totals.runs;
    row.seconds += unit.seconds;
    for (size_t i = 0; i < kFaultCount; ++i) struck_[i] += unit.totals.struck[i];
    row.crashes += crashes_of(unit.totals);
    crashes_ += crashes_of(unit.totals);
    if (unit.failed.empty()) return;
    ++row.failures;
    ++failures_;
  }

  bool has(uint64_t seed, const std::string& layer) const {
    return done_.count({seed, layer}) != 0;
  }
  uint64_t crashes() const { return crashes_; }
  uint64_t failures() const { return failures_; }

  void print() const {
    std::printf("%s%s\n", kTitle, options_.engine.c_str());
    std::printf("| Layer | Runs | Crashes and errors | Processor seconds | Failures |\n");
    std::printf("|---|---|---|---|---|\n");
    Row sum;
    for (const auto& [layer, row] : rows_) {
      print_row(layer, row);
      sum.runs += row.runs;
      sum.crashes += row.crashes;
      sum.seconds += row.seconds;
      sum.failures += row.failures;
    }
    print_row("all", sum);
    for (size_t i = 0; i < kFaultCount; ++i) {
      const std::string name(fault_name(Fault(i)));
      if (struck_[i] != 0) {
        std::printf("%s: %llu\n", name.c_str(), static_cast<unsigned long long>(struck_[i]));
      }
    }
    if (seeds_.empty()) return;
    std::printf("seeds %llu to %llu, in rounds of %llu\n",
                static_cast<unsigned long long>(*seeds_.begin() + 1),
                static_cast<unsigned long long>(*seeds_.rbegin() + kSeedsPerRound),
                static_cast<unsigned long long>(kSeedsPerRound));
  }

 private:
  struct Row {
    uint64_t runs = 0;
    uint64_t crashes = 0;
    uint64_t failures = 0;
    double seconds = 0;
  };

  static void print_row(const std::string& layer, const Row& row) {
    std::printf("| %s | %llu | %llu | %.0f | %llu |\n", layer.c_str(),
                static_cast<unsigned long long>(row.runs),
                static_cast<unsigned long long>(row.crashes), row.seconds,
                static_cast<unsigned long long>(row.failures));
  }

  const RecordOptions& options_;
  std::set<std::pair<uint64_t, std::string>> done_;
  std::set<uint64_t> seeds_;
  std::map<std::string, Row> rows_;
  std::array<uint64_t, kFaultCount> struck_ = {};
  uint64_t crashes_ = 0;
  uint64_t failures_ = 0;
};

// The next layer of the first round that has one that was not played.
class Queue {
 public:
  Queue(const RecordOptions& options, const Record& record) : options_(options), record_(record) {}

  Unit take() {
    for (;;) {
      Unit unit;
      unit.seed = options_.seed + next_ / options_.layers.size() * kSeedsPerRound;
      unit.layer = options_.layers[next_ % options_.layers.size()];
      ++next_;
      if (!record_.has(unit.seed, unit.layer)) return unit;
    }
  }

 private:
  const RecordOptions& options_;
  const Record& record_;
  uint64_t next_ = 0;
};

struct Running {
  Unit unit;
  std::unique_ptr<TrialProcess> process;
};

Running start(Unit unit) {
  TrialOptions options;
  options.filter = unit.layer;
  options.policy.seed_shift = unit.seed;
  return {std::move(unit), std::make_unique<TrialProcess>(options)};
}

void finish(Running& running, int status, Record& record) {
  const TrialRun run = running.process->finish(status);
  Unit& unit = running.unit;
  unit.totals = run.totals;
  unit.seconds = run.processor_seconds;
  unit.failed = run.test.substr(0, run.test.find(' '));
  CHECK(record.append(line_of(unit)));
  record.add(unit);
  if (!unit.failed.empty()) {
    std::printf("FAILED %s, seeds from %llu\n%s\n", run.test.c_str(),
                static_cast<unsigned long long>(unit.seed + 1), run.message.c_str());
  }
  std::printf("%llu crashes, %llu failures; %s\n",
              static_cast<unsigned long long>(record.crashes()),
              static_cast<unsigned long long>(record.failures()), line_of(unit).c_str());
  std::fflush(stdout);
}

void play_on(const RecordOptions& options, Record& record) {
  Queue queue(options, record);
  std::map<int, Running> running;
  for (;;) {
    while (running.size() < options.jobs && record.crashes() < options.until) {
      Running next = start(queue.take());
      const int pid = next.process->pid();
      running.emplace(pid, std::move(next));
    }
    if (running.empty()) return;
    int status = 0;
    const int pid = waitpid(-1, &status, 0);
    if (pid < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    const auto ended = running.find(pid);
    CHECK(ended != running.end());
    finish(ended->second, status, record);
    running.erase(ended);
  }
}

}  // namespace

int keep_record(const RecordOptions& options) {
  Record record(options);
  if (!record.load()) {
    std::fprintf(stderr, "%s cannot be written, or is no record of engine %s: name another\n",
                 options.path.c_str(), options.engine.c_str());
    return 2;
  }
  play_on(options, record);
  record.print();
  return record.failures() == 0 ? 0 : 1;
}

}  // namespace holdfast::sim
