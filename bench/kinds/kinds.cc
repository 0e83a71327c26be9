// holdfast_kinds: observations, events, jobs, steps, cached values and artifacts a second, of
// Holdfast and of SQLite with the obvious schema, strict, by 1 and 16 processes; and how soon the
// claim of a killed process is another's, for which SQLite has nothing.
//
// Usage: holdfast_kinds [DIRECTORY [SECONDS [REPETITIONS [KIND]]]]
// KIND: only kinds whose name begins so.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>

#include "bench/engine.h"
#include "bench/kinds/dead_owner.h"
#include "bench/kinds/outcome.h"
#include "bench/kinds/subject.h"
#include "bench/shared_array.h"
#include "bench/sync_counter.h"
#include "bench/table.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kProcesses[] = {1, 16};
constexpr uint64_t kCached = 10'000;  // entries that gets are of
constexpr uint64_t kArtifacts = 64;   // that gets are of
constexpr size_t kArtifactSize = 256u << 10;
constexpr size_t kWords = 40;            // of a text, of 20,000
constexpr uint64_t kJobsASecond = 8000;  // pushed before jobs are measured

std::string cache_key(uint64_t number) {
  const Key key(0, number);
  return std::string(key.view());
}

std::string text_of(uint32_t worker, uint64_t sequence) {
  Random random((uint64_t{worker} << 40) + sequence);
  std::string text;
  for (size_t i = 0; i < kWords; ++i) text += "word" + std::to_string(random.below(20'000)) + " ";
  return text;
}

// Bytes that nothing can make fewer.
std::string content_of(uint32_t worker, uint64_t sequence) {
  Random random((uint64_t{worker} << 40) + sequence);
  std::string content(kArtifactSize, '\0');
  for (size_t at = 0; at < content.size(); at += sizeof(uint64_t)) {
    const uint64_t word = random.next();
    std::memcpy(content.data() + at, &word, sizeof(word));
  }
  return content;
}

std::string artifact_name(uint64_t number) {
  return "artifact" + std::to_string(number % kArtifacts);
}

struct Kind {
  std::string name;
  // Before the clock runs, by one process.
  std::function<void(Keeper&, double seconds)> prepare;
  // One operation; false: there is nothing more to do.
  std::function<bool(Keeper&, uint32_t worker, uint64_t sequence)> act;
  size_t bytes = 0;  // of content, by one operation; 0: they do not matter
};

void prepare_nothing(Keeper&, double) {}

using SmallValue = Value<kValueSize>;

std::vector<Kind> kinds_of_work() {
  return {
      {"observation add", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         keeper.observe(text_of(worker, sequence));
         return true;
       }},
      {"event append", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         keeper.append_event(SmallValue(worker, sequence).view());
         return true;
       }},
      {"step begin and complete", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         keeper.do_step("step" + std::to_string(sequence), SmallValue(worker, sequence).view());
         return true;
       }},
      {"queue push", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         keeper.push_job(SmallValue(worker, sequence).view());
         return true;
       }},
      {"queue take and ack",
       [](Keeper& keeper, double seconds) {
         const auto jobs = static_cast<uint64_t>(seconds * kJobsASecond);
         for (uint64_t i = 0; i < jobs; ++i) keeper.push_job(SmallValue(0, i).view());
       },
       [](Keeper& keeper, uint32_t, uint64_t) { return keeper.do_job(); }},
  };
}

std::vector<Kind> kinds_of_values() {
  return {
      {"cache put", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         Random random((uint64_t{worker} << 40) + sequence);
         keeper.cache_put(cache_key(random.below(kCached)), SmallValue(worker, sequence).view());
         return true;
       }},
      {"cache get",
       [](Keeper& keeper, double) {
         for (uint64_t i = 0; i < kCached; ++i) {
           keeper.cache_put(cache_key(i), SmallValue(0, i).view());
         }
       },
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         Random random((uint64_t{worker} << 40) + sequence);
         std::string got;
         require(keeper.cache_get(cache_key(random.below(kCached)), got), "an entry is missing");
         return got.size() == kValueSize;
       }},
      {"artifact put", prepare_nothing,
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         keeper.put_artifact(artifact_name(worker), content_of(worker, sequence));
         return true;
       },
       kArtifactSize},
      {"artifact get",
       [](Keeper& keeper, double) {
         for (uint32_t i = 0; i < kArtifacts; ++i) {
           keeper.put_artifact(artifact_name(i), content_of(0, i));
         }
       },
       [](Keeper& keeper, uint32_t worker, uint64_t sequence) {
         std::string got;
         require(keeper.get_artifact(artifact_name(sequence + worker), got), "one is missing");
         return got.size() == kArtifactSize;
       },
       kArtifactSize},
  };
}

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds = kinds_of_work();
  for (const Kind& kind : kinds_of_values()) kinds.push_back(kind);
  return kinds;
}

struct Worker {
  Histogram durations;
  uint64_t span_ns = 0;  // it was at work
};

