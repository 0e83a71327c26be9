#include "bench/workloads/short_lives.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include "bench/engine.h"
#include "bench/sync_counter.h"

namespace holdfast::bench {
namespace {

std::string program_of(const std::string& engine) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench_once" / engine;
}

// A started program and the end of its standard output.
struct Started {
  pid_t process = 0;
  int output = -1;
};

Started start(const std::string& engine, const char* what, const std::string& directory,
              uint64_t number) {
  const std::string program = program_of(engine);
  const std::string text = std::to_string(number);
  const char* arguments[] = {program.c_str(), what, directory.c_str(), text.c_str(), nullptr};
  int ends[2];
  require(pipe2(ends, O_CLOEXEC) == 0, "no pipe for " + program);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  Started started;
  const int error = posix_spawn(&started.process, program.c_str(), &actions, nullptr,
                                const_cast<char**>(arguments), environ);
  require(error == 0, "cannot start " + program);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  started.output = ends[0];
  return started;
}

std::string read_line(const Started& started) {
  char line[200] = {};
  const ssize_t size = read(started.output, line, sizeof(line) - 1);
  close(started.output);
  require(size > 0, "a short-lived process failed; its message is above");
  return line;
}

}  // namespace

OnceSample live_once(const std::string& engine, const std::string& directory, uint64_t number) {
  OnceSample sample;
  const uint64_t begin_ns = monotonic_ns();
  const Started started = start(engine, "open", directory, number);
  int status = 0;
  waitpid(started.process, &status, 0);
  sample.process_ns = monotonic_ns() - begin_ns;
  const std::string line = read_line(started);
  require(status == 0, "a short-lived process failed");
  const int fields = std::sscanf(line.c_str(), "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                 &sample.open_ns, &sample.get_ns, &sample.put_ns, &sample.close_ns);
  require(fields == 4, "a short-lived process printed something else");
  return sample;
}

pid_t start_idle(const std::string& engine, const std::string& directory) {
  const Started started = start(engine, "idle", directory, 0);
  read_line(started);
  return started.process;
}

}  // namespace holdfast::bench
