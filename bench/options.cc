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

constexpr uint64_t kKeysMin = 10'000;  // as many as short-lived processes read

constexpr const char* kUsage = R"(usage: holdfast_bench [option value]...
  --workload W1,W2     which workloads (default W1,W2,W4,W6; "all": %s)
  --engines a,b        which engines (default: all that were built in)
  --processes 1,10     how many workers, for each of which W1 and W2 run (default 1,3,10,32)
  --seconds 2          length of each measured window
  --limit 20           seconds after which a run of W9 ends early
  --repetitions 3      of everything; the table shows medians
  --keys 1000000       rows of the store that W4, W5 and idle use; commits of W7, rows of W8,
                       overwrites of W9
  --sizes 1000000,...  rows of the stores of "scale" (default 1, 4 and 16 million)
  --minutes 90         begin no further case after that time; --resume goes on
  --dir DIR            where the stores are made, on the disk to be measured (default .)
  --json FILE          one JSON object per run to FILE (default: standard output)
  --resume             add to FILE, leaving out the cases that it has
  --quick              a tenth of everything, once: does it work, not how fast it is
  --report FILE        measure nothing, print the tables of a FILE written with --json
  --markdown           print tables as Markdown
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

std::vector<uint64_t> parse_sizes(const std::string& text) {
  std::vector<uint64_t> sizes;
  for (const std::string& part : split(text)) {
    sizes.push_back(std::max<uint64_t>(kKeysMin, static_cast<uint64_t>(positive_number(part))));
  }
  return sizes;
}

std::vector<std::string> parse_workloads(const std::string& text) {
  std::vector<std::string> names = split(text);
  if (text == "all") {
    names.clear();
    for (const WorkloadKind& kind : kWorkloads) names.emplace_back(kind.name);
  }
  for (const std::string& name : names) {
    if (find_workload(name) == nullptr) refuse("no workload is named " + name);
  }
  return names;
}

void be_quick(Options& options) {
  options.processes = {1, 10};
  options.seconds = 0.3;
  options.limit_seconds = 2;
  options.repetitions = 1;
  options.keys = 100'000;
  options.sizes = {100'000, 400'000};
}

// One without a value. False: there is none of that name.
bool set_flag(Options& options, const std::string& name) {
  if (name == "--resume") {
    options.resume = true;
  } else if (name == "--markdown") {
    options.markdown = true;
  } else if (name == "--quick") {
    options.quick = true;  // see be_quick: what else is given counts, wherever it stands
  } else {
    return false;
  }
  return true;
}

void set_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "--workload") {
    options.workloads = parse_workloads(value);
  } else if (name == "--sizes") {
    options.sizes = parse_sizes(value);
  } else if (name == "--minutes") {
    options.minutes = positive_number(value);
  } else if (name == "--report") {
    options.report_path = value;
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
    options.keys = static_cast<uint64_t>(std::max<double>(kKeysMin, positive_number(value)));
  } else if (name == "--dir") {
    options.directory = value;
  } else if (name == "--json") {
    options.json_path = value;
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
  const auto is_quick = [](std::string_view argument) { return argument == "--quick"; };
  if (std::any_of(arguments + 1, arguments + count, is_quick)) be_quick(options);
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name == "--help" || name == "-h") refuse("compares Holdfast with other stores");
    if (set_flag(options, name)) continue;
    if (i + 1 == count) refuse(name + " needs a value");
    set_option(options, name, arguments[++i]);
  }
  if (options.resume && options.json_path.empty()) refuse("--resume needs --json FILE");
  return options;
}

}  // namespace holdfast::bench
