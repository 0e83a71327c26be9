// holdfast_hooks: how long a coding agent waits for its hooks. Processes of `holdfast hook prompt`,
// several at a time, on a store with many observations: each remembers its prompt on the disk and
// finds what is known about it. Measured from before the process is made to its end, with the
// processor time of each, which depends less on what else the machine does.
//
// Usage: holdfast_hooks PROGRAM [FOLDER [OBSERVATIONS [PROCESSES [AT_ONCE [STORE]]]]]
// STORE is made where it is not there, and kept; without it a store is made and removed.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "bench/engine.h"
#include "bench/histogram.h"
#include "bench/rows.h"
#include "holdfast/holdfast.h"

extern char** environ;

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kWords = 20'000;
constexpr size_t kBatch = 1'000;
constexpr const char* kSpace = "bench/hooks";

struct Options {
  std::string program;
  std::string folder = ".";
  uint64_t observations = 1'000'000;
  uint64_t processes = 1'000;
  uint64_t at_once = 16;
  std::string store = {};
};

uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

uint64_t ns_of(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1'000;
}

// Of letters alone: a search takes words with digits apart, and all would share a part.
std::string word(uint64_t number) {
  std::string text;
  for (int syllable = 0; syllable < 4; ++syllable) {
    text += "bdfgklmnprst"[number % 12];
    text += "aeiou"[number / 12 % 5];
    number /= 60;
  }
  return text;
}

// Some are frequent and most are rare; and as in any language two of five are of a few that nearly
// every text has.
std::string words(Random& random, uint64_t count) {
  std::string text;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t most = 1 + random.below(kWords);
    text += word(random.below(most)) + " ";
    if (random.below(3) < 2) text += word(kWords + random.below(1 + random.below(40))) + " ";
  }
  return text;
}

template <typename Value>
Value must(Result<Value> result) {
  if (!result) fail(result.status().to_string());
  return std::move(*result);
}

void fill(const std::string& path, uint64_t observations) {
  Store store = must(Store::open(path, {.durability = holdfast::Durability::batched}));
  const Space space = must(store.space(kSpace));
  Random random(7);
  for (uint64_t done = 0; done < observations;) {
    std::vector<NewObservation> batch(std::min<uint64_t>(kBatch, observations - done));
    for (NewObservation& one : batch) one.content = words(random, 12 + random.below(20));
    (void)must(space.observations().add_all(batch));
    done += batch.size();
  }
  if (const Status closed = store.close(); !closed) fail(closed.to_string());
}

class Hooks {
 public:
  Hooks(const Options& options, const std::string& folder, const std::string& store)
      : options_(options), folder_(folder), store_(store) {}

  void run() {
    for (uint64_t i = 0; i < options_.processes; ++i) {
      if (running_.size() == options_.at_once) wait_for_one();
      start(i);
    }
    while (!running_.empty()) wait_for_one();
  }
  const Histogram& durations() const { return durations_; }
  const Histogram& processor() const { return processor_; }

 private:
  void start(uint64_t number) {
    Random random(1'000 + number);
    const std::string input = folder_ + "/prompt" + std::to_string(number);
    std::FILE* file = std::fopen(input.c_str(), "w");
    if (file == nullptr) fail("cannot write " + input);
    std::fprintf(file, "{\"session_id\":\"s%llu\",\"prompt\":\"hook %llu: %s\"}",
                 static_cast<unsigned long long>(number % 50),
                 static_cast<unsigned long long>(number), words(random, 10).c_str());
    std::fclose(file);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const char* arguments[] = {options_.program.c_str(),
                               "--store",
                               store_.c_str(),
                               "--space",
                               kSpace,
                               "hook",
                               "prompt",
                               nullptr};
    const uint64_t begin_ns = now_ns();
    pid_t pid = -1;
    const int code = ::posix_spawn(&pid, options_.program.c_str(), &actions, nullptr,
                                   const_cast<char**>(arguments), environ);
    if (code != 0) fail("cannot start " + options_.program);
    ::posix_spawn_file_actions_destroy(&actions);
    running_[pid] = begin_ns;
  }

  void wait_for_one() {
    int state = 0;
    rusage usage = {};
    const pid_t pid = ::wait4(-1, &state, 0, &usage);
    if (pid < 0 || state != 0) fail("a hook failed");
    durations_.record(now_ns() - running_[pid]);
    processor_.record(ns_of(usage.ru_utime) + ns_of(usage.ru_stime));
    running_.erase(pid);
  }

  const Options& options_;
  const std::string folder_;
  const std::string store_;
  std::map<pid_t, uint64_t> running_;  // and when each began
  Histogram durations_;
  Histogram processor_;  // time
};

uint64_t observations_in(const std::string& path) {
  Store store = must(Store::open(path));
  return must(must(store.space(kSpace)).observations().count());
}

double ms(uint64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

void run(const Options& options) {
  const std::string folder =
      (fs::absolute(options.folder) / ("hooks." + std::to_string(::getpid()))).string();
  fs::create_directories(folder);
  const std::string store = options.store.empty() ? folder + "/store" : options.store;
  const uint64_t fill_ns = now_ns();
  if (!fs::exists(store)) fill(store, options.observations);
  const uint64_t before = observations_in(store);
  std::printf("%llu observations, made in %.1f s\n", static_cast<unsigned long long>(before),
              static_cast<double>(now_ns() - fill_ns) / 1e9);
  std::fflush(stdout);
  Hooks hooks(options, folder, store);
  hooks.run();
  const Histogram& durations = hooks.durations();
  const Histogram& processor = hooks.processor();
  const uint64_t found = observations_in(store);
  const uint64_t expected = before + options.processes;
  std::printf("%llu hooks, %llu at once: p50 %.1f ms, p99 %.1f ms, longest %.1f ms, lost %llu\n",
              static_cast<unsigned long long>(options.processes),
              static_cast<unsigned long long>(options.at_once), ms(durations.percentile_ns(0.5)),
              ms(durations.percentile_ns(0.99)), ms(durations.max_ns()),
              static_cast<unsigned long long>(expected - found));
  std::printf("processor time of each: p50 %.1f ms, p99 %.1f ms\n",
              ms(processor.percentile_ns(0.5)), ms(processor.percentile_ns(0.99)));
  fs::remove_all(folder);
}

uint64_t number(const char* text) {
  return std::strtoull(text, nullptr, 10);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast::bench;
  if (count < 2)
    fail("usage: holdfast_hooks PROGRAM [FOLDER [OBSERVATIONS [PROCESSES [AT_ONCE [STORE]]]]]");
  Options options{.program = arguments[1]};
  if (count > 2) options.folder = arguments[2];
  if (count > 3) options.observations = number(arguments[3]);
  if (count > 4) options.processes = number(arguments[4]);
  if (count > 5) options.at_once = number(arguments[5]);
  if (count > 6) options.store = arguments[6];
  run(options);
}
