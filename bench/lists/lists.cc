// holdfast_lists: how long the first page of a list takes where a space has very many observations,
// and how much memory a process needs that lists all of them.
//
// Every list is asked for in turn, of values drawn at random, 50 observations a page, each with its
// content. Half of the lists begin anywhere in the space's time ("before"), the others at its end.
// The longest page is told twice: by the clock, and of the processor, which leaves out what it
// waited for: others at work, and pages that had to come from the disk, of which the last column
// tells. A kernel may take pages from the cache that nobody has used for a while, long before
// memory is short.
//
// Usage: holdfast_lists [DIRECTORY [OBSERVATIONS [PAGES]]]
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/process_status.h"
#include "bench/rows.h"
#include "bench/sync_counter.h"
#include "bench/table.h"
#include "holdfast/holdfast.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPage = 50;
constexpr size_t kBatch = 1'000;
constexpr uint64_t kTags = 1'000;      // each on as many observations
constexpr uint64_t kBranches = 5'000;  // values of a member of the metadata
constexpr uint64_t kPerSession = 200;

std::string tag_of(uint64_t number) {
  return "tag" + std::to_string(number % kTags);
}
std::string branch_of(uint64_t number) {
  return "branch" + std::to_string(number * 7 % kBranches);
}
std::string session_of(uint64_t number) {
  return "session" + std::to_string(number / kPerSession);
}

