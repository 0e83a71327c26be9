#include "bench/options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "bench/board.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

constexpr const char* kUsage = R"(usage: holdfast_bench [option value]...
  --workload W1,W2     which workloads (default W1,W2,W4,W6; all: %s)
  --engines a,b        which engines (default: all that were built in)
  --processes 1,10     how many workers, for each of which W1 to W3 run (default 1,3,10,32)
  --seconds 2          length of each measured window
  --limit 20           seconds after which a run of W9 ends early
  --repetitions 3      of everything; the table shows medians
  --keys 1000000       rows of the store that W4 reads
  --dir DIR            where the stores are made, on the disk to be measured (default .)
  --json FILE          one JSON object per run to FILE (default: standard output)
)";

[[noreturn]] void refuse(const std::string& message) {
  std::string workloads;
  for (const WorkloadKind& kind : kWorkloads) {
    workloads += (workloads.empty() ? "" : ",") + std::string(kind.name);
  }
  std::fprintf(stderr, "holdfast_bench: %s\n", message.c_str());
  std::fprintf(stderr, kUsage, workloads.c_str());
  std::exit(2);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

double positive_number(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(number > 0)) refuse("not a positive number: " + text);
  return number;
}

std::vector<uint32_t> parse_processes(const std::string& text) {
  std::vector<uint32_t> counts;
  for (const std::string& part : split(text)) {
    const double count = positive_number(part);
    if (count > kWorkersMax) refuse("at most " + std::to_string(kWorkersMax) + " processes");
    counts.push_back(static_cast<uint32_t>(count));
  }
  return counts;
}

void set_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "--workload") {
    options.workloads = split(value);
    for (const std::string& workload : options.workloads) {
      if (find_workload(workload) == nullptr) refuse("no workload is named " + workload);
    }
  } else if (name == "--engines") {
    options.engines = split(value);
  } else if (name == "--processes") {
    options.processes = parse_processes(value);
  } else if (name == "--seconds") {
    options.seconds = positive_number(value);
  } else if (name == "--limit") {
    options.limit_seconds = positive_number(value);
  } else if (name == "--repetitions") {
    options.repetitions = std::max(1u, static_cast<uint32_t>(positive_number(value)));
  } else if (name == "--keys") {
    options.keys = static_cast<uint64_t>(std::max(200.0, positive_number(value)));
  } else if (name == "--dir") {
    options.directory = value;
  } else if (name == "--json") {
    options.json_path = value;
  } else if (name == "--open-once") {
    options.open_once = value;
  } else if (name == "--sequence") {
    options.sequence = std::strtoull(value.c_str(), nullptr, 10);
  } else {
    refuse("no option is named " + name);
  }
}

}  // namespace

Options parse_options(int count, char** arguments) {
  Options options;
  for (int i = 0; i < count; ++i) {
    options.command += (i == 0 ? "" : " ") + std::string(arguments[i]);
  }
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    if (name == "--help" || name == "-h") refuse("compares Holdfast with other stores");
    if (i + 1 == count) refuse(name + " needs a value");
    set_option(options, name, arguments[i + 1]);
  }
  return options;
}

}  // namespace holdfast::bench
