// A program that lives for a moment, linked with one engine (or none) and nothing else:
//   PROGRAM open DIRECTORY NUMBER   opens, gets, puts row NUMBER strictly, closes, prints how long
//   PROGRAM idle DIRECTORY 0        opens, gets, prints a line, and stays until it is killed
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/engine.h"
#include "bench/once/sample.h"
#include "bench/sync_counter.h"

namespace holdfast::bench {
namespace {

std::unique_ptr<Session> open_session(const char* directory) {
  const EngineList engines = make_engines();
  if (engines.empty()) return nullptr;
  return engines.front()->open({directory, Durability::kStrict});
}

void get_one(Session& session, uint64_t seed) {
  std::string read;
  const Key wanted(0, Random(seed).below(kOnceRows));
  require(session.get(wanted.view(), read), "a loaded row is not there");
}

void open_once(const char* directory, uint64_t number) {
  OnceSample sample;
  const Row row(kOnceWriter, number);
  uint64_t last_ns = monotonic_ns();
  const auto lap = [&last_ns](uint64_t& out) {
    const uint64_t now_ns = monotonic_ns();
    out = now_ns - last_ns;
    last_ns = now_ns;
  };
  if (std::unique_ptr<Session> session = open_session(directory)) {
    lap(sample.open_ns);
    get_one(*session, number);
    lap(sample.get_ns);
    session->put(row.key.view(), row.value.view());
    lap(sample.put_ns);
    session.reset();
    lap(sample.close_ns);
  }
  std::printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sample.open_ns, sample.get_ns,
              sample.put_ns, sample.close_ns);
}

[[noreturn]] void stay_idle(const char* directory) {
  const std::unique_ptr<Session> session = open_session(directory);
  if (session) get_one(*session, 0);
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) pause();
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  using namespace holdfast::bench;
  require(count == 4, "usage: PROGRAM open|idle DIRECTORY NUMBER");
  if (std::strcmp(arguments[1], "idle") == 0) stay_idle(arguments[2]);
  open_once(arguments[2], std::strtoull(arguments[3], nullptr, 10));
  return 0;
}