NewObservation observation_of(uint64_t number) {
  Random random(number + 1);
  NewObservation observation;
  observation.content = "what was seen as number " + std::to_string(number) + ":";
  for (int i = 0; i < 12; ++i) observation.content += " w" + std::to_string(random.below(20'000));
  observation.kind = number % 10 == 0 ? "fact" : "note";
  observation.source = "tool:bash";
  observation.session = session_of(number);
  observation.tags = {tag_of(number), "all"};
  observation.metadata = "{\"branch\":\"" + branch_of(number) + "\",\"turn\":1}";
  return observation;
}

struct Filled {
  int64_t begin_us = 0;
  int64_t end_us = 0;
  double seconds = 0;
};

Filled fill(const Space& space, uint64_t count) {
  Filled filled;
  const uint64_t begin_ns = monotonic_ns();
  for (uint64_t first = 0; first < count; first += kBatch) {
    std::vector<NewObservation> batch;
    for (uint64_t i = first; i < std::min(count, first + kBatch); ++i) {
      batch.push_back(observation_of(i));
    }
    const auto added = space.observations().add_all(batch);
    require(added.is_ok(), "cannot add");
    const auto last = space.observations().get(added->back().id);
    require(last.is_ok(), "cannot read what was added");
    if (first == 0) filled.begin_us = last->created_us;
    filled.end_us = last->created_us;
  }
  filled.seconds = static_cast<double>(monotonic_ns() - begin_ns) / 1e9;
  return filled;
}

struct List {
  const char* name;
  std::function<ObservationListOptions(Random&)> ask;
};

std::vector<List> all_lists(uint64_t count, const Filled& filled) {
  const auto sometime = [=](Random& random) {
    const auto span = static_cast<uint64_t>(filled.end_us - filled.begin_us);
    return filled.begin_us + static_cast<int64_t>(random.below(span + 1));
  };
  const auto session = [=](Random& random) { return session_of(random.below(count)); };
  return {
      {"newest", [](Random&) { return ObservationListOptions{}; }},
      {"oldest", [](Random&) { return ObservationListOptions{.newest_first = false}; }},
      {"before a time",
       [=](Random& random) { return ObservationListOptions{.until_us = sometime(random)}; }},
      {"since a time, oldest first",
       [=](Random& random) {
         return ObservationListOptions{.newest_first = false, .since_us = sometime(random)};
       }},
      {"session",
       [=](Random& random) { return ObservationListOptions{.session = session(random)}; }},
      {"tag",
       [](Random& random) { return ObservationListOptions{.tags = {tag_of(random.next())}}; }},
      {"tag that all have, before a time",
       [=](Random& random) {
         return ObservationListOptions{.tags = {"all"}, .until_us = sometime(random)};
       }},
      {"metadata",
       [](Random& random) {
         return ObservationListOptions{
             .metadata = std::pair("branch", "\"" + branch_of(random.next()) + "\"")};
       }},
      {"kind of a tenth", [](Random&) { return ObservationListOptions{.kind = "fact"}; }},
      {"session and kind",
       [=](Random& random) {
         return ObservationListOptions{.kind = "fact", .session = session(random)};
       }},
  };
}

double milliseconds(uint64_t duration_ns) {
  return static_cast<double>(duration_ns) / 1e6;
}

// Of the processor, by this thread.
uint64_t worked_ns() {
  timespec time{};
  require(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "no clock of the thread");
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// That had to be read from the disk for this thread.
uint64_t disk_kib() {
  rusage usage{};
  require(getrusage(RUSAGE_THREAD, &usage) == 0, "no figures of the thread");
  return static_cast<uint64_t>(usage.ru_inblock) / 2;  // of 512 bytes
}

struct Measured {
  Histogram durations;
  Histogram works;
  size_t found = 0;
  uint64_t disk_kib = 0;
};

void measure_lists(const Space& space, uint64_t count, const Filled& filled, uint64_t pages) {
  const std::vector<List> lists = all_lists(count, filled);
  std::vector<Measured> measured(lists.size());
  Random random(42);
  for (uint64_t page = 0; page < pages; ++page) {
    for (size_t i = 0; i < lists.size(); ++i) {
      ObservationListOptions options = lists[i].ask(random);
      options.limit = kPage;
      const uint64_t disk_begin_kib = disk_kib();
      const uint64_t begin_ns = monotonic_ns();
      const uint64_t work_begin_ns = worked_ns();
      const auto listed = space.observations().list(options);
      measured[i].works.record(worked_ns() - work_begin_ns);
      measured[i].durations.record(monotonic_ns() - begin_ns);
      measured[i].disk_kib += disk_kib() - disk_begin_kib;
      require(listed.is_ok(), "cannot list");
      measured[i].found += listed->size();
    }
  }
  Table table({"first page of 50", "found, mean", "p50 ms", "p99 ms", "max ms",
               "of the processor, max ms", "from the disk, KiB a page"});
  for (size_t i = 0; i < lists.size(); ++i) {
    const Measured& list = measured[i];
    const auto all = static_cast<double>(pages);
    table.add({lists[i].name, readable(static_cast<double>(list.found) / all),
               readable(milliseconds(list.durations.percentile_ns(0.5))),
               readable(milliseconds(list.durations.percentile_ns(0.99))),
               readable(milliseconds(list.durations.max_ns())),
               readable(milliseconds(list.works.max_ns())),
               readable(static_cast<double>(list.disk_kib) / all)});
  }
  table.print(TableStyle::kMarkdown);
}

// In a process of its own, so that the memory of one part is not that of another.
void in_child(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = fork();
  require(child >= 0, "cannot fork");
  if (child == 0) {
    work();
    std::fflush(stdout);
    _exit(0);
  }
  int state = 0;
  require(waitpid(child, &state, 0) == child && state == 0, "a process of the measurement failed");
}

void fill_and_measure(const std::string& directory, uint64_t count, uint64_t pages) {
  auto store = Store::open(directory, {.durability = holdfast::Durability::batched});
  require(store.is_ok(), "cannot open");
  const Space space = *store->space("lists");
  const Filled filled = fill(space, count);
  std::printf("%s observations added in %s s, 1,000 in a commit\n\n",
              readable(static_cast<double>(count)).c_str(), readable(filled.seconds).c_str());
  measure_lists(space, count, filled, pages);
  require(store->close().is_ok(), "cannot close");
}

// Page by page.
void list_all(const std::string& directory, uint64_t count) {
  auto store = Store::open(directory);
  require(store.is_ok(), "cannot open");
  const auto space = store->space("lists");
  ObservationListOptions options{.limit = kBatch};
  uint64_t seen = 0;
  uint64_t kib_max = 0;
  const uint64_t begin_ns = monotonic_ns();
  while (true) {
    const auto page = space->observations().list(options);
    require(page.is_ok(), "cannot list");
    if (page->empty()) break;
    seen += page->size();
    options.after = page->back().id;
    kib_max = std::max(kib_max, status_kib("self", "RssAnon"));
  }
  require(seen == count, "not all were listed");
  std::printf(
      "\nall %s, by pages of 1,000, in a process of its own: %s s, at most %s MiB of its "
      "own memory\n",
      readable(static_cast<double>(seen)).c_str(),
      readable(static_cast<double>(monotonic_ns() - begin_ns) / 1e9).c_str(),
      readable(static_cast<double>(kib_max) / 1024).c_str());
}

void run(const std::string& directory, uint64_t count, uint64_t pages) {
  in_child([&] { fill_and_measure(directory, count, pages); });
  in_child([&] { list_all(directory, count); });
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast::bench;
  std::string directory = std::string(count > 1 ? arguments[1] : ".") + "/holdfast_lists.XXXXXX";
  require(mkdtemp(directory.data()) != nullptr, "cannot make a folder for the store");
  run(directory + "/store", count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1'000'000,
      count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 200);
  std::filesystem::remove_all(directory);
  return 0;
}
