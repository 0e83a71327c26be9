// holdfast_hooks: how long a coding agent waits for its hooks. Processes of `holdfast hook prompt`,
// several at a time, on a store with many observations: each remembers its prompt on the disk and
// finds what is known about it. Measured from before the process is made to its end.
//
// Usage: holdfast_hooks PROGRAM [FOLDER [OBSERVATIONS [PROCESSES [AT_ONCE]]]]
#include <fcntl.h>
#include <spawn.h>
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
};

uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
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

// Some are frequent and most are rare.
std::string words(Random& random, uint64_t count) {
  std::string text;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t most = 1 + random.below(kWords);
    text += word(random.below(most)) + " ";
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
  Hooks(const Options& options, const std::string& folder) : options_(options), folder_(folder) {}

  void run() {
    for (uint64_t i = 0; i < options_.processes; ++i) {
      if (running_.size() == options_.at_once) wait_for_one();
      start(i);
    }
    while (!running_.empty()) wait_for_one();
  }
  const Histogram& durations() const { return durations_; }

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
    std::string store = folder_ + "/store";
    const char* arguments[] = {options_.program.c_str(),
                               "--store",
                               store.c_str(),
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
    const pid_t pid = ::waitpid(-1, &state, 0);
    if (pid < 0 || state != 0) fail("a hook failed");
    durations_.record(now_ns() - running_[pid]);
    running_.erase(pid);
  }

  const Options& options_;
  const std::string folder_;
  std::map<pid_t, uint64_t> running_;  // and when each began
  Histogram durations_;
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
  const uint64_t fill_ns = now_ns();
  fill(folder + "/store", options.observations);
  std::printf("%llu observations in %.1f s\n",
              static_cast<unsigned long long>(options.observations),
              static_cast<double>(now_ns() - fill_ns) / 1e9);
  std::fflush(stdout);
  Hooks hooks(options, folder);
  hooks.run();
  const Histogram& durations = hooks.durations();
  const uint64_t found = observations_in(folder + "/store");
  const uint64_t expected = options.observations + options.processes;
  std::printf("%llu hooks, %llu at once: p50 %.1f ms, p99 %.1f ms, longest %.1f ms, lost %llu\n",
              static_cast<unsigned long long>(options.processes),
              static_cast<unsigned long long>(options.at_once), ms(durations.percentile_ns(0.5)),
              ms(durations.percentile_ns(0.99)), ms(durations.max_ns()),
              static_cast<unsigned long long>(expected - found));
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
    fail("usage: holdfast_hooks PROGRAM [FOLDER [OBSERVATIONS [PROCESSES [AT_ONCE]]]]");
  Options options{.program = arguments[1]};
  if (count > 2) options.folder = arguments[2];
  if (count > 3) options.observations = number(arguments[3]);
  if (count > 4) options.processes = number(arguments[4]);
  if (count > 5) options.at_once = number(arguments[5]);
  run(options);
}