struct Board {
  std::atomic<uint32_t> ready{0};
  std::atomic<bool> go{false};
};

Outcome measure(const Subject& subject, const Kind& kind, uint32_t processes, double seconds,
                const std::string& directory) {
  fs::create_directory(directory);
  join(start([&] {
    subject.create(directory);
    kind.prepare(*subject.open(directory, Subject::For::kPreparing), seconds);
  }));
  const SharedArray<Worker> workers(processes);
  const SharedArray<Board> board(1);
  std::vector<pid_t> children;
  for (uint32_t i = 0; i < processes; ++i) {
    children.push_back(start([&, i] {
      const auto keeper = subject.open(directory, Subject::For::kMeasuring);
      board->ready.fetch_add(1);
      while (!board->go) usleep(200);
      const uint64_t begin_ns = monotonic_ns();
      const uint64_t end_ns = begin_ns + static_cast<uint64_t>(seconds * 1e9);
      uint64_t at_ns = begin_ns;
      for (uint64_t sequence = 0; at_ns < end_ns; ++sequence) {
        if (!kind.act(*keeper, i, sequence)) break;
        const uint64_t done_ns = monotonic_ns();
        workers[i].durations.record(done_ns - at_ns);
        at_ns = done_ns;
      }
      workers[i].span_ns = at_ns - begin_ns;
    }));
  }
  while (board->ready < processes) usleep(1000);
  board->go = true;
  for (const pid_t child : children) join(child);
  fs::remove_all(directory);
  Histogram all;
  uint64_t span_ns = 1;
  for (uint32_t i = 0; i < processes; ++i) {
    all.merge(workers[i].durations);
    span_ns = std::max(span_ns, workers[i].span_ns);
  }
  return outcome_of(all, static_cast<double>(all.count()) * 1e9 / static_cast<double>(span_ns));
}

double median(std::vector<Outcome> outcomes, double Outcome::*figure) {
  const auto middle = outcomes.begin() + static_cast<ptrdiff_t>(outcomes.size() / 2);
  std::nth_element(outcomes.begin(), middle, outcomes.end(),
                   [&](const Outcome& a, const Outcome& b) { return a.*figure < b.*figure; });
  return (*middle).*figure;
}

constexpr const char* kDeadOwner = "claim of a killed owner";
constexpr double kRoundsASecond = 100;

void compare(const std::string& directory, double seconds, int repetitions, std::string_view only) {
  const std::unique_ptr<Subject> subjects[] = {make_holdfast_subject(), make_sqlite_subject()};
  Table table({"kind", "processes", "subject", "a second", "MB a second", "p50 us", "p99 us",
               "max us", "of sqlite"});
  for (const Kind& kind : all_kinds()) {
    if (!kind.name.starts_with(only)) continue;
    for (const uint32_t processes : kProcesses) {
      std::map<std::string, std::vector<Outcome>> outcomes;
      for (int i = 0; i < 2 * repetitions; ++i) {
        const Subject& subject = *subjects[(i + i / 2) % 2];  // neither always follows the other
        outcomes[subject.name()].push_back(
            measure(subject, kind, processes, seconds, directory + "/kinds"));
      }
      const double of_sqlite = median(outcomes["sqlite"], &Outcome::rate);
      for (const auto& [name, of_name] : outcomes) {
        const double rate = median(of_name, &Outcome::rate);
        const double megabytes = rate * static_cast<double>(kind.bytes) / 1e6;
        table.add({kind.name, std::to_string(processes), name, readable(rate),
                   kind.bytes == 0 ? "" : readable(megabytes),
                   readable(median(of_name, &Outcome::p50_us)),
                   readable(median(of_name, &Outcome::p99_us)),
                   readable(median(of_name, &Outcome::max_us)), readable(rate / of_sqlite)});
      }
    }
  }
  if (std::string_view(kDeadOwner).starts_with(only)) {
    const auto rounds = static_cast<uint32_t>(
        std::max(1.0, seconds * static_cast<double>(repetitions) * kRoundsASecond));
    for (const uint32_t waiters : kProcesses) {
      const Outcome outcome = measure_dead_owner(waiters, rounds, directory + "/kinds");
      table.add({kDeadOwner, std::to_string(waiters), subjects[0]->name(), "", "",
                 readable(outcome.p50_us), readable(outcome.p99_us), readable(outcome.max_us), ""});
    }
  }
  table.print(TableStyle::kMarkdown);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast::bench;
  std::string directory = std::string(count > 1 ? arguments[1] : ".") + "/holdfast_kinds.XXXXXX";
  require(mkdtemp(directory.data()) != nullptr, "cannot make a folder for the stores");
  compare(directory, count > 2 ? std::atof(arguments[2]) : 1,
          count > 3 ? std::atoi(arguments[3]) : 3, count > 4 ? arguments[4] : "");
  std::filesystem::remove_all(directory);
  return 0;
}
